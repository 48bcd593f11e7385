import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { startWriter } from './client.js';
import {
  clusterFile,
  connect,
  isAlive,
  kill,
  login,
  newPlace,
  owned,
  PASSWORD,
  pause,
  pgrepl,
  postmaster,
  raise,
  removePlace,
  run,
  server,
  streams,
} from './lab.js';

/** To and fro, with so many clients of pgbench; the outage is what a client of ours saw. */
export async function measureSwitchover({ runs, add, steps }, clients) {
  const cluster = await clusterFile(newPlace(), 2);
  const pgbench = server('pgbench');
  if (clients > 0 && !existsSync(pgbench)) throw new Error(`${pgbench} is not there`);
  await raise(cluster);
  if (clients > 0) await run(pgbenchWords(cluster.nodes[0], ['-i', '-q', '-s', '10']), PGBENCH);
  let [from, to] = cluster.nodes;
  const once = async (swap) => {
    const writer = await startWriter([from, to]);
    const load =
      clients === 0 ? undefined : run(pgbenchWords(from, ['-c', String(clients), '-T', '120']), PGBENCH);
    await pause(clients === 0 ? 300 : 3000);
    const began = performance.now();
    const again = streams(to, from.name).then(() => performance.now() - began);
    await swap(from, to);
    const whole = await again;
    await pause(300);
    const { outage } = await writer.end();
    await load;
    [from, to] = [to, from];
    return { outage, whole };
  };
  const what = clients === 0 ? 'switchover, idle' : `switchover, pgbench -c ${clients}`;
  for (let at = 0; at < runs; at += 1) {
    const bare = await once(swapByHand);
    const ours = await once(async (_, next) => {
      const { document } = await pgrepl(['switchover', next.name, '-c', cluster.file]);
      steps(what, document.steps);
    });
    add(`${what}: outage`, 'by hand, polling', { bare: bare.outage, ours: ours.outage, limit: 1.5 });
    add(`${what}: until the old primary streams`, 'by hand, polling', {
      bare: bare.whole,
      ours: ours.whole,
      limit: 3,
    });
  }
  removePlace(cluster.dir);
}

const PGBENCH = { allowed: [0, 1, 2] };

function pgbenchWords(node, words) {
  const { host, port, user, password, database } = login(node);
  return [
    'env',
    `PGPASSWORD=${password}`,
    server('pgbench'),
    '-h',
    host,
    '-p',
    String(port),
    '-U',
    user,
    ...words,
    database,
  ];
}

/**
 * The tightest sequence there is: everything placed beforehand, a checkpoint while it still serves, a stop that is
 * not waited for by pg_ctl but seen in pg_control, a promotion by signal, the old one started without waiting.
 */
async function swapByHand(from, to) {
  const [old, next] = await Promise.all([connect(from), connect(to)]);
  const conninfo = `host=127.0.0.1 port=${to.port} user=replicator password=${PASSWORD} application_name=${from.name}`;
  await old.query(`ALTER SYSTEM SET primary_conninfo = '${conninfo}'`);
  await old.query("ALTER SYSTEM SET primary_slot_name = ''");
  await run(owned(['touch', join(from.pgdata, 'standby.signal')]));
  await old.query('CHECKPOINT');
  const pid = postmaster(from);
  kill(pid, 'SIGINT');
  const end = await shutDownAt(from);
  for (;;) {
    const { rows } = await next.query('SELECT pg_last_wal_receive_lsn() > $1::pg_lsn AS all', [end]);
    if (rows[0].all) break;
    await pause(1);
  }
  writeFileSync(join(to.pgdata, 'promote'), '');
  kill(postmaster(to), 'SIGUSR1');
  while (isAlive(pid)) await pause(1);
  await run(
    owned([server('pg_ctl'), '-D', from.pgdata, '-W', '-s', '-l', join(from.pgdata, 'start.log'), 'start']),
  );
  await old.end().catch(() => undefined);
  await next.query('ALTER SYSTEM RESET primary_conninfo');
  await next.query('ALTER SYSTEM RESET primary_slot_name');
  await next.query('SELECT pg_reload_conf()');
  await next.end();
}

/** pg_control: the state is the fifth 32-bit word, 1 is "shut down"; the last checkpoint's position is at 32. */
async function shutDownAt(node) {
  for (;;) {
    const control = readFileSync(join(node.pgdata, 'global', 'pg_control'));
    if (control.readUInt32LE(16) === 1) {
      const lsn = control.readBigUInt64LE(32);
      return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`;
    }
    await pause(1);
  }
}
