import type { Cluster } from '../../cluster/types.ts';
import type { ClusterState } from '../../facts/state.ts';
import { primariesOf, stateOf, systemOf, type PrimaryState } from '../../facts/view.ts';
import { notOurs } from '../notOurs.ts';
import type { Link } from '../link.ts';
import { refuse, unseen, type Refused } from '../refusal.ts';
import { linkTo } from '../move.ts';
import type { Seen } from '../steps.ts';
import type { RejoinRequest } from './request.ts';

export type Cast = { found: Seen; primary: PrimaryState; link: Link };
/** The node, and the primary it is to follow: the only one of its cluster, whatever the file says. */
export function castOf(cluster: Cluster, state: ClusterState, request: RejoinRequest): Cast | Refused {
  const { node } = request;
  const found = stateOf(state, node.name);
  if (found === undefined || found.is === 'unreachable') return unseen(found, node.name);
  if (found.is === 'foreign') return { refusals: [notOurs(found)] };
  const primary = primaryFor(state, found);
  if ('refusals' in primary) return primary;
  const upstream = cluster.nodes.find(({ name }) => name === primary.node);
  if (upstream === undefined) return refuse(`${primary.node}: is no node of the cluster`);
  const link = linkTo(primary, { ...request, host: request.addressOf(upstream) });
  return { found, primary, link };
}

function primaryFor(state: ClusterState, found: Seen): PrimaryState | Refused {
  const others = primariesOf(state).filter(({ node }) => node !== found.node);
  const system = systemOf(found);
  const kin = system === undefined ? others : others.filter((other) => systemOf(other) === system);
  const [first, second] = kin;
  if (first === undefined) return noPrimary(state, found, others[0], system);
  if (second !== undefined)
    return refuse(
      `${kin.map(({ node }) => node).join(' and ')}: both take writes, and belong to one cluster`,
      `Stop the wrong one and rejoin it; then rejoin ${found.node}.`,
    );
  if (found.is === 'primary' && found.server.timeline > first.server.timeline)
    return refuse(
      `${found.node}: was promoted after ${first.node} (timeline ${found.server.timeline}, and ${first.node} is on ${first.server.timeline}): both take writes`,
      `pgrepl rejoin ${first.node} keeps what ${found.node} has; if ${first.node} is the right one, stop ${found.node} first.`,
    );
  return first;
}

function noPrimary(
  state: ClusterState,
  found: Seen,
  stranger: PrimaryState | undefined,
  system: string | undefined,
): Refused {
  if (found.is === 'primary' && stranger === undefined)
    return refuse(
      `${found.node}: is the primary, and there is no other: nothing to rejoin`,
      'pgrepl status shows the cluster.',
    );
  if (stranger !== undefined)
    return refuse(
      `${found.node}: is of another cluster (system ${system ?? '?'}) than ${stranger.node} (system ${systemOf(stranger) ?? '?'})`,
      `pgrepl clone-standby ${found.node} --from ${stranger.node} --replace copies it anew and keeps the old directory`,
    );
  const unseen = state.nodes.filter((other) => other.is === 'unreachable' || other.is === 'mute');
  const names = unseen.filter(({ node }) => node !== found.node).map(({ node }) => node);
  if (names.length > 0)
    return refuse(
      `${found.node}: no primary is seen that it could follow, and ${names.join(', ')} cannot be looked at`,
      'pgrepl status tells why.',
      true,
    );
  return refuse(
    `${found.node}: there is no primary that it could follow`,
    'pgrepl promote makes a standby the primary.',
  );
}
