import type { Cluster, Node } from '../cluster/types.ts';
import { has, RECOVERY_IN_SETTINGS } from '../cluster/version.ts';
import { atLeast, distance } from '../facts/lsn.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { positionOf, systemOf, timelineOf } from '../facts/view.ts';
import { startAgain, runsNot } from './handover.ts';
import { leadsTo, linkFiles, writtenLink, type Link } from './link.ts';
import { slotSteps } from './move.ts';
import type { Plan, Step } from './plan.ts';
import { cleanSteps, promotionSteps } from './promote.ts';
import { startOf } from './startOf.ts';
import { ask, run } from './steps.ts';
import { followsStep, linkFor, outageMost } from './swap.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';

type Standby = Extract<NodeState, { is: 'standby' }>;
type Stopped = Extract<NodeState, { is: 'stopped' }>;
type Mute = Extract<NodeState, { is: 'mute' }>;

/**
 * No primary runs: an earlier switchover was cut short between the stop and the promotion, or the primary was stopped
 * by hand. A standby that has every byte of its shutdown checkpoint goes on; else the old primary serves again first.
 */
export function planInterrupted(
  cluster: Cluster,
  state: ClusterState,
  candidate: Standby,
  request: SwitchoverRequest,
  title: string,
): Plan {
  const waking = state.nodes.filter(isWaking);
  const unseen = state.nodes.filter(
    (other) => other.is === 'unreachable' || (other.is === 'mute' && !isWaking(other)),
  );
  if (unseen.length > 0) return refuse(title, candidate, unseen);
  if (waking.length > 0)
    return { title, refusals: [], steps: waking.flatMap((each) => awake(cluster, each, request)) };
  const [stopped, ...more] = state.nodes.filter((other) => isOld(other, candidate));
  if (stopped?.control !== undefined && more.length === 0) {
    return hasAll(candidate, stopped.control.checkpoint)
      ? goOn(cluster, stopped, candidate, request, title)
      : goBack(stopped, candidate, title);
  }
  const follower = stopped === undefined ? turnedRound(cluster, state, candidate, request) : undefined;
  return follower === undefined
    ? refuse(title, candidate, [])
    : promoteOnly(state, follower, candidate, request, title);
}

function refuse(title: string, { node }: Standby, unseen: readonly NodeState[]): Plan {
  const names = unseen.map((other) => other.node).join(', ');
  return {
    title,
    refusals: [
      {
        message: `${node}: no primary is seen that it could swap with${names === '' ? '' : `; ${names} cannot be looked at`}`,
        hint: `If the primary is gone: pgrepl promote ${node}`,
      },
    ],
    unreachable: unseen.length > 0,
    steps: [],
  };
}

/** A standby that is starting: it takes no writes whatever comes, and can be looked at in a moment. */
export function isWaking(other: NodeState): other is Mute {
  return (
    other.is === 'mute' &&
    other.starting &&
    (other.place.signals.includes('standby.signal') || other.place.files.recovery !== undefined)
  );
}

/** It is looked at anew when it answers. */
export function awake(cluster: Cluster, found: Mute, request: SwitchoverRequest): readonly Step[] {
  const node = nodeOf(cluster, found.node);
  if (node === undefined) return [];
  const text = ['SELECT pg_is_in_recovery();'];
  return [ask(found.node, 'it answers', startOf(found, node).socket, text, 't', request.seconds)];
}

function nodeOf(cluster: Cluster, name: string): Node | undefined {
  return cluster.nodes.find((each) => each.name === name);
}

/** A primary that was stopped cleanly, and last wrote on the timeline of the candidate. */
function isOld(other: NodeState, candidate: Standby): other is Stopped {
  return (
    other.is === 'stopped' &&
    systemOf(other) === systemOf(candidate) &&
    other.control?.state === 'shut down' &&
    other.control.timeline === timelineOf(candidate)
  );
}

/** The position after the last record that was replayed lies behind the shutdown checkpoint's beginning. */
function hasAll({ replayed }: Standby, checkpoint: NonNullable<Stopped['control']>['checkpoint']): boolean {
  return replayed !== undefined && atLeast(replayed, checkpoint) && replayed !== checkpoint;
}

/** The promotion that did not happen, and the return of the old primary, which is a standby before anything else. */
function goOn(
  cluster: Cluster,
  stopped: Stopped,
  candidate: Standby,
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
function goBack(stopped: Stopped, candidate: Standby, title: string): Plan {
  const { node, place, version } = stopped;
  const signal = has(version, RECOVERY_IN_SETTINGS) ? 'standby.signal' : 'recovery.conf';
  const remove = run(node, 'it is no standby at its next start', [
    'rm',
    '-f',
    '--',
    `${place.real}/${signal}`,
  ]);
  return {
    title,
    refusals: [],
    steps: [...(stopped.standby ? [remove] : []), ...startAgain(stopped, 'start the primary again', 0)],
    notes: [`${candidate.node}: does not have everything ${node} wrote: it serves again first`],
  };
}

/** The old primary came back as a standby of the candidate, and the candidate follows it still. */
function turnedRound(
  cluster: Cluster,
  state: ClusterState,
  candidate: Standby,
  request: SwitchoverRequest,
): Standby | undefined {
  return standbysBeside(state, candidate).find(
    (other) =>
      leadsTo(other.conninfo, other.slot, linkFor(cluster, other.node, candidate, request)) &&
      leadsTo(candidate.conninfo, candidate.slot, linkFor(cluster, candidate.node, other, request)),
  );
}

function standbysBeside(state: ClusterState, candidate: Standby): readonly Standby[] {
  return state.nodes.filter(
    (other): other is Standby =>
      other.is === 'standby' && other.node !== candidate.node && systemOf(other) === systemOf(candidate),
  );
}

function promoteOnly(
  state: ClusterState,
  follower: Standby,
  candidate: Standby,
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
