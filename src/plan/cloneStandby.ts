import type { Cluster } from '../cluster/types.ts';
import type { Problem } from '../errors.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { placeProblems, portOf } from './create.ts';
import { notOurs } from './initPrimary.ts';
import { copySteps, type Copy } from './copy.ts';
import { copyGates } from './copyGates.ts';
import { proof, type CloneRequest } from './cloneRequest.ts';
import { leadsTo, writtenLink, type Link } from './link.ts';
import type { Plan } from './plan.ts';
import { futureSocket, isUp, socketOf, type Seen } from './steps.ts';
import { startOf } from './startOf.ts';

/**
 * Makes the node a standby of its upstream: a reserved slot, a copy beside the target, its own configuration
 * there, one rename, a start, and proof. What streams already from there is left alone.
 */
export function planCloneStandby(cluster: Cluster, state: ClusterState, request: CloneRequest): Plan {
  const title = `make ${request.node.name} a standby of ${request.upstream}`;
  const found = state.nodes.find(({ node }) => node === request.node.name);
  const refuse = (refusals: readonly Problem[], unreachable = false): Plan => ({
    title,
    refusals,
    unreachable,
    steps: [],
  });
  if (found === undefined || found.is === 'unreachable') {
    const hint = found?.hint === undefined ? {} : { hint: found.hint };
    return refuse([{ message: found?.because ?? `${request.node.name}: was not looked at`, ...hint }], true);
  }
  switch (found.is) {
    case 'foreign':
      return refuse([notOurs(found)]);
    case 'mute':
      return planMute(found, request, title);
    case 'standby':
      if (isThere(found, request)) return planRunning(found, request, title);
      return planReplaced(cluster, state, found, request, title, otherUpstream(found, request));
    case 'primary':
      return planReplaced(cluster, state, found, request, title, isPrimary(found, request));
    case 'stopped':
      if (isMadeByUs(found, request)) return planStart(found, request, title);
      return planReplaced(cluster, state, found, request, title, isInTheWay(found, request));
    case 'empty':
      return planCopy(cluster, state, found, request, title, undefined);
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

type StandbyState = Extract<NodeState, { is: 'standby' }>;

function isThere(found: StandbyState, request: CloneRequest): boolean {
  const { source } = request;
  const same =
    typeof source === 'string' ||
    'problems' in source ||
    source.systemIdentifier === found.server.systemIdentifier;
  return same && leadsTo(found.conninfo, found.slot, request.link);
}

function planRunning(found: StandbyState, request: CloneRequest, title: string): Plan {
  const done = found.streaming?.status === 'streaming';
  return { title, refusals: [], steps: done ? [] : [proof(found, request, socketOf(found), false)] };
}

function planMute(found: Extract<NodeState, { is: 'mute' }>, request: CloneRequest, title: string): Plan {
  const ours = found.starting && hasOurLink(found, request);
  const message = `${found.node}: a server runs in ${found.place.pgdata} and does not answer: ${found.because}`;
  if (!ours) return { title, refusals: [{ message }], unreachable: true, steps: [] };
  const socket = futureSocket(found, portOf(request.node), found.place.socketDir ?? '/tmp');
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
  return { title, refusals: [], steps: [...steps, proof(found, request, socket, false)] };
}

type Obstacle = { problem: Problem; replaceable: boolean };

function otherUpstream(found: StandbyState, request: CloneRequest): Obstacle {
  const hint = `pgrepl follow ${found.node} --upstream ${request.upstream} moves it; --replace copies it anew and keeps the old directory`;
  return {
    problem: { message: `${found.node}: is a standby already, of another upstream or slot`, hint },
    replaceable: true,
  };
}

function isPrimary(found: Extract<NodeState, { is: 'primary' }>, request: CloneRequest): Obstacle {
  const { source } = request;
  const same =
    typeof source === 'object' &&
    'systemIdentifier' in source &&
    source.systemIdentifier === found.server.systemIdentifier;
  if (same) {
    const message = `${found.node}: takes writes, and is of the same cluster as ${request.upstream}: two primaries`;
    return {
      problem: {
        message,
        hint: `pgrepl status shows both; pgrepl rejoin ${found.node} makes a standby of it, once it is stopped`,
      },
      replaceable: false,
    };
  }
  const message = `${found.node}: a server runs in ${found.place.pgdata} and takes writes (system ${found.server.systemIdentifier})`;
  return {
    problem: { message, hint: 'With --replace it is stopped, and its directory is moved aside and kept.' },
    replaceable: true,
  };
}

function isInTheWay(found: Extract<NodeState, { is: 'stopped' }>, request: CloneRequest): Obstacle {
  const { source } = request;
  const id = found.control?.systemIdentifier;
  const same = typeof source === 'object' && 'systemIdentifier' in source && source.systemIdentifier === id;
  const what = same
    ? `a stopped server of this cluster`
    : `a data directory of another cluster (system ${id ?? 'unknown'})`;
  const hint = same
    ? `pgrepl rejoin ${found.node} makes a standby of it again; --replace copies anew and keeps the old directory`
    : 'With --replace it is moved aside and kept.';
  return { problem: { message: `${found.node}: ${found.place.pgdata} is ${what}`, hint }, replaceable: true };
}

function planReplaced(
  cluster: Cluster,
  state: ClusterState,
  found: Seen,
  request: CloneRequest,
  title: string,
  obstacle: Obstacle,
): Plan {
  if (!request.replace || !obstacle.replaceable) return { title, refusals: [obstacle.problem], steps: [] };
  return planCopy(cluster, state, found, request, title, asideOf(found, request));
}

function asideOf(found: Seen, request: CloneRequest): string {
  const { real, mountPoint, parentWritable } = found.place;
  return mountPoint || !parentWritable
    ? `${real}/.pgrepl-old-${request.stamp}`
    : `${real}.pgrepl-old-${request.stamp}`;
}

function planCopy(
  cluster: Cluster,
  state: ClusterState,
  found: Seen,
  request: CloneRequest,
  title: string,
  aside: string | undefined,
): Plan {
  const { source } = request;
  if (typeof source === 'string')
    return { title, refusals: [{ message: `${request.upstream}: was not asked` }], steps: [] };
  if ('problems' in source)
    return { title, refusals: source.problems, unreachable: source.unreachable, steps: [] };
  const gates = copyGates(cluster, state, found, request, source);
  const refusals = [...placeProblems(found), ...portProblem(found, request), ...gates.refusals];
  if (refusals.length > 0) return { title, refusals, steps: [] };
  const copy: Copy = { found, request, source, ...(aside === undefined ? {} : { aside }) };
  const made = copySteps(copy);
  const moves =
    aside === undefined
      ? []
      : [
          `move ${found.place.pgdata} of ${found.node} aside to ${aside}${isUp(found) ? ', after stopping its server' : ''}`,
        ];
  return {
    title,
    refusals: [],
    ...made,
    confirm: [...moves, ...gates.confirm],
    notes: [
      ...gates.notes,
      ...(aside === undefined ? [] : [`${found.node}: ${aside} is kept; remove it when nobody needs it`]),
    ],
  };
}

function portProblem(found: Seen, request: CloneRequest): readonly Problem[] {
  const port = portOf(request.node);
  const own = isUp(found) && found.server.port === port;
  if (own || !found.place.listening.includes(port)) return [];
  return [
    {
      message: `${found.node}: port ${port} is taken`,
      hint: 'Name another port with --port, or stop who listens there.',
    },
  ];
}
