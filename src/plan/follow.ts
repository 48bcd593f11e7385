import type { Cluster, Node } from '../cluster/types.ts';
import type { Problem } from '../errors.ts';
import { atLeast, laterOf, type Lsn } from '../facts/lsn.ts';
import type { ClusterState } from '../facts/state.ts';
import { upstreamOf } from '../facts/upstream.ts';
import { positionOf, stateOf, systemOf, timelineOf, type StandbyState } from '../facts/view.ts';
import type { Secret } from '../tools/words.ts';
import {
  attachedStep,
  floorGates,
  forgottenSlots,
  isAttached,
  slotFor,
  slotGates,
  walGates,
  type Wal,
} from './attach.ts';
import { divergenceOf, type History } from './divergence.ts';
import { letInSteps } from './letIn.ts';
import { leadsTo, passfileSteps, relinkSteps, type Link } from './link.ts';
import { linkTo } from './move.ts';
import type { Plan, Step } from './plan.ts';
import { isUp, type Up } from './steps.ts';

export type FollowRequest = {
  node: Node;
  upstream: Node;
  /** What the upstream is reached by. */
  host: string;
  role: string;
  /** The node's own addresses, for pg_hba.conf of the upstream. */
  allow?: readonly string[];
  password?: Secret;
  seconds: number;
  /** Its password file holds another password than the wanted one; what stands against a login with that. */
  stalePassword?: { problems: readonly Problem[] };
  /** What was asked outside of the planner; absent where it was not worth asking. */
  asked?: FollowAsked;
};

export type FollowAsked = {
  /** What stood against the login at the upstream, tried from the standby's host. */
  login: { problems: readonly Problem[]; unreachable: boolean };
  /** The upstream's history and oldest WAL, or why it did not tell. */
  wal: Wal | { said: string };
  /** The history of the standby's own timeline. */
  history: History;
  /** All that the standby received is replayed. */
  caughtUp: boolean;
};

/** Moves a standby to another upstream, after comparing what it has with the upstream's history. */
export function planFollow(cluster: Cluster, state: ClusterState, request: FollowRequest): Plan {
  const title = `move ${request.node.name} to ${request.upstream.name}`;
  const cast = castOf(cluster, state, request);
  if ('refusals' in cast) return { title, steps: [], ...cast };
  const { found, upstream, link } = cast;
  if (isThere(found, upstream, link)) {
    const problems = request.stalePassword?.problems ?? [];
    const passfile =
      request.stalePassword === undefined ? [] : passfileSteps(found.node, link, found.place.real);
    const forgotten = forgottenSlots(cluster, state, request.node, upstream.node);
    return { title, refusals: problems, steps: problems.length > 0 ? [] : [...passfile, ...forgotten] };
  }
  const asked = askedOf(request);
  if ('refusals' in asked) return { title, steps: [], ...asked };
  const refusals = [
    ...historyGates(found, upstream, asked),
    ...floorGates(found, upstream),
    ...slotGates(upstream, request.node),
    ...asked.login.problems,
  ];
  if (refusals.length > 0)
    return {
      title,
      refusals,
      unreachable: asked.login.unreachable && refusals.length === asked.login.problems.length,
      steps: [],
    };
  return { title, refusals: [], steps: stepsOf(cluster, state, cast, request) };
}

type Cast = { found: StandbyState; upstream: Up; link: Link };
type Refused = { refusals: readonly Problem[]; unreachable?: boolean };

/** The two servers, where they are what they must be; else why not. */
export function castOf(cluster: Cluster, state: ClusterState, request: FollowRequest): Cast | Refused {
  const found = stateOf(state, request.node.name);
  const upstream = stateOf(state, request.upstream.name);
  if (request.node.name === request.upstream.name)
    return refuse(`${request.node.name}: cannot follow itself`, 'Name another node with --upstream.');
  const problems = [standbyProblem(found, request), upstreamProblem(upstream, request)].filter(
    (each) => each !== undefined,
  );
  if (problems.length > 0)
    return {
      refusals: problems.map(({ problem }) => problem),
      unreachable: problems.every(({ unreachable }) => unreachable),
    };
  if (found?.is !== 'standby' || !isUp(upstream)) return { refusals: [] };
  const kinship = kinshipProblem(cluster, state, found, upstream);
  if (kinship !== undefined) return { refusals: [kinship] };
  return { found, upstream, link: linkTo(upstream, request) };
}

type Trouble = { problem: Problem; unreachable: boolean };

function refuse(message: string, hint: string): Refused {
  return { refusals: [{ message, hint }] };
}

function trouble(message: string, hint: string | undefined, unreachable = false): Trouble {
  return { problem: hint === undefined ? { message } : { message, hint }, unreachable };
}

function standbyProblem(
  found: ReturnType<typeof stateOf>,
  { node, upstream }: FollowRequest,
): Trouble | undefined {
  switch (found?.is) {
    case 'standby':
      return undefined;
    case undefined:
      return trouble(`${node.name}: was not looked at`, undefined, true);
    case 'unreachable':
      return trouble(found.because, found.hint, true);
    case 'mute':
      return trouble(`${node.name}: a server runs and does not answer: ${found.because}`, found.hint, true);
    case 'primary':
      return trouble(
        `${node.name}: is no standby: it takes writes`,
        `pgrepl switchover ${upstream.name} swaps the two; pgrepl rejoin ${node.name} brings back an old primary`,
      );
    case 'stopped':
      return trouble(
        `${node.name}: does not run`,
        `pgrepl rejoin ${node.name} starts it as a standby of the primary`,
      );
    case 'empty':
    case 'foreign':
      return trouble(
        `${node.name}: ${found.place.pgdata} is no data directory`,
        `pgrepl clone-standby ${node.name} --from ${upstream.name} makes a standby`,
      );
  }
}

function upstreamProblem(
  found: ReturnType<typeof stateOf>,
  { upstream }: FollowRequest,
): Trouble | undefined {
  if (isUp(found)) return undefined;
  if (found === undefined || found.is === 'unreachable')
    return trouble(found?.because ?? `${upstream.name}: was not looked at`, found?.hint, true);
  if (found.is === 'mute')
    return trouble(`${upstream.name}: a server runs and does not answer: ${found.because}`, found.hint, true);
  return trouble(`${upstream.name}: no server runs there`, 'Start it first, or name another upstream.');
}

function kinshipProblem(
  cluster: Cluster,
  state: ClusterState,
  found: StandbyState,
  upstream: Up,
): Problem | undefined {
  if (systemOf(found) !== systemOf(upstream)) {
    return {
      message: `${found.node}: is of the cluster ${systemOf(found) ?? '?'}, and ${upstream.node} is of ${systemOf(upstream) ?? '?'}`,
      hint: `pgrepl clone-standby ${found.node} --from ${upstream.node} --replace copies it anew and keeps the old directory`,
    };
  }
  const way = chainOf(cluster, state, upstream.node);
  if (!way.includes(found.node)) return undefined;
  return {
    message: `${upstream.node}: streams from ${found.node}${way[1] === found.node ? '' : `, by ${way.slice(1, way.indexOf(found.node)).join(' and ')}`}: they would wait for each other`,
    hint: `Move ${upstream.node} to another upstream first.`,
  };
}

/** The node, its upstream, the upstream of that, and so on. */
function chainOf(cluster: Cluster, state: ClusterState, name: string): readonly string[] {
  const chain: string[] = [];
  for (let at: string | undefined = name; at !== undefined && !chain.includes(at);) {
    chain.push(at);
    at = upstreamOf(cluster, state, at);
  }
  return chain;
}

/** Whether nothing is left to do: its connection leads there, and the upstream shows it. */
export function isThere(found: StandbyState, upstream: Up, link: Link): boolean {
  return leadsTo(found.conninfo, found.slot, link) && isAttached(upstream, link);
}

function askedOf(request: FollowRequest): (FollowAsked & { wal: Wal }) | Refused {
  const { asked } = request;
  if (asked === undefined) return refuse(`${request.upstream.name}: was not asked`, 'This is a bug.');
  const { wal } = asked;
  if ('said' in wal)
    return refuse(
      `${request.upstream.name}: does not tell its history: ${wal.said}`,
      'It is read as a superuser.',
    );
  return { ...asked, wal };
}

function historyGates(
  found: StandbyState,
  upstream: Up,
  asked: FollowAsked & { wal: Wal },
): readonly Problem[] {
  const end = endOf(found, asked.caughtUp);
  const hint = `pgrepl rejoin ${found.node} rewinds it to the primary`;
  const divergence = divergenceOf(
    { history: asked.history, ...(end === undefined ? {} : { end }) },
    asked.wal.history,
  );
  switch (divergence.is) {
    case 'stranger':
      return [{ message: `${found.node}: has no timeline in common with ${upstream.node}`, hint }];
    case 'diverged':
    case 'unknown':
      return [
        {
          message: `${found.node}: has WAL of timeline ${timelineOf(found) ?? '?'} up to ${end ?? 'an unknown position'}, and ${upstream.node} left timeline ${divergence.timeline} at ${divergence.from}: it is ahead`,
          hint,
        },
      ];
    case 'same timeline':
    case 'none':
      if (end === undefined) return [];
      return [
        ...behindGates(found, upstream, end),
        ...walGates(found, upstream, asked.wal, found.replayed ?? end),
      ];
  }
}

/** A standby that streams itself will catch up; one that does not may never have what is asked of it. */
function behindGates(found: StandbyState, upstream: Up, end: Lsn): readonly Problem[] {
  const has = positionOf(upstream);
  const catchesUp = upstream.is === 'primary' || upstream.streaming?.status === 'streaming';
  if (catchesUp || has === undefined || atLeast(has, end)) return [];
  return [
    {
      message: `${found.node}: has WAL up to ${end}, and ${upstream.node} up to ${has} and gets no more: it is ahead`,
      hint: `Bring ${upstream.node} to stream first, or name another upstream.`,
    },
  ];
}

/** Of what was received and not replayed, a last record that is not whole does not count. */
export function endOf(found: StandbyState, caughtUp: boolean): Lsn | undefined {
  const { received, replayed } = found;
  if (received === undefined || replayed === undefined) return replayed ?? received;
  return caughtUp ? replayed : laterOf(received, replayed);
}

function stepsOf(
  cluster: Cluster,
  state: ClusterState,
  { found, upstream, link }: Cast,
  request: FollowRequest,
): readonly Step[] {
  const relink = leadsTo(found.conninfo, found.slot, link) ? [] : relinkSteps(found, link);
  return [
    ...letInSteps(upstream, request.role, request.allow ?? []),
    ...slotFor(upstream, link),
    ...relink,
    attachedStep(found.node, upstream, link, request.seconds),
    ...forgottenSlots(cluster, state, request.node, upstream.node),
  ];
}
