import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pgrepl } from '../e2e/support/pgrepl.ts';
import { scratch } from '../e2e/support/scratch.ts';

const dir = scratch();
const file = join(dir, 'pgrepl.yaml');
writeFileSync(
  file,
  `cluster: shop
replication: { role: rep, password: { env: SECRET } }
nodes:
  pg1: { address: 10.0.0.11, pgdata: /pg/17, port: 5433 }
  pg2: { address: 10.0.0.12, pgdata: /pg/17b, upstream: pg1 }
`,
);

const LINK = 'connect_timeout=10 keepalives_idle=5 keepalives_interval=2 keepalives_count=3';

/** Without a file there must be none where it runs either, hence the directory. */
test.each([
  [
    ['primary_conninfo', 'pg2', '-c', file],
    `primary_conninfo = 'user=rep host=10.0.0.11 port=5433 application_name=pg2 passfile=/pg/17b/pgrepl.pgpass ${LINK}'\nprimary_slot_name = 'pg2'\n`,
  ],
  [
    ['recovery.conf', '--pg-version', '11', '--upstream', '10.0.0.11', '--name', 'pg9'],
    `standby_mode = 'on'\nrecovery_target_timeline = 'latest'\nprimary_conninfo = 'user=replicator host=10.0.0.11 port=5432 application_name=pg9 ${LINK}'\nprimary_slot_name = 'pg9'\n`,
  ],
  [
    ['pg_hba.conf', '--allow', '10.0.0.12', '--replication-role', 'rep'],
    expect.stringContaining('host  replication  rep  10.0.0.12/32  scram-sha-256\n'),
  ],
  [['pg_hba.conf', '-c', file], expect.stringMatching(/10\.0\.0\.11\/32[^]*10\.0\.0\.12\/32/)],
  [['postgresql.conf', '--pg-version', '12'], expect.stringContaining("wal_keep_segments = '64'\n")],
  [
    ['postgresql.conf', 'pg1', '-c', file],
    expect.stringMatching(/port = '5433'\n.*wal_keep_size = '1024MB'/s),
  ],
])('%j', async (words, wanted) => {
  expect(await pgrepl(['render', ...words], { cwd: dir.replace(/\/[^/]*$/, '') })).toMatchObject({
    code: 0,
    stdout: wanted,
  });
});

test('--json is the document of every verb', async () => {
  const { stdout } = await pgrepl(['render', 'pg_hba.conf', '--allow', '10.0.0.12', '--json']);
  expect(JSON.parse(stdout)).toEqual({
    ...{ command: 'render', outcome: 'done', status: 0, changed: false, ms: expect.any(Number) },
    ...{ file: 'pg_hba.conf', text: expect.stringContaining('10.0.0.12/32') },
    ...{ nodes: [], steps: [], refusals: [], error: null },
  });
});

test.each([
  [['pg_hba'], 'pg_hba: is none of postgresql.conf, pg_hba.conf, primary_conninfo, recovery.conf'],
  [['recovery.conf', '--upstream', 'x'], 'standby.signal'],
  [['pg_hba.conf'], 'no address is to be let in'],
  [['pg_hba.conf', '--allow', '10.0.0.1', '--slot', 'x'], '--slot has no effect on pg_hba.conf'],
  [['primary_conninfo', '--name', 'x'], 'x: what does it stream from?'],
  [['primary_conninfo', '-c', file], "primary_conninfo is a node's own"],
  [['primary_conninfo', '--upstream', 'a:b:c'], 'is neither a node of the file nor HOST[:PORT]'],
])('%j is a mistake', async (words, said) => {
  const ended = await pgrepl(['render', ...words], { cwd: dir.replace(/\/[^/]*$/, '') });
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(said);
});
