import { has, RECOVERY_IN_SETTINGS, type ServerVersion } from '../cluster/version.ts';
import type { Place } from '../facts/state.ts';
import type { Step } from './plan.ts';
import { run } from './steps.ts';

/** Read at the next start alone: from then on it can only come back as a standby (xlogrecovery.c). */
export function signalFile(version: ServerVersion): string {
  return has(version, RECOVERY_IN_SETTINGS) ? 'standby.signal' : 'recovery.conf';
}

export function unmarkStep(node: string, place: Place, version: ServerVersion): Step {
  const path = `${place.real}/${signalFile(version)}`;
  return run(node, 'it is no standby at its next start', ['rm', '-f', '--', path]);
}
