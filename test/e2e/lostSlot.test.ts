import { beforeAll, expect, test } from 'vitest';
import { clusterFile } from './support/clusterFile.ts';
import { freePort, waitFor } from './support/machine.ts';
import { pgrepl } from './support/pgrepl.ts';
import { sql, stopServer } from './support/server.ts';
import { trio } from './support/trio.ts';

const cluster = trio();
beforeAll(() => cluster.make());

const HINT = expect.stringContaining('`pgrepl rejoin pg2 --allow-reclone`') as string;

/** Writes and checkpoints until the slot of pg2 does not hold what pg2 needs any more. */
async function loseSlot(): Promise<void> {
  const pg1 = cluster.data('pg1');
  sql(pg1, `ALTER SYSTEM SET max_slot_wal_keep_size = '1MB';`);
  sql(pg1, `ALTER SYSTEM SET wal_keep_size = 0;`);
  sql(pg1, 'SELECT pg_reload_conf();');
  await waitFor(
    () => {
      sql(pg1, 'SELECT pg_switch_wal();');
      sql(pg1, 'CHECKPOINT;');
      return sql(pg1, `SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'pg2';`) === 'lost';
    },
    { what: 'a lost slot' },
  );
}

test('the slot of a standby that is away is lost: status and doctor say so from the primary, and it comes back', async () => {
  stopServer(cluster.data('pg2'));
  await loseSlot();
  const [pg1, pg2] = ['pg1', 'pg2'].map((name) => ({ pgdata: cluster.data(name), port: cluster.port(name) }));
  if (pg1 === undefined || pg2 === undefined) throw new Error('no nodes');
  const nobody = `ssh://127.0.0.1:${await freePort()}`;
  const file = clusterFile(
    cluster.dir,
    { pg1, pg2: { ...pg2, on: nobody, upstream: 'pg1' } },
    { name: 'away.yaml' },
  );

  const status = (await pgrepl(['status', '-c', file, '--json'])).json();
  expect(status).toMatchObject({
    status: 9,
    nodes: [{ name: 'pg1' }, { name: 'pg2', state: 'unreachable' }],
  });
  expect(status['findings']).toContainEqual({
    node: 'pg1',
    level: 'broken',
    message: 'pg1: slot "pg2" is lost, WAL that pg2 needs is gone',
    hint: HINT,
  });
  const doctor = (await pgrepl(['doctor', '-c', file, '--json'])).json();
  expect(doctor['checks']).toContainEqual(
    expect.objectContaining({
      node: 'pg2',
      check: 'slot',
      level: 'wrong',
      message: 'pg2: its slot pg2 at pg1 is lost, WAL that it needs is gone',
      hint: HINT,
    }),
  );
  const stopped = (await cluster.run('status', '--json')).json();
  expect(stopped['findings']).toContainEqual(
    expect.objectContaining({
      message: 'pg2: stopped',
      hint: 'Bring it back: `pgrepl rejoin pg2 --allow-reclone`.',
    }),
  );

  expect(await cluster.run('rejoin', 'pg2', '--allow-reclone', '--yes')).toMatchObject({ code: 0 });
  expect(await cluster.run('status')).toMatchObject({ code: 0 });
});
