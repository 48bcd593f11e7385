import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { slotName } from '../../src/cluster/slot.ts';
import { freePort, waitFor } from './support/machine.ts';
import { newPrimary, processes, streams, type Primary } from './support/pair.ts';
import { pgrepl, startPgrepl, type Result } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { sql, stopServer } from './support/server.ts';

/** A standby that is named after its host: with --port in the first command line, and without it in the next. */

const dir = scratch();
const host = (hostname().split('.')[0] ?? 'local').replace(/[^A-Za-z0-9_.-]/g, '_');
let primary: Primary;

beforeAll(async () => {
  primary = await newPrimary(dir);
  sql(primary.pgdata, 'CREATE TABLE ballast AS SELECT repeat($$x$$, 1000) FROM generate_series(1, 30000);');
});

function words(pgdata: string, more: readonly string[]): readonly string[] {
  const from = ['--from', `127.0.0.1:${primary.port}`, '--password-file', primary.passwordFile];
  return ['clone-standby', '-D', pgdata, ...from, ...more];
}

function run(pgdata: string, ...more: readonly string[]): Promise<Result> {
  return pgrepl(words(pgdata, ['--json', ...more]));
}

function slots(): string {
  return sql(primary.pgdata, 'SELECT slot_name FROM pg_replication_slots ORDER BY 1;');
}

test('the standby is found by what is there, whether it runs or not', async () => {
  const [pgdata, port] = [join(dir, 'plain'), await freePort()];
  const slot = slotName(`${host}_${port}`);
  expect((await run(pgdata, '-p', String(port))).json()).toMatchObject({
    outcome: 'done',
    nodes: [{ slot }],
  });
  expect((await run(pgdata)).json()).toMatchObject({ outcome: 'unchanged', nodes: [{ slot }] });
  stopServer(pgdata);
  expect((await run(pgdata)).json()).toMatchObject({ outcome: 'done', nodes: [{ slot }] });
  await streams(primary.pgdata, pgdata, `${host}_${port}`);
  expect(slots()).toBe(slot);

  // Another one from here, by a name that somebody gave: it is not the one that was asked for.
  const named = await run(pgdata, '--name', host);
  expect(named.json()).toMatchObject({ status: 3, outcome: 'refused' });
  stopServer(pgdata);
  sql(primary.pgdata, `SELECT pg_drop_replication_slot('${slot}');`);
});

test('a copy that was cut short is told, with what to type', async () => {
  const [pgdata, port] = [join(dir, 'cut'), await freePort()];
  const slot = slotName(`${host}_${port}`);
  const { child, ended } = startPgrepl(words(pgdata, ['-p', String(port), '--max-rate', '2M']));
  await waitFor(() => existsSync(join(`${pgdata}.pgrepl-new`, 'data', 'base')), { what: 'the copy runs' });
  child.kill('SIGKILL');
  await ended;
  await waitFor(() => processes('pg_basebackup', dir).length === 0, { what: 'the copy has ended' });
  const refused = await run(pgdata);
  expect(refused.json()).toMatchObject({ status: 3, changed: false });
  expect(refused.json().refusals[0]).toEqual({
    message: `${host}: ${pgdata}.pgrepl-new is of a copy with --port ${port} that was cut short, and no port is named now`,
    hint: `--port ${port} goes on with it; --port 5432 is another standby, and the slot of the first stays.`,
  });
  expect((await run(pgdata, '-p', String(port))).json()).toMatchObject({
    outcome: 'done',
    nodes: [{ slot }],
  });
  expect(slots()).toBe(slot);
  stopServer(pgdata);
});
