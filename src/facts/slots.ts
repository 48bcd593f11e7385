import type { Node } from '../cluster/types.ts';
import type { Slot } from './state.ts';
import { upstreamOf } from './upstream.ts';
import { isRunning, wantedUpstream, type RunningState, type View } from './view.ts';

/** The node that is to use a slot of this server; nobody, where it is no node's or its node streams from elsewhere. */
export function ownerOf(view: View, found: RunningState, slot: Slot): string | undefined {
  const { cluster, state } = view;
  const owner = cluster.nodes.find((node) => node.slot === slot.name && node.name !== found.node);
  if (owner === undefined) return undefined;
  const upstream = upstreamOf(cluster, state, owner.name) ?? wantedUpstream(view, owner);
  return upstream === found.node || (found.is === 'primary' && upstream === undefined)
    ? owner.name
    : undefined;
}

/**
 * The server that holds a node's slot where the slot is lost, as the server says: the node itself may be away. Every
 * cause of an invalidation is shown so, from 13 on (pg_get_replication_slots() in slotfuncs.c).
 */
export function lostAt(view: View, node: Node): string | undefined {
  return view.state.nodes
    .filter(isRunning)
    .find((found) =>
      found.server.slots.some(
        (slot) => slot.walStatus === 'lost' && ownerOf(view, found, slot) === node.name,
      ),
    )?.node;
}
