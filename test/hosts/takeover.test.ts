import { expect } from 'vitest';
import { DATA, primaryByHand, standbyByHand, start } from './lab/byHand.ts';
import type { TheCluster } from './lab/cluster.ts';
import type { Host } from './lab/host.ts';
import { story } from './lab/lab.ts';
import { barePair } from './lab/tree.ts';

story('a pair made by hand as in any tutorial is taken over', async (lab) => {
  const { shop, pg1, pg2 } = await barePair(lab);
  await primaryByHand(pg1);
  await standbyByHand(pg2, pg1);
  await takenOver(shop);
});

story('a primary full of ALTER SYSTEM and includes is taken over', async (lab) => {
  const { shop, pg1, pg2 } = await barePair(lab);
  await primaryByHand(pg1, "include_dir = 'more'\ninclude_if_exists = '/etc/site.conf'\n", {
    'more/10-memory.conf': 'shared_buffers = 32MB\nmax_wal_senders = 4\n',
    'more/20-wal.conf': "wal_level = 'logical'\nmax_connections = 60\n",
  });
  for (const set of ["wal_keep_size = '64MB'", "log_min_duration_statement = '1s'", "work_mem = '8MB'"])
    await pg1.sql(`ALTER SYSTEM SET ${set};`);
  await pg1.sql('SELECT pg_reload_conf();');
  const before = await pg1.exec(['sh', '-c', 'cat "$1"/more/*.conf', 'more', DATA]);
  await standbyByHand(pg2, pg1);
  await takenOver(shop);
  expect(await pg1.exec(['sh', '-c', 'cat "$1"/more/*.conf', 'more', DATA])).toBe(before);
  expect(await pg1.sql('SHOW work_mem;')).toBe('8MB');
});

story('a pair managed by repmgr is taken over', async (lab) => {
  const { shop, pg1, pg2 } = await barePair(lab);
  await primaryByHand(pg1, "shared_preload_libraries = 'repmgr'\nwal_log_hints = on\n", {
    'pg_hba.conf': 'host all,replication repmgr 0.0.0.0/0 trust\n',
  });
  await pg1.sql('CREATE ROLE repmgr SUPERUSER LOGIN;');
  await pg1.sql('CREATE DATABASE repmgr OWNER repmgr;');
  await pg1.sql('SELECT pg_reload_conf();');
  for (const [id, host] of [
    [1, pg1],
    [2, pg2],
  ] as const)
    await host.write('/var/lib/postgresql/repmgr.conf', repmgrConf(id, host));
  const repmgr = ['repmgr', '-f', '/var/lib/postgresql/repmgr.conf'];
  await pg1.exec([...repmgr, 'primary', 'register']);
  await pg2.exec([...repmgr, '-h', pg1.address, '-U', 'repmgr', '-d', 'repmgr', 'standby', 'clone', '-c']);
  await start(pg2);
  await pg2.exec([...repmgr, 'standby', 'register']);
  await takenOver(shop);
});

/** Nothing is copied anew; the primary is adopted, the standby gets its slot and name, and they change places. */
async function takenOver(shop: TheCluster): Promise<void> {
  const file = await shop.hosts['pg2']?.exec(['stat', '-c', '%i', `${DATA}/PG_VERSION`]);
  await shop.does('init-primary', 'pg1');
  // It has no slot, and a name that is not its own: it is moved, to where it is.
  expect((await shop.tries('clone-standby', 'pg2')).json()).toMatchObject({ status: 3, changed: false });
  await shop.does('follow', 'pg2', '--upstream', 'pg1');
  expect(await shop.hosts['pg2']?.exec(['stat', '-c', '%i', `${DATA}/PG_VERSION`])).toBe(file);
  const writer = await shop.writer();
  await shop.does('switchover', 'pg2');
  await shop.endsWell('pg2', writer);
}

function repmgrConf(id: number, host: Host): string {
  return `node_id=${id}
node_name='${host.name}'
conninfo='host=${host.address} user=repmgr dbname=repmgr connect_timeout=5'
data_directory='${DATA}'
pg_bindir='/usr/lib/postgresql/15/bin'
`;
}
