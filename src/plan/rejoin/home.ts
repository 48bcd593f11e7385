import type { Cluster } from '../../cluster/types.ts';
import type { ClusterState } from '../../facts/state.ts';
import { stateOf, type PrimaryState, type StandbyState } from '../../facts/view.ts';
import { forgottenSlots, streamsFrom } from '../attach.ts';
import { dropStep } from '../dropSlots.ts';
import type { Plan } from '../plan.ts';
import { isUp, type Seen } from '../steps.ts';
import type { RejoinRequest } from './request.ts';

/** Whether it streams already from the primary, or from standbys that do: nothing more need be asked. */
export function isHome(
  cluster: Cluster,
  state: ClusterState,
  found: Seen,
  primary: PrimaryState,
): found is StandbyState {
  return (
    found.is === 'standby' &&
    found.streaming?.status === 'streaming' &&
    streamsFrom(cluster, state, found.node, primary.node)
  );
}

/** Slots of a past life hold WAL on it that nobody fetches; those whose use is not known are named. */
export function planHome(
  cluster: Cluster,
  state: ClusterState,
  found: StandbyState,
  primary: PrimaryState,
  request: RejoinRequest,
  title: string,
): Plan {
  const idle = found.server.slots.filter(({ type, active }) => type === 'physical' && !active);
  const stale = idle.filter(({ name }) => isStale(cluster, state, found, primary, name));
  const steps = [
    ...stale.map(({ name }) =>
      dropStep(found, [name], `drop the slot ${name}, which nobody uses here any more`),
    ),
    ...forgottenSlots(cluster, state, request.node, upstreamName(state, found, primary)),
  ];
  const notes = idle
    .filter((slot) => !stale.includes(slot))
    .map(
      ({ name, held }) =>
        `${found.node}: the slot ${name} is not in use and holds ${held} bytes of WAL; pgrepl slot drop ${found.node} ${name} if nobody needs it`,
    );
  return { title, refusals: [], steps, notes };
}

function upstreamName(state: ClusterState, found: StandbyState, primary: PrimaryState): string {
  const there = state.nodes.find(
    (other) =>
      isUp(other) && other.server.walsenders.some(({ applicationName }) => applicationName === found.node),
  );
  return there?.node ?? primary.node;
}

/** The slot of a node that is the primary now, or that streams from elsewhere. */
function isStale(
  cluster: Cluster,
  state: ClusterState,
  found: StandbyState,
  primary: PrimaryState,
  slot: string,
): boolean {
  return cluster.nodes.some((node) => {
    if (node.slot !== slot || node.name === found.node) return false;
    if (node.name === primary.node) return true;
    const other = stateOf(state, node.name);
    return (
      other?.is === 'standby' &&
      other.streaming?.status === 'streaming' &&
      !found.server.walsenders.some(({ applicationName }) => applicationName === node.name)
    );
  });
}
