import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MAJORS } from '../../scripts/majors.js';
import { asOwner, freePort, waitFor } from '../e2e/support/machine.ts';
import { pgrepl } from '../e2e/support/pgrepl.ts';
import { scratch } from '../e2e/support/scratch.ts';
import { setting, sql, writeAsOwner } from '../e2e/support/server.ts';
import { bareServer, faults, programOf, startWith } from './support.ts';

const dir = scratch();

async function rendered(...words: readonly string[]): Promise<string> {
  const shown = await pgrepl(['render', ...words]);
  expect(shown.code).toBe(0);
  return shown.stdout;
}

test.each(MAJORS)('a server of %i takes every file that render prints', async (major) => {
  const pgdata = join(dir, String(major));
  bareServer(major, pgdata);
  const of = ['--pg-version', String(major)];
  const link = ['--upstream', "it's\\here", '--slot', 'pg2', '--name', 'pg2', '-D', pgdata];
  const port = await freePort();
  const own = await rendered('postgresql.conf', '--allow', '10.0.0.12', ...of);
  appendFileSync(
    join(pgdata, 'postgresql.conf'),
    `${own}\nunix_socket_directories = '/tmp'\nlisten_addresses = ''\nport = ${port}\n`,
  );
  const rules = await rendered('pg_hba.conf', '--allow', '10.0.0.12', '--allow', 'fd00::/64');
  writeAsOwner(join(pgdata, 'pg_hba.conf'), `${rules}local all all trust\n`);
  if (major < 12)
    writeAsOwner(join(pgdata, 'recovery.conf'), await rendered('recovery.conf', ...link, ...of));
  else {
    appendFileSync(join(pgdata, 'postgresql.auto.conf'), await rendered('primary_conninfo', ...link));
    writeAsOwner(join(pgdata, 'standby.signal'), '');
  }
  expect(asOwner([programOf(major, 'postgres'), '-D', pgdata, '-C', 'wal_level']).trim()).toBe('replica');
  startWith(major, pgdata, ['-W']);
  await answers(pgdata);
  expect(faults(pgdata)).toBe('');
  expect(sql(pgdata, 'SELECT pg_is_in_recovery();')).toBe('t');
  expect(setting(pgdata, major < 13 ? 'wal_keep_segments' : 'wal_keep_size')).not.toBe('0');
  if (major >= 12) expect(setting(pgdata, 'primary_slot_name')).toBe('pg2');
});

async function answers(pgdata: string): Promise<void> {
  await waitFor(() => sql(pgdata, 'SELECT 1;') === '1', { what: `an answer of ${pgdata}` });
}
