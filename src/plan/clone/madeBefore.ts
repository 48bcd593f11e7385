import { namesAtPort } from '../../cluster/slot.ts';
import type { Node } from '../../cluster/types.ts';
import { ofMajor, RECOVERY_IN_SETTINGS } from '../../cluster/version.ts';
import type { NodeState } from '../../facts/state.ts';
import { writtenLink } from '../link.ts';
import { portAtStart } from '../startOf.ts';
import type { Seen } from '../steps.ts';

/**
 * The node as an earlier run named it whose command line said --port, where this one does not: the slot of a standby
 * that is there tells.
 */
export function asMadeBefore(node: Node, found: NodeState | undefined): Node {
  if (found?.is !== 'standby' && found?.is !== 'stopped' && found?.is !== 'mute') return node;
  const port = portAtStart(found, node);
  const names = namesAtPort(node.name, port);
  return slotOf(found) === names.slot ? { ...node, port, ...names } : node;
}

function slotOf(found: Seen): string {
  if (found.is === 'standby') return found.slot;
  const version = found.place.files.recovery === undefined ? RECOVERY_IN_SETTINGS : ofMajor(11);
  return writtenLink(found, version).slot;
}
