import { stringify } from 'yaml';
import type { Cluster, Node } from '../cluster/types.ts';
import type { ClusterState } from '../facts/state.ts';
import { endpointsOf } from '../facts/upstream.ts';
import { stateOf } from '../facts/view.ts';
import { parseConninfo } from '../render/conninfo.ts';

/**
 * A cluster file for a standby and its upstream, from what the standby tells. How the upstream's host is reached, and
 * where its data are, cannot be known here: the file says what is most common.
 */
export function pairFile(cluster: Cluster, node: Node, state: ClusterState): string | undefined {
  const found = stateOf(state, node.name);
  const [upstream] = endpointsOf(found);
  if (found?.is !== 'standby' || upstream === undefined) return undefined;
  const { pgdata } = found.place;
  const role = parseConninfo(found.conninfo)?.['user'] ?? cluster.replication.role;
  const [primary, standby] = node.name === 'primary' ? ['pg1', node.name] : ['primary', node.name];
  const there = {
    address: upstream.host,
    port: upstream.port,
    on: `ssh://postgres@${upstream.host}`,
    pgdata,
  };
  const here = {
    address: found.machine.hostname,
    port: found.server.port,
    on: 'local',
    pgdata,
    upstream: primary,
  };
  return stringify({
    cluster: cluster.name,
    replication: { role, password: { file: './replicator.password' } },
    nodes: { [primary]: there, [standby]: { ...here, slot: found.slot === '' ? node.slot : found.slot } },
  });
}
