import type { PrimaryState, StandbyState } from '../../facts/view.ts';
import type { Cluster } from '../../cluster/types.ts';
import { CONNINFO_BY_RELOAD, has } from '../../cluster/version.ts';
import { OUTAGE_MOST } from './handover.ts';
import type { Link } from '../link.ts';
import { linkTo, type Move } from '../move.ts';
import type { Up } from '../steps.ts';
import type { Cast } from './switchoverGates.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';

/** A swap that every gate has let through: who moves before the outage and who after it, and the old primary's link. */
export type Swap = {
  cluster: Cluster;
  request: SwitchoverRequest;
  primary: PrimaryState;
  candidate: StandbyState;
  early: readonly StandbyState[];
  late: readonly StandbyState[];
  link: Link;
};

export function swapOf(
  cluster: Cluster,
  { primary, candidate, siblings }: Cast,
  request: SwitchoverRequest,
): Swap {
  const early = siblings.filter(movesEarly);
  const late = siblings.filter((sibling) => !movesEarly(sibling));
  const link = linkFor(cluster, primary.node, candidate, request);
  return { cluster, request, primary, candidate, early, late, link };
}

/** From 13 on a reload moves a standby, before the outage. Before 13 it takes a restart, which waits for the promotion. */
function movesEarly({ server }: StandbyState): boolean {
  return has(server.version, CONNINFO_BY_RELOAD);
}

/** Seconds that a standby may take to connect again: it tries every wal_retrieve_retry_interval, 5 s by default. */
export const RETRY_MOST = 20;

/** The longest that writes may be impossible before everything is taken back. */
export function outageMost({ seconds }: SwitchoverRequest): number {
  return Math.min(seconds, OUTAGE_MOST);
}

export function moveOf(cluster: Cluster, name: string, upstream: string, request: SwitchoverRequest): Move {
  const node = cluster.nodes.find((each) => each.name === name);
  const to = cluster.nodes.find((each) => each.name === upstream);
  if (node === undefined || to === undefined) throw new Error(`${name} or ${upstream} is no node`);
  return {
    node,
    host: request.addressOf(to),
    role: request.role,
    lane: name,
    seconds: request.seconds,
    ...(request.password === undefined ? {} : { password: request.password }),
  };
}

export function linkFor(cluster: Cluster, name: string, upstream: Up, request: SwitchoverRequest): Link {
  return linkTo(upstream, moveOf(cluster, name, upstream.node, request));
}
