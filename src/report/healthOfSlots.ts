import type { Slot } from '../facts/state.ts';
import type { Finding } from './finding.ts';
import { broken, COMMAND, warning } from './finding.ts';
import { humanBytes } from './terminal.ts';
import { upstreamOf } from '../facts/upstream.ts';
import type { RunningState, View } from '../facts/view.ts';

/** The segment that is being written is there anyway; a slot holds WAL back when it needs an older one. */
const SEGMENT = 16 * 1024 * 1024;

/** The slots of one server that keep WAL for nobody, or kept it not long enough. */
export function slotFindings(view: View, found: RunningState): Finding[] {
  return found.server.slots
    .filter((slot) => !slot.active)
    .flatMap((slot) => (slot.walStatus === 'lost' ? lost(view, found, slot) : idle(view, found, slot)));
}

function lost(view: View, found: RunningState, slot: Slot): Finding[] {
  // Of a standby that waits for it the standby's own finding tells.
  if (ownerOf(view, found, slot) !== undefined) return [];
  return [broken(found.node, `slot "${slot.name}" is lost`, COMMAND.dropSlot(found.node, slot.name))];
}

function idle(view: View, found: RunningState, slot: Slot): Finding[] {
  const orphan = slot.type === 'physical' && isOrphan(view, slot);
  if (!orphan && slot.held < SEGMENT) return [];
  const whose = orphan ? 'belongs to no node of the cluster' : 'is inactive';
  const holds = slot.held < SEGMENT ? '' : ` and holds ${humanBytes(slot.held)} of WAL`;
  const left =
    slot.safeBytes === undefined || slot.held < SEGMENT
      ? ''
      : `, lost after ${humanBytes(slot.safeBytes)} more`;
  return [warning(found.node, `slot "${slot.name}" ${whose}${holds}${left}`, hintFor(view, found, slot))];
}

function hintFor(view: View, found: RunningState, slot: Slot): string {
  const drop = COMMAND.dropSlot(found.node, slot.name);
  const owner = ownerOf(view, found, slot);
  return owner === undefined ? drop : `Bring ${owner} back; if it is gone for good, ${drop}.`;
}

/** The node that is to use the slot here. */
function ownerOf({ cluster, state }: View, found: RunningState, slot: Slot): string | undefined {
  const owner = cluster.nodes.find((node) => node.slot === slot.name && node.name !== found.node);
  if (owner === undefined) return undefined;
  const upstream = upstreamOf(cluster, state, owner.name) ?? owner.upstream;
  return upstream === found.node || (found.is === 'primary' && upstream === undefined)
    ? owner.name
    : undefined;
}

/** Flags name one server and not the others, so nobody knows whose slots they are. */
function isOrphan({ cluster }: View, slot: Slot): boolean {
  return cluster.file !== undefined && !cluster.nodes.some((node) => node.slot === slot.name);
}
