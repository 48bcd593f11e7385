import type { Cluster } from '../cluster/types.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { systemOf } from '../facts/view.ts';
import { leadsTo, writtenLink } from './link.ts';
import { isMoved, linkTo, moveSteps } from './move.ts';
import type { Step } from './plan.ts';
import { cleanSteps } from './promote.ts';
import { startOf } from './startOf.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';
import { ask, socketOf, sql } from './steps.ts';

type Primary = Extract<NodeState, { is: 'primary' }>;

/**
 * What is left to do when the node is the primary already: an earlier switchover was cut short after the
 * promotion. Its settings are cleaned, standbys that were pre-placed start, the others follow.
 */
export function settleSteps(
  cluster: Cluster,
  state: ClusterState,
  primary: Primary,
  request: SwitchoverRequest,
): readonly Step[] {
  return [
    ...cleanSteps(primary),
    ...state.nodes.flatMap((other) => standbySteps(cluster, state, primary, other, request)),
  ];
}

function standbySteps(
  cluster: Cluster,
  state: ClusterState,
  primary: Primary,
  other: NodeState,
  request: SwitchoverRequest,
): readonly Step[] {
  const node = cluster.nodes.find(({ name }) => name === other.node);
  const to = cluster.nodes.find(({ name }) => name === primary.node);
  if (node === undefined || to === undefined || systemOf(other) !== systemOf(primary)) return [];
  const move = {
    node,
    host: request.addressOf(to),
    role: request.role,
    lane: node.name,
    seconds: request.seconds,
    ...(request.password === undefined ? {} : { password: request.password }),
  };
  if (other.is === 'standby') {
    return [
      ...(isMoved(cluster, state, other, primary) ? moveSteps(other, primary, move) : []),
      ...staleSlots(cluster, other, primary),
    ];
  }
  if (other.is !== 'stopped' || !other.standby) return [];
  const { conninfo, slot } = writtenLink(other, other.version);
  if (!leadsTo(conninfo, slot, linkTo(primary, move))) return [];
  const started = startOf(other, node);
  return [
    ...started.steps,
    ask(
      other.node,
      `it streams from ${primary.node}`,
      started.socket,
      [`SELECT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming');`],
      't',
      request.seconds,
    ),
  ];
}

/** Slots that the new primary and its standbys used where they streamed from before. */
function staleSlots(
  cluster: Cluster,
  found: Extract<NodeState, { is: 'standby' }>,
  primary: Primary,
): readonly Step[] {
  const elsewhere = cluster.nodes.filter(
    ({ name }) =>
      name === primary.node ||
      primary.server.walsenders.some(({ applicationName }) => applicationName === name),
  );
  return found.server.slots
    .filter(
      ({ name, type, active }) =>
        type === 'physical' && !active && elsewhere.some(({ slot }) => slot === name),
    )
    .map(({ name }) =>
      sql(found.node, `drop the slot ${name}, which nobody uses here any more`, socketOf(found), [
        `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${name}' AND NOT active;`,
      ]),
    );
}
