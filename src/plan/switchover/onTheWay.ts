import type { Cluster } from '../../cluster/types.ts';
import { has, RECOVERY_IN_SETTINGS } from '../../cluster/version.ts';
import type { NodeState } from '../../facts/state.ts';
import type { StandbyState } from '../../facts/view.ts';
import type { Step } from '../plan.ts';
import { startOf } from '../startOf.ts';
import { ask } from '../steps.ts';
import { hasStopped } from './handover.ts';
import { outageMost } from './moving.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';

type Mute = Extract<NodeState, { is: 'mute' }>;

/**
 * Before 12 a standby whose recovery.conf is gone is at the end of its recovery: exitArchiveRecovery() of xlog.c renames
 * the file a moment before the server takes writes. Whom it followed, nobody can tell any more.
 */
export function isPromoting({ server, place }: StandbyState): boolean {
  return !has(server.version, RECOVERY_IN_SETTINGS) && place.files.recovery === undefined;
}

/** A standby that is starting: it takes no writes whatever comes, and can be looked at in a moment. */
export function isWaking(other: NodeState): other is Mute {
  return (
    other.is === 'mute' &&
    other.starting &&
    (other.place.signals.includes('standby.signal') || other.place.files.recovery !== undefined)
  );
}

/** The stop that an earlier run began, or somebody else. */
export function isStopping(other: NodeState): other is Mute {
  return other.is === 'mute' && /shutting down/.test(other.because);
}

/** What is on its way from one state to another is waited for, and then looked at anew. */
export function untilSeen(cluster: Cluster, other: NodeState, request: SwitchoverRequest): readonly Step[] {
  if (isWaking(other)) return awake(cluster, other, request);
  return isStopping(other) ? [hasStopped(other, outageMost(request))] : [];
}

/** It is looked at anew when it answers. */
export function awake(cluster: Cluster, found: Mute, request: SwitchoverRequest): readonly Step[] {
  const node = cluster.nodes.find(({ name }) => name === found.node);
  if (node === undefined) return [];
  const text = ['SELECT pg_is_in_recovery();'];
  return [ask(found.node, 'it answers', startOf(found, node).socket, text, 't', request.seconds)];
}
