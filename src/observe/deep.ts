import type { Cluster } from '../cluster/types.ts';
import { SESSION } from '../cluster/session.ts';
import type { ClusterState } from '../facts/state.ts';
import { isUp, socketOf, type Up } from '../plan/steps.ts';
import { onNodes } from '../run/nodes.ts';
import { spawn } from '../run/spawn.ts';
import { psql, type Socket } from '../tools/psql.ts';

/** One check of one node's data: what was looked at, or why it was not. */
export type DeepCheck = {
  node: string;
  check: 'checksums' | 'amcheck';
  is: 'good' | 'bad' | 'skipped';
  message: string;
};

/** checksum_failures is there from 12 on. */
const CHECKSUM_COUNTS = 120000;

/** What can be found out about the data themselves, on every node that answers, all at once. */
export async function lookDeep(cluster: Cluster, state: ClusterState): Promise<readonly DeepCheck[]> {
  const words = onNodes(cluster, state);
  const asked = state.nodes.filter(isUp).map(async (found) => {
    const run = (argv: readonly string[], stdin = '') => spawn(words({ node: found.node }, argv), { stdin });
    return Promise.all([checksums(found, run), amcheck(found, run)]);
  });
  return (await Promise.all(asked)).flat();
}

type Run = (argv: readonly string[], stdin?: string) => ReturnType<typeof spawn>;

async function checksums(found: Up, run: Run): Promise<DeepCheck> {
  const { node, server } = found;
  const say = (is: DeepCheck['is'], message: string): DeepCheck => ({
    node,
    check: 'checksums',
    is,
    message,
  });
  if (server.settings['data_checksums']?.value !== 'on')
    return say('skipped', 'the cluster has no data checksums');
  if (server.version < CHECKSUM_COUNTS)
    return say('skipped', 'servers before 12 do not count checksum failures');
  const sql = `SELECT coalesce(datname, 'shared tables') || ': ' || checksum_failures || ', last at ' || checksum_last_failure FROM pg_stat_database WHERE checksum_failures > 0;`;
  const { code, stdout, stderr } = await run(psql(socketOf(found)), sql);
  if (code !== 0) return say('skipped', stderr.trim());
  const failures = stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '');
  return failures.length === 0
    ? say('good', 'no page with a wrong checksum was read since the statistics began')
    : say('bad', `pages with wrong checksums were read: ${failures.join('; ')}`);
}

/** pg_amcheck needs the extension in each database; it is not installed for it, since that is a change. */
async function amcheck(found: Up, run: Run): Promise<DeepCheck> {
  const { node, machine } = found;
  const program = machine.programs.pg_amcheck;
  const say = (is: DeepCheck['is'], message: string): DeepCheck => ({ node, check: 'amcheck', is, message });
  if (program === undefined)
    return say('skipped', 'there is no pg_amcheck, which comes with PostgreSQL 14 and later');
  const at = socketOf(found);
  const databases = await databasesWith(at, run);
  if (typeof databases === 'string') return say('skipped', databases);
  const without = databases.filter(({ installed }) => !installed).map(({ name }) => name);
  const names = databases.filter(({ installed }) => installed).map(({ name }) => name);
  const hint = `in ${without.join(', ')} the extension amcheck is not installed (CREATE EXTENSION amcheck)`;
  if (names.length === 0) return say('skipped', hint);
  const words = [
    '-h',
    at.socketDir,
    '-p',
    String(at.port),
    '-U',
    at.user,
    '-w',
    ...names.flatMap((name) => ['-d', name]),
  ];
  const { code, stdout, stderr } = await run(['env', SESSION, program, ...words]);
  const left = without.length === 0 ? '' : `; skipped: ${hint}`;
  if (code === 0) return say('good', `tables and indexes of ${names.join(', ')} are sound${left}`);
  const found_ = (stdout.trim() || stderr.trim()).split('\n').slice(0, 4).join('; ');
  return say('bad', `pg_amcheck found: ${found_}`);
}

async function databasesWith(
  at: Socket,
  run: Run,
): Promise<readonly { name: string; installed: boolean }[] | string> {
  const listed = await run(psql(at), 'SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1;');
  if (listed.code !== 0) return listed.stderr.trim();
  const names = listed.stdout.split('\n').filter((line) => line !== '');
  return Promise.all(
    names.map(async (name) => {
      const sql = `SELECT 'yes' FROM pg_extension WHERE extname = 'amcheck';`;
      const { stdout } = await run(psql({ ...at, database: name }), sql);
      return { name, installed: stdout.trim() === 'yes' };
    }),
  );
}
