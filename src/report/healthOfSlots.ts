import type { Slot } from '../facts/state.ts';
import type { Finding } from './finding.ts';
import { broken, comesBack, COMMAND, warning } from './finding.ts';
import { humanBytes } from './terminal.ts';
import { ownerOf } from '../facts/slots.ts';
import { stateOf, type RunningState, type View } from '../facts/view.ts';

/** The segment that is being written is there anyway; a slot holds WAL back when it needs an older one. */
const SEGMENT = 16 * 1024 * 1024;

/** The slots of one server that keep WAL for nobody, or kept it not long enough. */
export function slotFindings(view: View, found: RunningState): Finding[] {
  return found.server.slots
    .filter((slot) => !slot.active)
    .flatMap((slot) => (slot.walStatus === 'lost' ? lost(view, found, slot) : idle(view, found, slot)));
}

function lost(view: View, found: RunningState, slot: Slot): Finding[] {
  const owner = ownerOf(view, found, slot);
  if (owner === undefined)
    return [broken(found.node, `slot "${slot.name}" is lost`, COMMAND.dropSlot(found.node, slot.name))];
  const there = stateOf(view.state, owner);
  // Of a standby that runs and waits for it the standby's own finding tells.
  if (there?.is === 'standby' && there.slot === slot.name) return [];
  const what = `slot "${slot.name}" is lost, WAL that ${owner} needs is gone`;
  return [broken(found.node, what, comesBack(owner))];
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

/** Flags name one server and not the others, so nobody knows whose slots they are. */
function isOrphan({ cluster }: View, slot: Slot): boolean {
  return cluster.file !== undefined && !cluster.nodes.some((node) => node.slot === slot.name);
}
