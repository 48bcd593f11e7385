import type { Cluster } from '../../cluster/types.ts';
import type { Problem } from '../../errors.ts';
import type { ClusterState } from '../../facts/state.ts';
import { upstreamOf } from '../../facts/upstream.ts';
import { stateOf, systemOf, type StandbyState } from '../../facts/view.ts';
import type { Link } from '../link.ts';
import { refuse, type Refused } from '../refusal.ts';
import { linkTo } from '../move.ts';
import { isUp, type Up } from '../steps.ts';
import type { FollowRequest } from './request.ts';

export type Cast = { found: StandbyState; upstream: Up; link: Link };
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
