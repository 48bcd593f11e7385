import type { NodeState } from './state.ts';

export type MuteState = Extract<NodeState, { is: 'mute' }>;

export function isStarting(found: NodeState | undefined): found is MuteState {
  return found?.is === 'mute' && found.starting;
}

/** A server that does not answer yet, and whose files make it a standby, takes no writes. */
export function standsBy({ place }: MuteState): boolean {
  return place.signals.includes('standby.signal') || place.files.recovery !== undefined;
}

/** It lets nobody of ours in, and is no standby: it takes writes of others, as far as anybody can tell. */
export function mayWrite(found: NodeState | undefined): found is MuteState {
  return found?.is === 'mute' && found.serves === true && !standsBy(found);
}

/** What is known of a server that starts: how far it is, else what it says. */
export function progressOf(found: MuteState): string {
  return recoveryOf(found) ?? found.because.replace(/^.*FATAL: +/, '');
}

/** How far its recovery is, where its startup process shows it. */
export function recoveryOf({ recovering }: MuteState): string | undefined {
  if (recovering === undefined) return undefined;
  const { segment, left } = recovering;
  const rest =
    left === 0 ? 'no later segment is there' : `at most ${left} more ${left === 1 ? 'is' : 'are'} left`;
  return `its recovery is at segment ${segment}, and ${rest}`;
}
