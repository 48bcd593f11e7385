import type { Cluster, Node } from '../../cluster/types.ts';
import { distance } from '../../facts/lsn.ts';
import { mayWrite } from '../../facts/mute.ts';
import type { ClusterState, NodeState } from '../../facts/state.ts';
import { upstreamOf } from '../../facts/upstream.ts';
import { positionOf, systemOf, type StandbyState } from '../../facts/view.ts';
import { runsNot, startAgain } from './handover.ts';
import { leadsTo, linkFiles, writtenLink, type Link } from '../link.ts';
import { slotSteps } from '../move.ts';
import type { Plan, Step } from '../plan.ts';
import { cleanSteps, promotionSteps } from '../promote/promote.ts';
import { unmarkStep } from '../signal.ts';
import { startOf } from '../startOf.ts';
import { followsStep, takesWrites } from './proofs.ts';
import { linkFor, outageMost } from './moving.ts';
import { isPromoting, isStopping, isWaking, untilSeen } from './onTheWay.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';

type Stopped = Extract<NodeState, { is: 'stopped' }>;

/**
 * No primary runs: an earlier switchover was cut short between the stop and the promotion, or the primary was stopped
 * by hand. A standby that has every byte of its shutdown checkpoint goes on; else the old primary serves again first.
 */
export function planInterrupted(
  cluster: Cluster,
  state: ClusterState,
  candidate: StandbyState,
  request: SwitchoverRequest,
  title: string,
): Plan {
  if (isPromoting(candidate))
    return { title, refusals: [], steps: [takesWrites(candidate, request.seconds)] };
  const changing = state.nodes.flatMap((other) => untilSeen(cluster, other, request));
  const unseen = state.nodes.filter(
    (other) => other.is === 'unreachable' || (other.is === 'mute' && !isWaking(other) && !isStopping(other)),
  );
  if (unseen.length > 0) return refuse(title, candidate, unseen);
  if (changing.length > 0) return { title, refusals: [], steps: changing };
  const stopped = state.nodes.find((other) => isOld(cluster, state, other, candidate));
  if (stopped !== undefined) return toEnd(cluster, stopped, candidate, request, title);
  const follower = turnedRound(cluster, state, candidate, request);
  return follower === undefined
    ? refuse(title, candidate, [])
    : promoteOnly(state, follower, candidate, request, title);
}

const SEEN = 'pgrepl status shows what is there.';

function refuse(title: string, { node }: StandbyState, unseen: readonly NodeState[]): Plan {
  const names = unseen.map((other) => other.node).join(', ');
  const live = unseen.find(mayWrite);
  const hidden = names === '' ? '' : `; ${names} cannot be looked at`;
  return {
    title,
    refusals: [
      {
        message: `${node}: no primary is seen that it could swap with${hidden}${live === undefined ? '' : ` (${live.because})`}`,
        hint: live === undefined ? `If the primary is gone: pgrepl promote ${node}` : (live.hint ?? SEEN),
      },
    ],
    unreachable: unseen.length > 0,
    steps: [],
  };
}

function nodeOf(cluster: Cluster, name: string): Node | undefined {
  return cluster.nodes.find((each) => each.name === name);
}

type Old = Stopped & { control: NonNullable<Stopped['control']> };

/** The primary that the candidate followed, stopped cleanly: a standby's pg_control says "shut down in recovery". */
function isOld(
  cluster: Cluster,
  state: ClusterState,
  other: NodeState,
  candidate: StandbyState,
): other is Old {
  return (
    other.is === 'stopped' &&
    systemOf(other) === systemOf(candidate) &&
    other.control?.state === 'shut down' &&
    upstreamOf(cluster, state, candidate.node) === other.node
  );
}

/** The record of a checkpoint, with whatever of a page's header lies in it. */
const CHECKPOINT_MOST = 512;

/**
 * A standby without a receiver does not tell its timeline, so its position decides: before the old primary's last
 * checkpoint it goes back, at the end of that it goes on, and further it has WAL of its own.
 */
function toEnd(
  cluster: Cluster,
  stopped: Old,
  candidate: StandbyState,
  request: SwitchoverRequest,
  title: string,
): Plan {
  const { replayed } = candidate;
  const past = replayed === undefined ? 0 : distance(replayed, stopped.control.checkpoint);
  if (past <= 0) return goBack(stopped, candidate, title);
  if (past <= CHECKPOINT_MOST) return goOn(cluster, stopped, candidate, request, title);
  const message = `${candidate.node}: has ${past} bytes of WAL more than ${stopped.node}, which it followed, had when it was shut down`;
  const hint = `pgrepl promote ${candidate.node} makes it the primary; pgrepl rejoin ${stopped.node} a standby of it.`;
  return { title, refusals: [{ message, hint }], steps: [] };
}

/** The promotion that did not happen, and the return of the old primary; first it is made sure that it is a standby. */
function goOn(
  cluster: Cluster,
  stopped: Stopped,
  candidate: StandbyState,
  request: SwitchoverRequest,
  title: string,
): Plan {
  const node = nodeOf(cluster, stopped.node);
  if (node === undefined) return refuse(title, candidate, []);
  const link = linkFor(cluster, stopped.node, candidate, request);
  const lane = { lane: candidate.node };
  return {
    title,
    refusals: [],
    steps: [
      ...slotSteps(candidate, link.slot),
      ...placedSteps(stopped, link),
      runsNot(stopped.node, stopped.place),
      ...promotionSteps(candidate, request).map((step) => ({ ...step, ...lane })),
      ...cleanSteps(candidate).map((step) => ({ ...step, ...lane })),
      ...startAgain(stopped, 'start it as a standby', outageMost(request), stopped.node),
      followsStep(stopped.node, startOf(stopped, node).socket, candidate, link, request.seconds),
    ],
    notes: [`${stopped.node}: was shut down, and ${candidate.node} has everything it wrote`],
  };
}

/** Stopped by hand, or in an undo that was cut short, it is no standby yet. */
function placedSteps(stopped: Stopped, link: Link): readonly Step[] {
  const { node, place, version } = stopped;
  const { conninfo, slot } = writtenLink(stopped, version);
  if (stopped.standby && leadsTo(conninfo, slot, link)) return [];
  const hasPassfile = place.signals.includes('pgrepl.pgpass');
  return linkFiles(node, version, link, { dir: place.real, real: place.real, before: conninfo, hasPassfile });
}

/** Bytes are missing at the candidate: the old primary serves again, as by the undo; then all is asked anew. */
function goBack(stopped: Stopped, candidate: StandbyState, title: string): Plan {
  const { node, place, version } = stopped;
  return {
    title,
    refusals: [],
    steps: [
      ...(stopped.standby ? [unmarkStep(node, place, version)] : []),
      ...startAgain(stopped, 'start the primary again', 0),
    ],
    notes: [`${candidate.node}: does not have everything ${node} wrote: it serves again first`],
  };
}

/** The old primary came back as a standby of the candidate, and the candidate follows it still. */
function turnedRound(
  cluster: Cluster,
  state: ClusterState,
  candidate: StandbyState,
  request: SwitchoverRequest,
): StandbyState | undefined {
  return standbysBeside(state, candidate).find(
    (other) =>
      leadsTo(other.conninfo, other.slot, linkFor(cluster, other.node, candidate, request)) &&
      leadsTo(candidate.conninfo, candidate.slot, linkFor(cluster, candidate.node, other, request)),
  );
}

function standbysBeside(state: ClusterState, candidate: StandbyState): readonly StandbyState[] {
  return state.nodes.filter(
    (other): other is StandbyState =>
      other.is === 'standby' && other.node !== candidate.node && systemOf(other) === systemOf(candidate),
  );
}

function promoteOnly(
  state: ClusterState,
  follower: StandbyState,
  candidate: StandbyState,
  request: SwitchoverRequest,
  title: string,
): Plan {
  const mine = positionOf(candidate);
  const ahead = standbysBeside(state, candidate).flatMap((other) => {
    const theirs = positionOf(other);
    const bytes = theirs === undefined || mine === undefined ? 0 : distance(theirs, mine);
    return bytes <= 0
      ? []
      : [
          {
            message: `${candidate.node}: no primary runs, and ${other.node} has ${bytes} bytes of WAL more`,
            hint: `pgrepl switchover ${other.node} makes that one the primary, and loses nothing.`,
          },
        ];
  });
  if (ahead.length > 0) return { title, refusals: ahead, steps: [] };
  return {
    title,
    refusals: [],
    steps: [...promotionSteps(candidate, request), ...cleanSteps(candidate)],
    notes: [`${follower.node}: is a standby of ${candidate.node} already, which was not promoted yet`],
  };
}
