import type { NodeState } from './state.ts';

export type MuteState = Extract<NodeState, { is: 'mute' }>;

export function isStarting(found: NodeState | undefined): found is MuteState {
  return found?.is === 'mute' && found.starting;
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
