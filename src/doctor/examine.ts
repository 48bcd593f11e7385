import { stateOf, viewOf } from '../facts/view.ts';
import type { Cluster } from '../cluster/types.ts';
import type { ClusterState } from '../facts/state.ts';
import type { Check, Examiner, Extra } from './check.ts';
import { directory, reachable, room, sameSystem, startsAgain } from './host.ts';
import { floors, logins } from './pairs.ts';
import { letsIn } from './letsIn.ts';
import { passfile } from './passfile.ts';
import { collation, sameMajor, tools } from './software.ts';
import { replays, slotThere } from './standby.ts';
import { archiver, backupRuns, hasRoom, restored, syncNames } from './server.ts';
import { configuration } from './configuration.ts';
import { freeSenders, publishes, settings } from './settings.ts';
import { role } from './role.ts';

/** In the order a person would look. */
const EXAMINERS: readonly Examiner[] = [
  ...[reachable, tools, sameMajor, sameSystem, directory, room, startsAgain, collation],
  ...[settings, publishes, configuration, freeSenders, floors, role, letsIn, logins, passfile],
  ...[hasRoom, slotThere, replays, syncNames, archiver, backupRuns, restored],
];

/** Every precondition of every verb, node by node. */
export function examine(cluster: Cluster, state: ClusterState, extra: Extra): readonly Check[] {
  const { primary } = viewOf(cluster, state);
  return cluster.nodes.flatMap((node) => {
    const found = stateOf(state, node.name);
    if (found === undefined) return [];
    return EXAMINERS.flatMap((examiner) => examiner({ cluster, state, primary, extra }, node, found));
  });
}
