import type { Cluster } from '../../cluster/types.ts';
import type { Problem } from '../../errors.ts';
import type { ClusterState, NodeState } from '../../facts/state.ts';
import { upstreamOf } from '../../facts/upstream.ts';
import {
  positionOf,
  primariesOf,
  stateOf,
  systemOf,
  viewOf,
  wantedUpstream,
  type PrimaryState,
  type StandbyState,
} from '../../facts/view.ts';
import { attachedStep, isAttached } from '../attach.ts';
import { leadsTo } from '../link.ts';
import { isMoved } from '../move.ts';
import type { Plan, Step } from '../plan.ts';
import { cleanSteps } from '../promote/promote.ts';
import { unseen } from '../refusal.ts';
import { planInterrupted } from './interrupted.ts';
import { linkFor, RETRY_MOST } from './moving.ts';
import { settleSteps } from './settle.ts';
import { swapPlan } from './swap.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';
import { switchoverGates, type Cast } from './switchoverGates.ts';

/**
 * Swaps the primary and a standby without losing an acknowledged write. Everything is placed beforehand, so that
 * the outage is a stop, a look at two positions and a promotion. Before the promotion any failure is undone. Where
 * the node is the primary already, or no primary runs, an earlier switchover is brought to its end.
 */
export function planSwitchover(cluster: Cluster, state: ClusterState, request: SwitchoverRequest): Plan {
  const title = `make ${request.node.name} the primary`;
  const found = stateOf(state, request.node.name);
  if (found === undefined || found.is === 'unreachable')
    return { title, steps: [], ...unseen(found, request.node.name) };
  const primaries = primariesOf(state).filter((each) => systemOf(each) === systemOf(found));
  if (primaries.length > 1) return { title, refusals: [twoPrimaries(primaries)], steps: [] };
  if (found.is === 'primary')
    return { title, refusals: [], steps: settleSteps(cluster, state, found, request) };
  if (found.is !== 'standby')
    return { title, refusals: [notAStandby(found)], unreachable: found.is === 'mute', steps: [] };
  const [primary] = primaries;
  if (primary === undefined) return planInterrupted(cluster, state, found, request, title);
  const cast = castOf(cluster, state, primary, found);
  const back = comingBack(cluster, cast, request);
  if (back.length > 0) return { title, refusals: [], steps: back };
  const refusals = [...switchoverGates(cast, request.maxLag), ...request.logins];
  if (refusals.length > 0) return { title, refusals, steps: [] };
  return { ...swapPlan(cluster, cast, request), notes: notesOf(state, cast) };
}

function twoPrimaries(primaries: readonly PrimaryState[]): Problem {
  return {
    message: `${primaries.map(({ node }) => node).join(' and ')}: both take writes, and belong to one cluster`,
    hint: 'pgrepl status shows both; stop the wrong one, then pgrepl rejoin makes a standby of it.',
  };
}

function notAStandby(found: Exclude<NodeState, { is: 'standby' | 'primary' | 'unreachable' }>): Problem {
  const why =
    found.is === 'mute'
      ? `a server runs and does not answer: ${found.because}`
      : `is no running standby (${found.is})`;
  return {
    message: `${found.node}: ${why}`,
    hint: (found.is === 'mute' ? found.hint : undefined) ?? 'pgrepl status shows what is there.',
  };
}

function castOf(cluster: Cluster, state: ClusterState, primary: PrimaryState, candidate: StandbyState): Cast {
  const others = state.nodes.filter(
    (other): other is StandbyState =>
      other.is === 'standby' && other.node !== candidate.node && systemOf(other) === systemOf(candidate),
  );
  return {
    primary,
    candidate,
    siblings: others.filter((other) => isSibling(cluster, state, other, candidate, primary)),
    others,
  };
}

/**
 * The primary serves again after a switchover that was cut short, and the candidate has not tried to connect since: it
 * does every wal_retrieve_retry_interval, five seconds by default. Then it is looked at anew.
 */
function comingBack(
  cluster: Cluster,
  { primary, candidate }: Cast,
  request: SwitchoverRequest,
): readonly Step[] {
  const link = linkFor(cluster, candidate.node, primary, request);
  const { signals, files } = primary.place;
  const isCutShort =
    cleanSteps(primary).length > 0 || signals.includes('standby.signal') || files.recovery !== undefined;
  if (!isCutShort || isAttached(primary, link)) return [];
  if (!leadsTo(candidate.conninfo, candidate.slot, link)) return [];
  return [attachedStep(candidate.node, primary, link, Math.min(request.seconds, RETRY_MOST))];
}

/** Who follows the old primary, and who did before a switchover that was cut short moved it to the candidate. */
function isSibling(
  cluster: Cluster,
  state: ClusterState,
  other: StandbyState,
  candidate: StandbyState,
  primary: PrimaryState,
): boolean {
  const position = positionOf(other);
  // A sibling that is a little ahead waits as a cascade until the candidate has caught up: the primary still sends.
  const level: StandbyState =
    position === undefined ? candidate : { ...candidate, received: position, replayed: position };
  if (isMoved(cluster, state, other, level)) return true;
  const node = cluster.nodes.find(({ name }) => name === other.node);
  return (
    node !== undefined &&
    wantedUpstream(viewOf(cluster, state), node) === primary.node &&
    upstreamOf(cluster, state, other.node) === candidate.node &&
    primary.place.signals.includes('standby.signal')
  );
}

function notesOf(state: ClusterState, { primary, candidate }: Cast): readonly string[] {
  const sessions = primary.server.sessions;
  return [
    ...(sessions > 0 ? [`${primary.node}: ${sessions} session${sessions === 1 ? ' is' : 's are'} cut`] : []),
    ...logicalSlots(primary, candidate),
    ...lessWal(primary, candidate),
    ...state.nodes.flatMap((other) => leftAlone(other, candidate)),
  ];
}

/** What a subscriber needs of its publisher (runtime-config-wal). */
function lessWal(primary: PrimaryState, candidate: StandbyState): readonly string[] {
  const [here, there] = [primary, candidate].map(({ server }) => server.settings['wal_level']?.value);
  if (here !== 'logical' || there === undefined || there === 'logical') return [];
  return [
    `${candidate.node}: its wal_level is ${there}, and ${primary.node} has logical: nobody can subscribe to it; it needs a restart to change that`,
  ];
}

/** A logical slot does not come along, unless it is kept in step there (sync_replication_slots, 17). */
function logicalSlots(primary: PrimaryState, candidate: StandbyState): readonly string[] {
  const there = candidate.server.slots.map(({ name }) => name);
  return primary.server.slots
    .filter(({ name, type }) => type === 'logical' && !there.includes(name))
    .map(
      ({ name }) => `${primary.node}: the logical slot ${name} stays there: its subscriber gets nothing more`,
    );
}

/** Nodes that a switchover does without, and what brings them back. */
function leftAlone(other: NodeState, { node, server }: StandbyState): readonly string[] {
  const then = `pgrepl follow ${other.node} --upstream ${node} when it is back`;
  if (other.is === 'unreachable') return [`${other.node}: cannot be looked at and is left alone; ${then}`];
  if (other.is === 'mute') return [`${other.node}: does not answer and is left alone; ${then}`];
  if (other.is === 'stopped' && systemOf(other) === server.systemIdentifier)
    return [`${other.node}: does not run and is left alone; ${then}`];
  return [];
}
