import type { StandbyState } from '../../facts/view.ts';
import type { Problem } from '../../errors.ts';
import type { ClusterState, NodeState } from '../../facts/state.ts';
import { placeProblems, portOf } from '../create.ts';
import {
  isInTheWay,
  isPrimary,
  otherUpstream,
  otherCopy,
  portProblem,
  walProblem,
  type Obstacle,
} from './cloneObstacle.ts';
import { copySteps, installStep, leftoverSteps } from './copy.ts';
import type { Copy } from './copyConfig.ts';
import { copyGates } from './copyGates.ts';
import { unmetDemands } from '../demands.ts';
import { notOurs } from '../notOurs.ts';
import { proof, type CloneRequest } from './cloneRequest.ts';
import { leadsTo, passfileSteps, relinkSteps, writtenLink, type Link } from '../link.ts';
import type { Plan } from '../plan.ts';
import { futureSocket, isUp, socketOf, type Seen } from '../steps.ts';
import { unseen } from '../refusal.ts';
import { portAtStart, startOf } from '../startOf.ts';
import { upstreamSlotSteps } from '../upstreamSlot.ts';

/**
 * Makes the node a standby of its upstream: a reserved slot, a copy beside the target, its own configuration
 * there, one rename, a start, and proof. What streams already from there is left alone.
 */
export function planCloneStandby(state: ClusterState, request: CloneRequest): Plan {
  const title = `make ${request.node.name} a standby of ${request.upstream}`;
  const found = state.nodes.find(({ node }) => node === request.node.name);
  if (found === undefined || found.is === 'unreachable')
    return { title, steps: [], ...unseen(found, request.node.name) };
  switch (found.is) {
    case 'foreign':
      // A copy that was whole, and whose files were being moved into a mount point.
      if (found.place.complete) return { title, refusals: [], steps: [installStep(found)] };
      return { title, refusals: [notOurs(found)], steps: [] };
    case 'mute':
      return planMute(found, request, title);
    case 'standby':
      if (isThere(found, request)) return asDemanded(found, request, planRunning(found, request, title));
      return planReplaced(found, request, title, otherUpstream(found, request));
    case 'primary':
      return planReplaced(found, request, title, isPrimary(found, request));
    case 'stopped':
      if (isMadeByUs(found, request)) return asDemanded(found, request, planStart(found, request, title));
      return planReplaced(found, request, title, isInTheWay(found, request));
    case 'empty':
      return planCopy(found, request, title);
  }
}

/** Whether the next question to the upstream can be spared: a standby that streams as it should. */
export function needsSource(found: NodeState | undefined, link: Link): boolean {
  return !(
    found?.is === 'standby' &&
    leadsTo(found.conninfo, found.slot, link) &&
    found.streaming?.status === 'streaming'
  );
}

/** Nothing is copied then, and a flag that says how the copy is made must be what was made. */
function asDemanded(found: Seen, { demands }: CloneRequest, plan: Plan): Plan {
  const unmet = unmetDemands(found, demands);
  if (unmet.length === 0) return plan;
  return { title: plan.title, refusals: [...unmet, ...plan.refusals], steps: [] };
}

function isThere(found: StandbyState, request: CloneRequest): boolean {
  const { source } = request;
  const same =
    typeof source === 'string' ||
    'problems' in source ||
    source.systemIdentifier === found.server.systemIdentifier;
  return same && leadsTo(found.conninfo, found.slot, request.link);
}

/** It is a standby of this upstream. Where it does not stream, its slot and its password may be what is missing. */
function planRunning(found: StandbyState, request: CloneRequest, title: string): Plan {
  const { source, link } = request;
  const proved = proof(found, request, socketOf(found), false);
  const streams = found.streaming?.status === 'streaming';
  if (streams && request.stalePassword !== true) return { title, refusals: [], steps: [] };
  if (typeof source === 'string') return { title, refusals: [], steps: [proved] };
  if ('problems' in source)
    return { title, refusals: source.problems, unreachable: source.unreachable, steps: [] };
  // The upstream took the new one just now; libpq reads the file at the next connection.
  if (streams) return { title, refusals: [], steps: passfileSteps(found.node, link, found.place.real) };
  if (source.slots?.known.some(({ name, lost }) => name === link.slot && lost) === true)
    return { title, refusals: [lostSlot(found, request)], steps: [] };
  const slot = upstreamSlotSteps({ found, link, upstream: request.upstream, source });
  return { title, refusals: [], steps: [...slot, ...relinkSteps(found, link), proved] };
}

function lostSlot(found: StandbyState, request: CloneRequest): Problem {
  return {
    message: `${found.node}: its slot ${request.link.slot} at ${request.upstream} is lost: WAL that it needs is gone`,
    hint: '--replace copies it anew and keeps the old directory.',
  };
}

function planMute(found: Extract<NodeState, { is: 'mute' }>, request: CloneRequest, title: string): Plan {
  const ours = found.starting && hasOurLink(found, request);
  const message = `${found.node}: a server runs in ${found.place.pgdata} and does not answer: ${found.because}`;
  const hint = found.hint === undefined ? {} : { hint: found.hint };
  if (!ours) return { title, refusals: [{ message, ...hint }], unreachable: true, steps: [] };
  const socket = futureSocket(found, portAtStart(found, request.node), found.place.socketDir ?? '/tmp');
  return { title, refusals: [], steps: [proof(found, request, socket, false)] };
}

function hasOurLink(found: Seen, request: CloneRequest): boolean {
  if (typeof request.source === 'string' || 'problems' in request.source) return false;
  const { conninfo, slot } = writtenLink(found, request.source.version);
  return leadsTo(conninfo, slot, request.link);
}

/** A copy that was finished and not started: an earlier run was cut short there. */
function isMadeByUs(found: Extract<NodeState, { is: 'stopped' }>, request: CloneRequest): boolean {
  const { source } = request;
  if (typeof source === 'string' || 'problems' in source) return false;
  const same = found.control === undefined || found.control.systemIdentifier === source.systemIdentifier;
  return same && found.standby && hasOurLink(found, request);
}

function planStart(found: Extract<NodeState, { is: 'stopped' }>, request: CloneRequest, title: string): Plan {
  const { socket, steps } = startOf(found, request.node);
  return {
    title,
    refusals: portProblem(found, portAtStart(found, request.node)),
    steps: [
      ...leftoverSteps(found),
      ...passfileSteps(found.node, request.link, found.place.real),
      ...steps,
      proof(found, request, socket, false),
    ],
  };
}

function planReplaced(found: Seen, request: CloneRequest, title: string, obstacle: Obstacle): Plan {
  if (!request.replace || !obstacle.replaceable) return { title, refusals: [obstacle.problem], steps: [] };
  return planCopy(found, request, title, asideOf(found, request));
}

function asideOf(found: Seen, request: CloneRequest): string {
  const { real, mountPoint, parentWritable } = found.place;
  return mountPoint || !parentWritable
    ? `${real}/.pgrepl-old-${request.stamp}`
    : `${real}.pgrepl-old-${request.stamp}`;
}

function planCopy(found: Seen, request: CloneRequest, title: string, aside?: string): Plan {
  const { source } = request;
  if (typeof source === 'string')
    return { title, refusals: [{ message: `${request.upstream}: was not asked` }], steps: [] };
  if ('problems' in source)
    return { title, refusals: source.problems, unreachable: source.unreachable, steps: [] };
  const gates = copyGates(found, request, source);
  const refusals = [
    ...placeProblems(found),
    ...otherCopy(found, request),
    ...portProblem(found, portOf(request.node)),
    ...(aside === undefined ? [] : walProblem(found, request)),
    ...gates.refusals,
  ];
  if (refusals.length > 0) return { title, refusals, steps: [] };
  const copy: Copy = { found, request, source, ...(aside === undefined ? {} : { aside }) };
  return {
    title,
    refusals: [],
    ...copySteps(copy),
    confirm: [...movesAside(found, aside), ...gates.confirm],
    notes: [
      ...gates.notes,
      ...(aside === undefined ? [] : [`${found.node}: ${aside} is kept; remove it when nobody needs it`]),
    ],
  };
}

function movesAside(found: Seen, aside: string | undefined): readonly string[] {
  if (aside === undefined) return [];
  const stopping = isUp(found) ? ', after stopping its server' : '';
  return [`move ${found.place.pgdata} of ${found.node} aside to ${aside}${stopping}`];
}
