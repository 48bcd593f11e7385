import type { Cluster } from '../cluster/types.ts';
import type { ClusterState } from '../facts/state.ts';
import { onNodes } from './nodes.ts';
import { spawn, type Spawned } from './spawn.ts';

/** Runs words on a node's host, as the owner of its data, for their answer; they change nothing. It never throws. */
export type Ask = (
  node: string,
  argv: readonly string[],
  options: { stdin?: string; seconds: number },
) => Promise<Spawned>;

/** A process of its own for each question. */
export function askAnew(cluster: Cluster, state: ClusterState): Ask {
  const onNode = onNodes(cluster, state);
  return (node, argv, options) => spawn(onNode({ node }, argv), options);
}
