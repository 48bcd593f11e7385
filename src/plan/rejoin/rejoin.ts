import type { Cluster } from '../../cluster/types.ts';
import type { ClusterState } from '../../facts/state.ts';
import type { Plan } from '../plan.ts';
import type { RejoinRequest } from './request.ts';
import { refuse, type Refused } from '../refusal.ts';
import { castOf, type Cast } from './cast.ts';
import { isHome, planHome } from './home.ts';
import type { Asked } from './rung.ts';
import { planLadder } from './ladder.ts';

/**
 * Makes an old primary, or a failed standby, a standby of the current primary, by the first of these that is safe:
 * nothing at all, a start, pg_rewind, and, where that is allowed, a new copy. Why the others will not do is in its
 * notes.
 */
export function planRejoin(cluster: Cluster, state: ClusterState, request: RejoinRequest): Plan {
  const cast = castOf(cluster, state, request);
  const title = `make ${request.node.name} a standby again`;
  if ('refusals' in cast) return { title, steps: [], ...cast };
  const { found, primary } = cast;
  const named = `make ${found.node} a standby of ${primary.node} again`;
  if (isHome(cluster, state, found, primary)) return planHome(cluster, state, found, primary, request, named);
  const asked = askedOf(cast, request);
  if ('refusals' in asked) return { title: named, steps: [], ...asked };
  return planLadder({ ...cast, ...asked, request }, named);
}

function askedOf({ found, primary }: Cast, { asked }: RejoinRequest): Asked | Refused {
  if (asked === undefined) return refuse(`${primary.node}: was not asked`, 'This is a bug.');
  const { wal, source, past } = asked;
  if (past.busy)
    return refuse(
      `${found.node}: a pg_rewind of an earlier run still works on it`,
      'Wait until it has ended, then run this again.',
    );
  if ('said' in wal)
    return refuse(`${primary.node}: does not tell its history: ${wal.said}`, 'It is read as a superuser.');
  if (typeof source === 'object' && 'problems' in source)
    return { refusals: source.problems, unreachable: source.unreachable };
  return { ...asked, wal };
}
