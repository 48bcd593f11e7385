import { addressOf, addressesOf } from '../cluster/addresses.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import { planRemoveStandby } from '../plan/removeStandby.ts';
import type { Action } from './action.ts';
import { nodeRows } from '../report/rows.ts';
import { findTarget } from '../cluster/target.ts';
import { havePort, perform, targetFlags } from './modes.ts';

export const removeStandby: Action = async ([name], flags) => {
  const { cluster, node } = await findTarget(name, targetFlags(flags), 'node');
  if (cluster.file === undefined)
    return (await import('./removeOutside.ts')).removeOutside(cluster, node, flags);
  const addresses = await ownAddresses(cluster, node);
  return perform(
    {
      command: 'remove-standby',
      cluster,
      nodes: cluster.nodes,
      plan: async (state) => {
        await havePort(flags, node, state);
        return planRemoveStandby(cluster, state, { node, role: cluster.replication.role, addresses });
      },
      rows: (state) => nodeRows(cluster, state),
    },
    flags,
  );
};

/** Those that no other node comes from. */
async function ownAddresses(cluster: Cluster, node: Node): Promise<readonly string[]> {
  const ofNode = (each: Node): Promise<readonly string[]> =>
    addressesOf({ ...cluster, nodes: [each] }, each, [addressOf(each)]);
  const others = cluster.nodes.filter((other) => other.name !== node.name);
  const taken = new Set((await Promise.all(others.map(ofNode))).flat());
  return (await ofNode(node)).filter((address) => !taken.has(address));
}
