// A place for the servers of the benchmarks, the programs they are compared with, and a clock.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { serverPrograms } from '../postgres.js';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const PROGRAM = process.env['PGREPL_BENCH_PROGRAM'] ?? join(ROOT, 'bin', 'pgrepl.js');
export const BINDIR = serverPrograms() ?? '';
const IS_ROOT = process.getuid?.() === 0;
const OWNER = IS_ROOT ? 'postgres' : userInfo().username;
export const PASSWORD = 'secret-of-the-bench';

/** Programs that start at once: NODE_EXTRA_CA_CERTS costs Node 20 tens of milliseconds. */
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^PG(?!REPL_)|^NODE_(EXTRA_CA_CERTS|OPTIONS)$/.test(name)),
);

const places = [];
process.on('exit', () => places.forEach(removePlace));
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => process.exit(130));

/** A directory of the servers' owner; everything in it ends with us. */
export function newPlace() {
  const dir = mkdtempSync('/tmp/pgrepl-bench-');
  chmodSync(dir, 0o755);
  if (IS_ROOT) spawnSync('chown', [OWNER, dir]);
  writeFileSync(join(dir, 'password'), PASSWORD, { mode: 0o600 });
  places.push(dir);
  return dir;
}

export function removePlace(dir) {
  if (!existsSync(dir)) return;
  for (const pid of serversIn(dir)) kill(pid, 'SIGQUIT');
  for (let tries = 0; tries < 200 && serversIn(dir).length > 0; tries += 1) sleepSync(25);
  for (const pid of serversIn(dir)) kill(pid, 'SIGKILL');
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

function serversIn(dir) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const words = readText(`/proc/${pid}/cmdline`).split('\0');
      return words[0]?.endsWith('postgres') === true && words.some((word) => word.startsWith(`${dir}/`));
    })
    .map(Number);
}

export function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

function sleepSync(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Runs words to their end; throws with what they said where they fail and nobody allows it. */
export function run(words, { input = '', allowed = [0] } = {}) {
  const [program, ...rest] = words;
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { cwd: '/', env: ENV, stdio: ['pipe', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'])
      child[name].setEncoding('utf8').on('data', (text) => (said[name] += text));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (code) => {
      const ended = { ...said, code, ms: performance.now() - began };
      if (allowed.includes(code)) resolve(ended);
      else
        reject(new Error(`${words.join(' ')}: status ${code}: ${said.stderr}${said.stdout}`.slice(0, 2000)));
    });
  });
}

/** As the owner of the servers. */
export function owned(words) {
  return IS_ROOT ? ['runuser', '-u', OWNER, '--', ...words] : words;
}

export function server(name) {
  return join(BINDIR, name);
}

/** pgrepl to its end, and the document that it prints. */
export async function pgrepl(words, options = {}) {
  const ended = await run([process.execPath, PROGRAM, ...words, '--json', '--yes'], {
    allowed: [0, 2],
    ...options,
  });
  const document = JSON.parse(ended.stdout);
  if (/unknown command|too many arguments/.test(document.error?.message ?? '')) throw new NotThere(words[0]);
  if (ended.code === 2) throw new Error(`pgrepl ${words.join(' ')}: ${document.error?.message}`);
  return { ...ended, document };
}

/** A verb that this version does not have. */
export class NotThere extends Error {
  constructor(verb) {
    super(`there is no ${verb} yet`);
  }
}

const taken = new Set();

/** Below the ports of clients. */
export async function freePort() {
  const low = Number(readText('/proc/sys/net/ipv4/ip_local_port_range').split(/\s+/)[0]) || 32_768;
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * Math.max(low - 20_000, 1000));
    if (taken.has(port) || !(await canBind(port))) continue;
    taken.add(port);
    return port;
  }
}

function canBind(port) {
  return new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(false));
    probe.listen(port, '0.0.0.0', () => probe.close(() => resolve(true)));
  });
}

/** A cluster file of so many nodes, pg1 the primary; `more` goes into the file as further nodes. */
export async function clusterFile(dir, count, { name = 'pgrepl.yaml', more = '' } = {}) {
  mkdirSync(dir, { recursive: true });
  const nodes = [];
  for (let at = 1; at <= count; at += 1)
    nodes.push({ name: `pg${at}`, port: await freePort(), pgdata: join(dir, `pg${at}`) });
  const file = join(dir, name);
  writeFileSync(file, textOf(dir, nodes, more));
  return { dir, file, nodes };
}

export function textOf(dir, nodes, more = '') {
  const lines = nodes.map(({ name, port, pgdata }) => {
    const upstream = name === 'pg1' ? '' : ', upstream: pg1';
    return `  ${name}: { address: 127.0.0.1, port: ${port}, pgdata: ${pgdata}, bindir: ${BINDIR}${upstream} }\n`;
  });
  return `cluster: bench\nreplication: { password: { file: ${join(dir, 'password')} } }\nnodes:\n${lines.join('')}${more}`;
}

/** The first node as a primary, with a superuser that comes in by TCP, and the others as its standbys. */
export async function raise(cluster) {
  const [first, ...others] = cluster.nodes;
  await pgrepl(['init-primary', first.name, '-c', cluster.file]);
  await sql(
    first,
    `CREATE ROLE bench SUPERUSER LOGIN PASSWORD '${PASSWORD}'; CREATE TABLE written (n bigint);`,
  );
  for (const node of others) await pgrepl(['clone-standby', node.name, '-c', cluster.file]);
}

/** By the socket, as the owner. */
export async function sql(node, text, database = 'postgres') {
  const socket = readText(join(node.pgdata, 'postmaster.pid')).split('\n')[4];
  const words = [server('psql'), '-XAtqw', '-v', 'ON_ERROR_STOP=1', '-h', socket, '-p', String(node.port)];
  return (await run(owned([...words, '-d', database]), { input: text })).stdout.trim();
}

export async function connect(node) {
  const client = new pg.Client({ ...login(node), connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

export function login(node) {
  return { host: '127.0.0.1', port: node.port, user: 'bench', password: PASSWORD, database: 'postgres' };
}

/** Waits until the upstream shows so many standbys that stream, asking every two milliseconds. */
export async function streams(upstream, name) {
  const client = await connect(upstream);
  const text =
    "SELECT count(*)::int AS n FROM pg_stat_replication WHERE state = 'streaming' AND application_name = $1";
  const deadline = performance.now() + 60_000;
  for (;;) {
    const { rows } = await client.query(text, [name]);
    if (rows[0].n > 0) break;
    if (performance.now() > deadline) throw new Error(`${name} does not stream from ${upstream.name}`);
    await pause(5);
  }
  await client.end();
}

export function postmaster(node) {
  return Number(readText(join(node.pgdata, 'postmaster.pid')).split('\n')[0]);
}

/** A zombie is gone. */
export function isAlive(pid) {
  const stat = readText(`/proc/${pid}/stat`);
  return stat !== '' && !/^\d+ \(.*\) Z/.test(stat);
}

export async function stop(node, signal = 'SIGINT') {
  const pid = postmaster(node);
  kill(pid, signal);
  while (isAlive(pid)) await pause(5);
}

export async function start(node) {
  const log = join(node.pgdata, 'pgrepl-start.log');
  await run(owned([server('pg_ctl'), '-D', node.pgdata, '-w', '-s', '-l', log, 'start']));
}

/** Copies a stopped data directory, and lets the disk come to rest. */
export async function copyTree(from, to) {
  await run(['rm', '-rf', '--', to]);
  await run(['cp', '-a', '--', from, to]);
  await run(['sync']);
}

/** How long it takes, in milliseconds. */
export async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** A table of 1 GB. */
export const GIGABYTE = `CREATE TABLE big AS SELECT n, repeat(md5(n::text), 28) AS filler FROM generate_series(1, 1050000) n;
CHECKPOINT;`;
