import type { Deed, Flags } from './action.ts';
import { askSource } from '../ask/source.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import type { ClusterState } from '../facts/state.ts';
import { passwordOf } from '../cluster/password.ts';
import { ownLink } from '../plan/outside.ts';
import { planRemoveOutside, type OutsideUpstream } from '../plan/removeOutside.ts';
import { isSeen } from '../plan/steps.ts';
import { parseConninfo } from '../render/conninfo.ts';
import { nodeRows } from '../report/rows.ts';
import type { Ask } from '../run/asking.ts';
import type { Secret } from '../tools/words.ts';
import { havePort, perform, text } from './modes.ts';
import { linkOf } from './outside.ts';

/** `remove-standby` of the server that flags name, on its own host. */
export async function removeOutside(cluster: Cluster, node: Node, flags: Flags): Promise<Deed> {
  const secret = await passwordOf(cluster);
  const role = text(flags, 'replicationRole');
  const plan = async (state: ClusterState, ask: Ask) => {
    await havePort(flags, node, state);
    const password = await secret();
    const request = { node, role: cluster.replication.role, addresses: [] };
    return planRemoveOutside(
      cluster,
      state,
      request,
      await upstreamOf(cluster, state, node, { role, password }, ask),
    );
  };
  return perform(
    { command: 'remove-standby', cluster, nodes: [node], plan, rows: (state) => nodeRows(cluster, state) },
    flags,
    secret,
  );
}

/** Where its own connection leads, and what is said there to its own login. */
async function upstreamOf(
  cluster: Cluster,
  state: ClusterState,
  node: Node,
  given: { role: string | undefined; password: Secret | undefined },
  ask: Ask,
): Promise<OutsideUpstream | undefined> {
  const found = state.nodes.find((each) => each.node === node.name);
  if (found === undefined || !isSeen(found)) return undefined;
  const { conninfo, slot } = ownLink(found);
  const { host, hostaddr, port = '5432' } = parseConninfo(conninfo) ?? {};
  const there = host ?? hostaddr;
  if (there === undefined || slot === '') return undefined;
  const own = linkOf(node, found, { host: there, port: Number(port) }, given);
  const link = { ...own, role: own.role ?? cluster.replication.role };
  const name = `${there}:${port}`;
  return { name, found, link, source: await askSource(name, node, found, link, state, ask) };
}
