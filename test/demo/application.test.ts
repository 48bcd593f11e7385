import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { loadCluster } from '../../src/cluster/load.ts';
import { makeApplication, readRows, writeRows } from '../../src/demo/application.ts';
import type { Place } from '../../src/demo/place.ts';
import { observe } from '../../src/observe/observe.ts';
import { Secret } from '../../src/tools/words.ts';
import { waitFor } from '../e2e/support/machine.ts';
import { sql } from '../e2e/support/server.ts';
import { trio } from '../e2e/support/trio.ts';

const cluster = trio();
beforeAll(() => cluster.make());

test('a standby that has not replayed the role, the database and the table yet is waited for', async () => {
  const place: Place = {
    dir: cluster.dir,
    file: cluster.file,
    ports: { pg1: cluster.port('pg1'), pg2: cluster.port('pg2'), pg3: cluster.port('pg3') },
    app: { user: 'app', password: new Secret('x'), database: 'shop', passfile: join(cluster.dir, 'none') },
  };
  sql(cluster.data('pg2'), 'SELECT pg_wal_replay_pause();');
  await waitFor(
    () => sql(cluster.data('pg2'), 'SELECT pg_get_wal_replay_pause_state();').trim() === 'paused',
    {
      what: 'replay is paused',
    },
  );
  const read = await loadCluster(cluster.file);
  await makeApplication(place, read, await observe(read, { brief: true }), 'pg1');
  await writeRows(place, 'pg1', 0, 3);
  const reading = readRows(place, 'pg2', 3);
  const first = await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 300, 'waits'))]);
  sql(cluster.data('pg2'), 'SELECT pg_wal_replay_resume();');
  expect(first).toBe('waits');
  expect(await reading).toBeGreaterThan(300);
}, 120_000);
