import type { Cluster } from '../cluster/types.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { passfileOf } from '../plan/link.ts';
import { conninfo, parseConninfo } from '../render/conninfo.ts';
import { askAnew, type Ask } from '../run/asking.ts';
import { psqlTo } from '../tools/psql.ts';

/** auth_failed() in auth.c, of a server that speaks English: in another language nothing is claimed. */
const REFUSED = /FATAL: +password authentication failed for user/;

/**
 * The standbys that do not stream, with whether their upstream refuses the password that pgrepl wrote for them: tried
 * from their host with their own connection, as their receiver does every few seconds. No password is read.
 */
export async function withRefusedPasswords(cluster: Cluster, state: ClusterState): Promise<ClusterState> {
  const ask = askAnew(cluster, state);
  return {
    nodes: await Promise.all(
      state.nodes.map(async (found) =>
        (await isRefused(found, ask)) ? { ...found, passwordRefused: true as const } : found,
      ),
    ),
  };
}

async function isRefused(found: NodeState, ask: Ask): Promise<boolean> {
  if (found.is !== 'standby' || found.streaming !== undefined) return false;
  const { password, dbname: _, ...parts } = parseConninfo(found.conninfo) ?? {};
  if (
    password !== undefined ||
    parts['sslpassword'] !== undefined ||
    parts['passfile'] !== passfileOf(found.place.real)
  )
    return false;
  const to = conninfo({ ...parts, replication: 'true', connect_timeout: '5', application_name: 'pgrepl' });
  const argv = ['env', 'LC_ALL=C', ...psqlTo(found.machine.programs.psql ?? 'psql', to)];
  const { code, stderr } = await ask(found.node, argv, { stdin: 'IDENTIFY_SYSTEM;\n', seconds: 8 });
  return code !== 0 && REFUSED.test(stderr);
}
