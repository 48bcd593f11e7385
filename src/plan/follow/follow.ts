import type { Cluster } from '../../cluster/types.ts';
import type { ClusterState } from '../../facts/state.ts';
import type { StandbyState } from '../../facts/view.ts';
import {
  attachedStep,
  floorGates,
  forgottenSlots,
  isAttached,
  slotFor,
  slotGates,
  type Wal,
} from '../attach.ts';
import { letInSteps } from '../letIn.ts';
import { isLinked, leadsTo, newPasswordSteps, passfileSteps, relinkSteps, type Link } from '../link.ts';
import type { Plan, Step } from '../plan.ts';
import type { Up } from '../steps.ts';
import type { FollowRequest, FollowAsked } from './request.ts';
import { refuse, type Refused } from '../refusal.ts';
import { castOf, type Cast } from './cast.ts';
import { historyGates } from './gates.ts';

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

function stepsOf(
  cluster: Cluster,
  state: ClusterState,
  { found, upstream, link }: Cast,
  request: FollowRequest,
): readonly Step[] {
  // The connection leads there and does not come up: its password may be what is missing.
  const relink = isLinked(found, upstream, link) ? newPasswordSteps(found, link) : relinkSteps(found, link);
  return [
    ...letInSteps(upstream, request.role, request.allow ?? []),
    ...slotFor(upstream, link),
    ...relink,
    attachedStep(found.node, upstream, link, request.seconds),
    ...forgottenSlots(cluster, state, request.node, upstream.node),
  ];
}
