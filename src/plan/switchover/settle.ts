import type { Cluster } from '../../cluster/types.ts';
import { has, RECOVERY_IN_SETTINGS } from '../../cluster/version.ts';
import type { ClusterState, NodeState } from '../../facts/state.ts';
import { upstreamOf } from '../../facts/upstream.ts';
import { atLeast } from '../../facts/lsn.ts';
import {
  positionOf,
  systemOf,
  viewOf,
  wantedUpstream,
  type PrimaryState,
  type StandbyState,
} from '../../facts/view.ts';
import { awake, isStopping, isWaking } from './onTheWay.ts';
import { streamsFrom } from '../attach.ts';
import { leadsTo, writtenLink } from '../link.ts';
import { isMoved, linkTo, moveSteps, type Move } from '../move.ts';
import type { Step } from '../plan.ts';
import { cleanSteps } from '../promote/promote.ts';
import { hasStopped, startAgain } from './handover.ts';
import { startOf } from '../startOf.ts';
import { unmarkStep } from '../signal.ts';
import { ask, type Seen } from '../steps.ts';
import { dropUnused } from '../dropSlots.ts';
import { moveOf, outageMost, RETRY_MOST } from './moving.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';

type Stopped = Extract<NodeState, { is: 'stopped' }>;

/**
 * What is left to do when the node is the primary already. An earlier switchover to it was cut short after the
 * promotion: its settings are cleaned, standbys that were pre-placed start, the others follow. One to another node
 * was cut short before the stop: what was placed for that is taken back.
 */
export function settleSteps(
  cluster: Cluster,
  state: ClusterState,
  primary: PrimaryState,
  request: SwitchoverRequest,
): readonly Step[] {
  return [
    ...unplace(primary),
    ...cleanSteps(primary),
    ...state.nodes.flatMap((other) => standbySteps(cluster, state, primary, other, request)),
  ];
}

/** A primary with the mark of a standby would be one at its next start. */
function unplace({ node, place, server }: PrimaryState): readonly Step[] {
  const isMarked = has(server.version, RECOVERY_IN_SETTINGS)
    ? place.signals.includes('standby.signal')
    : place.files.recovery !== undefined;
  return isMarked ? [unmarkStep(node, place, server.version)] : [];
}

function standbySteps(
  cluster: Cluster,
  state: ClusterState,
  primary: PrimaryState,
  other: NodeState,
  request: SwitchoverRequest,
): readonly Step[] {
  const move = moveOf(cluster, other.node, primary.node, request);
  if (other.is === 'mute') return untilSeen(cluster, primary, other, move, request);
  if (systemOf(other) !== systemOf(primary)) return [];
  if (other.is === 'standby')
    return [...joinSteps(cluster, state, primary, other, move), ...staleSlots(cluster, other, primary)];
  return other.is === 'stopped' && other.standby ? wakeSteps(other, primary, move, request) : [];
}

/**
 * A standby that is to stream from the primary and does not: it was moved to the candidate of a switchover that did
 * not happen, or one did happen and was cut short before it was moved, or could not reach it, and it streams from the
 * old primary. Where the file names neither of the two for it, somebody made a cascade of it, and it keeps its tree. One
 * that leads there and is between two attempts to connect is waited for.
 */
function joinSteps(
  cluster: Cluster,
  state: ClusterState,
  primary: PrimaryState,
  other: StandbyState,
  move: Move,
): readonly Step[] {
  if (isMoved(cluster, state, other, primary)) return moveSteps(other, primary, move);
  if (wantedUpstream(viewOf(cluster, state), move.node) !== primary.node) return [];
  const from = upstreamOf(cluster, state, other.node);
  if (from === primary.node) {
    const waits =
      other.streaming?.status !== 'streaming' && leadsTo(other.conninfo, other.slot, linkTo(primary, move));
    return waits ? moveSteps(other, primary, { ...move, seconds: Math.min(move.seconds, RETRY_MOST) }) : [];
  }
  const isLeft = [primary.node, from].includes(move.node.upstream) || unplace(primary).length > 0;
  const [theirs, mine] = [positionOf(other), positionOf(primary)];
  // One that has its WAL from the primary, by way of others, cannot be ahead, but may be asked a moment later.
  const isBelow = streamsFrom(cluster, state, other.node, primary.node);
  const isAhead = !isBelow && theirs !== undefined && mine !== undefined && !atLeast(mine, theirs);
  return isAhead || !isLeft ? [] : moveSteps(other, primary, move);
}

/** What is starting, or stopping and to be started then, is looked at anew. */
function untilSeen(
  cluster: Cluster,
  primary: PrimaryState,
  other: Extract<NodeState, { is: 'mute' }>,
  move: Move,
  request: SwitchoverRequest,
): readonly Step[] {
  if (isStopping(other) && isPlaced(other, primary, move))
    return [hasStopped(other, outageMost(request), other.node)];
  return isWaking(other) ? awake(cluster, other, request) : [];
}

/** Whether it is to follow this primary at its next start. */
function isPlaced(other: Seen, primary: PrimaryState, move: Move): boolean {
  const { conninfo, slot } = writtenLink(other, primary.server.version);
  return leadsTo(conninfo, slot, linkTo(primary, move));
}

/** A standby that was placed for this primary, and does not run yet. */
function wakeSteps(
  other: Stopped,
  primary: PrimaryState,
  move: Move,
  request: SwitchoverRequest,
): readonly Step[] {
  if (!isPlaced(other, primary, move)) return [];
  return [
    ...startAgain(other, 'start it as a standby', outageMost(request), other.node),
    ask(
      other.node,
      `it streams from ${primary.node}`,
      startOf(other, move.node).socket,
      [`SELECT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming');`],
      't',
      request.seconds,
      { lane: other.node },
    ),
  ];
}

/** Slots that the new primary and its standbys used where they streamed from before. */
function staleSlots(cluster: Cluster, found: StandbyState, primary: PrimaryState): readonly Step[] {
  const elsewhere = cluster.nodes.filter(
    ({ name }) =>
      name === primary.node ||
      primary.server.walsenders.some(({ applicationName }) => applicationName === name),
  );
  const stale = found.server.slots.flatMap(({ name, type, active }) =>
    type === 'physical' && !active && elsewhere.some(({ slot }) => slot === name) ? [name] : [],
  );
  return dropUnused(found, stale, found.node);
}
