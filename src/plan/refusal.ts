import type { Problem } from '../errors.ts';
import type { NodeState } from '../facts/state.ts';

/** Why nothing is planned; `unreachable` where only somebody who does not answer could tell whether it may be. */
export type Refused = { refusals: readonly Problem[]; unreachable?: boolean };

export function refuse(message: string, hint?: string, unreachable = false): Refused {
  return { refusals: [hint === undefined ? { message } : { message, hint }], unreachable };
}

/** Of a node that nothing is known of. */
export function unseen(found: Extract<NodeState, { is: 'unreachable' }> | undefined, name: string): Refused {
  return refuse(found?.because ?? `${name}: was not looked at`, found?.hint, true);
}
