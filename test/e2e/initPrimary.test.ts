import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from './support/machine.ts';
import { pgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { passwordFile, setting, sql } from './support/server.ts';

test('creates a cluster, and has nothing to do afterwards', async () => {
  const dir = scratch();
  const pgdata = join(dir, 'data');
  const port = await freePort();
  const words = ['-D', pgdata, '-p', String(port), '--allow', '127.0.0.1'];
  const args = ['init-primary', ...words, '--password-file', passwordFile(dir, 'secret of the role')];

  const first = await pgrepl([...args, '--json']);
  expect(first).toMatchObject({ code: 0 });
  expect(first.json()).toMatchObject({ outcome: 'done', changed: true, nodes: [{ role: 'primary' }] });
  expect(setting(pgdata, 'data_checksums')).toBe('on');
  expect(
    sql(pgdata, "SELECT rolreplication, left(rolpassword, 14) FROM pg_authid WHERE rolname = 'replicator';"),
  ).toBe('t|SCRAM-SHA-256$');

  const second = await pgrepl([...args, '--json']);
  expect(second).toMatchObject({ code: 0 });
  expect(second.json()).toMatchObject({ outcome: 'unchanged', changed: false, steps: [] });
});
