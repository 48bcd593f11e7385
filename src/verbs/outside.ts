import type { Deed, Flags } from './action.ts';
import { refusedByLibpq } from '../ask/libpq.ts';
import { askCaughtUp, askPast } from '../ask/past.ts';
import { askHistory, askSource } from '../ask/source.ts';
import { parseEndpoint } from '../cluster/endpoint.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import { failure, together } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { passwordOf } from '../cluster/password.ts';
import type { Link } from '../plan/link.ts';
import { isThere, ownLink, planOutside, type OutsideAsked, type OutsideRequest } from '../plan/outside.ts';
import { isSeen, isUp, type Seen } from '../plan/steps.ts';
import { parseConninfo } from '../render/conninfo.ts';
import { nameAtUpstream } from '../render/names.ts';
import { nodeRows } from '../report/rows.ts';
import type { Ask } from '../run/asking.ts';
import type { Secret } from '../tools/words.ts';
import { havePort, modeOf, perform, text } from './modes.ts';

/** `follow` and `rejoin` of the server that flags name; the upstream is `--upstream HOST[:PORT]`. */
export async function outside(
  verb: OutsideRequest['verb'],
  cluster: Cluster,
  node: Node,
  flags: Flags,
): Promise<Deed> {
  const [endpoint, secret] = await together(endpointOf(verb, text(flags, 'upstream')), passwordOf(cluster));
  const plan = async (state: ClusterState, ask: Ask) => {
    await havePort(flags, node, state);
    const found = state.nodes.find((each) => each.node === node.name);
    const seen = found !== undefined && isSeen(found) ? found : undefined;
    const password = await secret();
    const link = linkOf(node, seen, endpoint, { role: text(flags, 'replicationRole'), password });
    const request: OutsideRequest = {
      verb,
      node,
      upstream: `${endpoint.host}:${endpoint.port}`,
      link: { ...link, role: link.role ?? cluster.replication.role },
      seconds: modeOf(flags).timeout ?? (verb === 'follow' ? 60 : 300),
    };
    const asked = await askAll(state, seen, request, ask);
    const planned = planOutside(state, asked === undefined ? request : { ...request, asked });
    return refusedByLibpq(planned, state, ask, node.name);
  };
  const rows = (state: ClusterState) => nodeRows(cluster, state);
  return perform({ command: verb, cluster, nodes: [node], plan, rows }, flags, secret);
}

async function endpointOf(
  verb: string,
  upstream: string | undefined,
): Promise<{ host: string; port: number }> {
  const hint = `For example: pgrepl ${verb} -D DIR --upstream 10.0.0.11:5432, on the host of the server.`;
  if (upstream === undefined) throw failure('usage', 'which upstream is meant: --upstream is missing', hint);
  const endpoint = parseEndpoint(upstream);
  if (endpoint === undefined) throw failure('usage', `--upstream ${upstream}: is not HOST[:PORT]`, hint);
  return endpoint;
}

/** The connection to an upstream. Name, slot, role and password file stay what they are where the server has them. */
export function linkOf(
  node: Node,
  found: Seen | undefined,
  { host, port }: { host: string; port: number },
  given: { role: string | undefined; password: Secret | undefined },
): Omit<Link, 'role'> & { role?: string } {
  const own = found === undefined ? { conninfo: '', slot: '' } : ownLink(found);
  const parts = parseConninfo(own.conninfo) ?? {};
  const role = given.role ?? parts['user'];
  const passfile = parts['passfile'];
  return {
    host,
    port,
    applicationName: parts['application_name'] ?? nameAtUpstream(node),
    slot: own.slot === '' ? node.slot : own.slot,
    ...(role === undefined ? {} : { role }),
    ...(given.password === undefined ? {} : { password: given.password }),
    ...(given.password === undefined && passfile !== undefined ? { passfile } : {}),
  };
}

/** Everything that is asked before it is decided. */
async function askAll(
  state: ClusterState,
  found: Seen | undefined,
  { node, link, upstream }: OutsideRequest,
  ask: Ask,
): Promise<OutsideAsked | undefined> {
  if ((found?.is !== 'standby' && found?.is !== 'stopped') || isThere(found, link)) return undefined;
  const [source, past, caughtUp] = await Promise.all([
    askSource(upstream, node, found, link, state, ask),
    askPast(found, ask),
    isUp(found) ? askCaughtUp(found, ask) : false,
  ]);
  const history =
    'problems' in source
      ? { said: 'it was not asked' }
      : await askHistory(node, found, link, source.timeline, ask);
  return { source, history, past, caughtUp };
}
