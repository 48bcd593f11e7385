import type { Node } from '../cluster/types.ts';
import { has, RECOVERY_IN_SETTINGS } from '../cluster/version.ts';
import { placedUpstream } from '../facts/upstream.ts';
import { stateOf, type PrimaryState, type View } from '../facts/view.ts';
import { COMMAND } from './finding.ts';
import { ownersCommand } from './serviceCommand.ts';

/**
 * What a primary's data directory holds that decides its next start, and does nothing before: standby.signal makes it
 * a standby, recovery.signal has it recover from an archive (readRecoverySignalFile() in xlogrecovery.c); up to 11
 * recovery.conf does either, from 12 on the server refuses to start with one. A switchover places the first itself.
 */
export function leftSignal(
  view: View,
  node: Node,
  found: PrimaryState,
): { what: string; hint: string; ofSwitchover: boolean } | undefined {
  const left = fileOf(found);
  if (left === undefined) return undefined;
  const candidate = left.standby ? candidateOf(view, found) : undefined;
  if (candidate !== undefined) {
    return {
      what: `is placed to come back as a standby of ${candidate}: a switchover to it runs, or was cut short`,
      hint: `${COMMAND.switchover(candidate)} goes on with it, ${COMMAND.switchover(node.name)} takes it back.`,
      ofSwitchover: true,
    };
  }
  const remove = ownersCommand(node, found.machine, ['rm', '--', `${found.place.pgdata}/${left.file}`]);
  return {
    what: `${left.file} lies in the data directory of a primary: at its next start it ${left.then}`,
    hint: `Take it away: ${remove}.`,
    ofSwitchover: false,
  };
}

type Left = { file: string; then: string; standby: boolean };

function fileOf({ place, server }: PrimaryState): Left | undefined {
  const inSettings = has(server.version, RECOVERY_IN_SETTINGS);
  if (place.files.recovery !== undefined)
    return {
      file: 'recovery.conf',
      then: inSettings ? 'does not start' : 'is a standby, or recovers from an archive',
      standby: !inSettings,
    };
  if (place.signals.includes('standby.signal'))
    return { file: 'standby.signal', then: 'is a standby', standby: true };
  if (place.signals.includes('recovery.signal'))
    return { file: 'recovery.signal', then: 'recovers from an archive', standby: false };
  return undefined;
}

/** The standby that the old primary was to follow. */
function candidateOf({ cluster, state }: View, found: PrimaryState): string | undefined {
  if (cluster.file === undefined) return undefined;
  const named = placedUpstream(cluster, state, found.node, found.place.files);
  return named !== undefined && stateOf(state, named)?.is === 'standby' ? named : undefined;
}
