import type { Cluster, Node } from '../cluster/types.ts';
import { bytesOf } from '../facts/lsn.ts';
import type { ClusterState } from '../facts/state.ts';
import { upstreamOf } from '../facts/upstream.ts';
import { positionOf, systemOf, type StandbyState } from '../facts/view.ts';
import { nameAtUpstream } from '../render/names.ts';
import { sqlLiteral, type Secret } from '../tools/words.ts';
import { isLinked, relinkSteps, type Link } from './link.ts';
import { streamingStep } from './streaming.ts';
import type { Step } from './plan.ts';
import { inLane, socketOf, sql, type Up } from './steps.ts';

/**
 * Whether a standby is to follow the new primary: it is of the same cluster, is not ahead of it, and does not
 * stream from a standby that lives: a cascade keeps its tree.
 */
export function isMoved(cluster: Cluster, state: ClusterState, standby: StandbyState, upstream: Up): boolean {
  if (systemOf(standby) !== systemOf(upstream)) return false;
  const [theirs, mine] = [positionOf(standby), positionOf(upstream)];
  if (theirs !== undefined && mine !== undefined && bytesOf(theirs) > bytesOf(mine)) return false;
  const from = upstreamOf(cluster, state, standby.node);
  if (from === upstream.node) return false;
  return state.nodes.find(({ node }) => node === from)?.is !== 'standby';
}

export type Move = {
  node: Node;
  host: string;
  role: string;
  password?: Secret;
  lane?: string;
  /** Set the connection even if it leads there already: it will not, by then. */
  anyway?: boolean;
  seconds: number;
};

export function linkTo(upstream: Up, move: Move): Link {
  return {
    host: move.host,
    port: upstream.server.port,
    role: move.role,
    applicationName: nameAtUpstream(move.node),
    slot: move.node.slot,
    ...(move.password === undefined ? {} : { password: move.password }),
  };
}

/** A slot for it at the new upstream, its connection, and the proof that it streams from there. */
export function moveSteps(standby: StandbyState, upstream: Up, move: Move): readonly Step[] {
  const link = linkTo(upstream, move);
  const lane = move.lane === undefined ? {} : { lane: move.lane };
  const relink =
    move.anyway !== true && isLinked(standby, upstream, link) ? [] : relinkSteps(standby, link, move.lane);
  return [
    ...slotSteps(upstream, link.slot, move.lane),
    ...relink.map((step) => ({ ...step, ...lane })),
    streamingStep(
      standby.node,
      `it streams from ${upstream.node}`,
      socketOf(standby),
      {
        host: link.host,
        port: link.port,
        slot: link.slot,
        lsn: standby.replayed ?? '0/0',
        past: false,
        version: standby.server.version,
        seconds: move.seconds,
      },
      move.lane,
    ),
  ];
}

/** The slot of a standby at its new upstream, reserved at once: what comes from now on is kept for it. */
export function slotSteps(upstream: Up, slot: string, lane?: string): readonly Step[] {
  if (upstream.server.slots.some(({ name }) => name === slot)) return [];
  const name = sqlLiteral(slot);
  const text = `SELECT pg_create_physical_replication_slot(${name}, true) WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${name});`;
  return [sql(upstream.node, `a slot for ${slot}`, socketOf(upstream), [text], inLane(lane))];
}
