// Every case measures the bare programs and pgrepl in turns, in one run, so that a busy machine is busy for both.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import {
  clusterFile,
  connect,
  copyTree,
  isAlive,
  kill,
  login,
  newPlace,
  owned,
  PASSWORD,
  pause,
  pgrepl,
  postmaster,
  PROGRAM,
  raise,
  removePlace,
  run,
  server,
  sql,
  start,
  stop,
  streams,
  textOf,
} from './lab.js';

const WRITER = fileURLToPath(new URL('./writer.js', import.meta.url));
const GIGABYTE = `CREATE TABLE big AS SELECT n, repeat(md5(n::text), 28) AS filler FROM generate_series(1, 1050000) n;
CHECKPOINT;`;

/** name: what --only takes; runs: how often where nobody says; limit: what the project promises of the ratio. */
export const CASES = [
  { name: 'start', runs: 31, measure: measureStart },
  { name: 'clone-empty', runs: 7, measure: (lab) => measureClone(lab, undefined, 'clone, empty', 2) },
  { name: 'clone-1g', runs: 5, measure: (lab) => measureClone(lab, GIGABYTE, 'clone, 1 GB', 1.1) },
  { name: 'promote', runs: 7, measure: measurePromote },
  { name: 'switchover-idle', runs: 7, measure: (lab) => measureSwitchover(lab, 0) },
  { name: 'switchover-load', runs: 7, measure: (lab) => measureSwitchover(lab, 4) },
  { name: 'rejoin', runs: 3, measure: measureRejoin },
  { name: 'status', runs: 7, measure: measureStatus },
];

async function measureStart({ runs, add }) {
  for (let at = 0; at <= runs; at += 1) {
    const bare = await run([process.execPath, '-e', '0']);
    const help = await run([process.execPath, PROGRAM, '--help']);
    const version = await run([process.execPath, PROGRAM, '--version']);
    if (at === 0) continue; // the compile cache is written
    add('pgrepl --help', 'node -e 0', { bare: bare.ms, ours: help.ms, limit: 1.7 });
    add('pgrepl --version', 'node -e 0', { bare: bare.ms, ours: version.ms, limit: 1.7 });
  }
}

async function measureClone({ runs, add, steps }, data, what, limit) {
  const cluster = await clusterFile(newPlace(), 2);
  const [primary, standby] = cluster.nodes;
  await raise({ ...cluster, nodes: [primary] });
  if (data !== undefined) await sql(primary, data);
  const passfile = join(cluster.dir, 'pgpass');
  writeFileSync(passfile, `*:*:*:replicator:${PASSWORD}\n`, { mode: 0o600 });
  await run(['chown', '--reference', primary.pgdata, passfile]);
  for (let at = 0; at < runs; at += 1) {
    const bare = await timed(() => bareClone(primary, standby, passfile));
    await forget(primary, standby, 'bare');
    const { ms, document } = await pgrepl(['clone-standby', 'pg2', '-c', cluster.file]);
    steps(what, document.steps);
    await forget(primary, standby, 'pg2');
    add(what, 'pg_basebackup -c fast, pg_ctl -w start', { bare, ours: ms, limit });
  }
  removePlace(cluster.dir);
}

/** With a slot and a password file, as somebody does it by hand. */
async function bareClone(primary, standby, passfile) {
  const conninfo = `host=127.0.0.1 port=${primary.port} user=replicator application_name=bare passfile=${passfile}`;
  const script = `set -e
"$1" -D "$2" -d "$3" -X stream -c fast -C -S bare -R -w
printf "port = %s\\nprimary_conninfo = '%s'\\n" "$4" "$3" >>"$2/postgresql.auto.conf"
rm -f "$2/pgrepl.conf"
printf "port = %s\\nunix_socket_directories = '/tmp'\\nlisten_addresses = '*'\\n" "$4" >"$2/pgrepl.conf"
"$5" -D "$2" -w -s -l "$2/start.log" start`;
  const words = [server('pg_basebackup'), standby.pgdata, conninfo, String(standby.port), server('pg_ctl')];
  await run(owned(['sh', '-c', script, 'clone', ...words]));
  await streams(primary, 'bare');
}

async function forget(primary, standby, slot) {
  await stop(standby, 'SIGQUIT');
  await run(['rm', '-rf', standby.pgdata]);
  await sql(
    primary,
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${slot}';`,
  ).catch(async () => {
    await pause(200);
    await sql(primary, `SELECT pg_drop_replication_slot('${slot}');`);
  });
  await run(['sync']);
}

async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** From the start of the command to the first write of a client that tries all the time. */
async function measurePromote({ runs, add, steps }) {
  const cluster = await clusterFile(newPlace(), 2);
  const [primary, standby] = cluster.nodes;
  await raise(cluster);
  await stop(primary);
  await stop(standby);
  for (const node of cluster.nodes) await copyTree(node.pgdata, `${node.pgdata}.saved`);
  const once = async (words) => {
    for (const node of cluster.nodes) await copyTree(`${node.pgdata}.saved`, node.pgdata);
    await start(primary);
    await start(standby);
    await streams(primary, 'pg2');
    await stop(primary, 'SIGQUIT');
    const writer = await startWriter([standby], true);
    const began = performance.timeOrigin + performance.now();
    const ended = await run(words);
    const { time } = await writer.ended;
    await stop(standby, 'SIGQUIT');
    return { first: time - began, ended };
  };
  for (let at = 0; at < runs; at += 1) {
    const bare = await once(owned([server('pg_ctl'), '-D', standby.pgdata, 'promote']));
    const ours = await once([process.execPath, PROGRAM, 'promote', 'pg2', '-c', cluster.file, '--json']);
    steps('promote', JSON.parse(ours.ended.stdout).steps);
    add('promote: first write', 'pg_ctl promote', { bare: bare.first, ours: ours.first, limit: '+300 ms' });
    add('promote: whole command', 'pg_ctl promote', { bare: bare.ended.ms, ours: ours.ended.ms });
  }
  removePlace(cluster.dir);
}

function startWriter(nodes, once = false) {
  const child = spawn(process.execPath, [WRITER, JSON.stringify({ logins: nodes.map(login), once })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  let ready;
  const isReady = new Promise((resolve) => (ready = resolve));
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
    if (said.includes('ready')) ready();
  });
  const ended = new Promise((resolve) => {
    child.on('close', () => resolve(JSON.parse(said.trim().split('\n').at(-1) ?? '{}')));
  });
  return isReady.then(() => ({ ended, end: () => (child.kill('SIGTERM'), ended) }));
}

async function measureSwitchover({ runs, add, steps }, clients) {
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

/** An old primary that took some writes after the other one was promoted, stopped cleanly, one gigabyte. */
async function measureRejoin({ runs, add, steps }) {
  const cluster = await clusterFile(newPlace(), 2);
  const [old, next] = cluster.nodes;
  await raise({ ...cluster, nodes: [old] });
  await sql(old, GIGABYTE);
  await pgrepl(['clone-standby', 'pg2', '-c', cluster.file]);
  await run(owned([server('pg_ctl'), '-D', next.pgdata, '-w', '-s', 'promote']));
  for (const node of cluster.nodes)
    await sql(node, 'INSERT INTO written SELECT generate_series(1, 1000); CHECKPOINT;');
  await stop(old);
  await copyTree(old.pgdata, `${old.pgdata}.saved`);
  await run(['sync']);
  for (let at = 0; at < runs; at += 1) {
    const bare = await timed(() => rewindByHand(old, next));
    await back(old);
    const { ms, document } = await pgrepl(['rejoin', 'pg1', '-c', cluster.file]);
    steps('rejoin, 1 GB', document.steps);
    await back(old);
    add('rejoin, 1 GB', 'pg_rewind, pg_ctl -w start', { bare, ours: ms, limit: 1.3 });
  }
  removePlace(cluster.dir);
}

/** The disk has it before the next run: a server that was stopped is not a gigabyte of dirty pages. */
async function back(old) {
  await stop(old);
  await copyTree(`${old.pgdata}.saved`, old.pgdata);
  await run(['sync']);
}

async function rewindByHand(old, next) {
  const source = `host=127.0.0.1 port=${next.port} user=bench password=${PASSWORD} dbname=postgres`;
  const follow = `host=127.0.0.1 port=${next.port} user=replicator password=${PASSWORD} application_name=pg1`;
  const script = `set -e
own=$(cat "$2/pgrepl.conf")
"$1" --target-pgdata "$2" --source-server "$3"
printf '%s\\n' "$own" >"$2/pgrepl.conf"
printf "primary_conninfo = '%s'\\nprimary_slot_name = ''\\n" "$5" >>"$2/postgresql.auto.conf"
: >"$2/standby.signal"
"$4" -D "$2" -w -s -l "$2/start.log" start`;
  await run(
    owned(['sh', '-c', script, 'rewind', server('pg_rewind'), old.pgdata, source, server('pg_ctl'), follow]),
  );
  await streams(next, 'pg1');
}

/** Sixteen servers that run on this machine, and one that accepts and never says anything. */
async function measureStatus({ runs, add }) {
  const cluster = await clusterFile(newPlace(), 16);
  await raise({ ...cluster, nodes: cluster.nodes.slice(0, 1) });
  for (let at = 1; at < 16; at += 3)
    await Promise.all(
      cluster.nodes.slice(at, at + 3).map(({ name }) => pgrepl(['clone-standby', name, '-c', cluster.file])),
    );
  const two = join(cluster.dir, 'two.yaml');
  writeFileSync(two, textOf(cluster.dir, cluster.nodes.slice(0, 2)));
  const silent = createServer(() => undefined);
  await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const mute = join(cluster.dir, 'mute.yaml');
  const more = `  mute: { address: 127.0.0.1, port: 1, on: "ssh://127.0.0.1:${silent.address().port}", pgdata: /nowhere, upstream: pg1 }\n`;
  writeFileSync(mute, textOf(cluster.dir, cluster.nodes, more));
  const look = async (file) =>
    (await run([process.execPath, PROGRAM, 'status', '-c', file], { allowed: [0, 9] })).ms;
  for (let at = 0; at < runs; at += 1) {
    const of = { two: await look(two), sixteen: await look(cluster.file) };
    add('status, 16 nodes', 'status, 2 nodes', { bare: of.two, ours: of.sixteen, limit: 2.5 });
    if (at < 2)
      add('status, 16 and a mute one', 'status, 16 nodes', {
        bare: of.sixteen,
        ours: await look(mute),
        limit: '+10 s',
      });
  }
  silent.close();
  removePlace(cluster.dir);
}
