import type { Cluster, Node } from '../cluster/types.ts';
import type { Lsn } from './lsn.ts';
import { distance, laterOf } from './lsn.ts';
import type { ClusterState, NodeState } from './state.ts';

export type PrimaryState = Extract<NodeState, { is: 'primary' }>;
export type StandbyState = Extract<NodeState, { is: 'standby' }>;
export type RunningState = PrimaryState | StandbyState;

/** What is wanted, what was found, and which of the primaries is the one to compare the others with. */
export type View = { cluster: Cluster; state: ClusterState; primary: PrimaryState | undefined };

export function viewOf(cluster: Cluster, state: ClusterState): View {
  return { cluster, state, primary: primaryOf(cluster, state) };
}

export function isRunning(found: NodeState | undefined): found is RunningState {
  return found?.is === 'primary' || found?.is === 'standby';
}

export function stateOf(state: ClusterState, name: string): NodeState | undefined {
  return state.nodes.find((found) => found.node === name);
}

export function primariesOf(state: ClusterState): PrimaryState[] {
  return state.nodes.filter((found) => found.is === 'primary');
}

export function systemOf(found: NodeState | undefined): string | undefined {
  if (isRunning(found)) return found.server.systemIdentifier;
  return found?.is === 'stopped' ? found.control?.systemIdentifier : undefined;
}

/**
 * pg_control of a standby says the timeline of its last restartpoint; what it receives may be newer. A server that was
 * promoted and crashed before its first checkpoint has its timeline in the place of recovery alone:
 * CreateEndOfRecoveryRecord() in xlog.c.
 */
export function timelineOf(found: NodeState | undefined): number | undefined {
  if (found?.is === 'standby') return Math.max(found.server.timeline, found.streaming?.receivedTimeline ?? 0);
  if (found?.is === 'primary') return found.server.timeline;
  if (found?.is !== 'stopped' || found.control === undefined) return undefined;
  return Math.max(found.control.timeline, found.control.minRecoveryTimeline);
}

/** The end of the WAL that the server has: after a restart what was received may lie before what was replayed. */
export function positionOf(found: RunningState): Lsn | undefined {
  if (found.is === 'primary') return found.current;
  if (found.received === undefined || found.replayed === undefined) return found.received ?? found.replayed;
  return laterOf(found.received, found.replayed);
}

/** Of several primaries the one of the cluster's own system that was promoted last. */
function primaryOf(cluster: Cluster, state: ClusterState): PrimaryState | undefined {
  const root = rootOf(cluster)?.name;
  const system = systemOf(root === undefined ? undefined : stateOf(state, root));
  const rank = (found: PrimaryState) =>
    (found.server.systemIdentifier === system ? 1e12 : 0) +
    found.server.timeline +
    (found.node === root ? 0.5 : 0);
  return primariesOf(state).toSorted((a, b) => rank(b) - rank(a))[0];
}

/** The node that is meant to be the primary, as the file says. */
export function rootOf(cluster: Cluster): Node | undefined {
  return cluster.nodes.find((node) => node.upstream === undefined);
}

/**
 * The upstream a node is meant to have. The file names the first primary; after a switchover "the primary" is
 * another one, and who was to stream from the old one is right to stream from the new one.
 */
export function wantedUpstream({ cluster, primary }: View, node: Node): string | undefined {
  if (primary?.node === node.name) return undefined;
  const root = rootOf(cluster)?.name;
  const byRoot = node.upstream === undefined || node.upstream === root;
  return byRoot ? (primary?.node ?? node.upstream) : node.upstream;
}

/** Bytes that the primary has written, or the upstream when no primary is seen, and the standby not replayed. */
export function lagBytesOf(
  { primary, state }: View,
  standby: StandbyState,
  upstream?: string,
): number | undefined {
  const ahead = primary ?? (upstream === undefined ? undefined : stateOf(state, upstream));
  if (!isRunning(ahead) || systemOf(ahead) !== systemOf(standby)) return undefined;
  return bytesBehind(positionOf(ahead), standby.replayed ?? standby.received);
}

/** Whether it archives at all; pg_stat_archiver remembers failures of a time when it did. A standby does with `always` alone (pgarch.c). */
export function archives({ is, server }: RunningState): boolean {
  const mode = server.settings['archive_mode']?.value ?? 'off';
  return mode === 'always' || (mode === 'on' && is === 'primary');
}

/** Never negative: the two were not asked at the same instant. */
export function bytesBehind(ahead: Lsn | undefined, behind: Lsn | undefined): number | undefined {
  return ahead === undefined || behind === undefined ? undefined : Math.max(0, distance(ahead, behind));
}
