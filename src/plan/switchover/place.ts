import type { PrimaryState } from '../../facts/view.ts';
import type { Cluster } from '../../cluster/types.ts';
import { has, RECOVERY_IN_SETTINGS } from '../../cluster/version.ts';
import { recoveryConf } from '../../render/recovery.ts';
import { conninfoOf, passfileSteps, settingSteps, type Link } from '../link.ts';
import { moveSteps, slotSteps } from '../move.ts';
import type { Step } from '../plan.ts';
import { SERVER_SECONDS, socketOf, sql, write, type Up } from '../steps.ts';
import type { Cast } from './switchoverGates.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';

import { outageMost, moveOf, movesEarly } from './moving.ts';

/**
 * What has no effect yet: slots, the siblings at the candidate, the old primary's connection and signal for its next
 * start. A checkpoint while it still serves makes the stop short. What is asked and what is written go side by side.
 */
export function placeSteps(
  cluster: Cluster,
  { primary, candidate, siblings }: Cast,
  link: Link,
  request: SwitchoverRequest,
): readonly Step[] {
  const { node, place } = primary;
  const lane = { lane: node };
  const asked = { lane: `${node} by SQL` };
  const conninfo = conninfoOf(link, place.real, '', place.signals.includes('pgrepl.pgpass'));
  const settings = { primary_conninfo: conninfo, primary_slot_name: link.slot };
  return [
    ...siblings.filter(movesEarly).flatMap((sibling) => {
      const move = moveOf(cluster, sibling.node, candidate.node, request);
      return moveSteps(sibling, candidate, { ...move, seconds: outageMost(request) });
    }),
    ...slotSteps(candidate, link.slot, candidate.node),
    ...passfileSteps(node, link, place.real, lane),
    ...(has(primary.server.version, RECOVERY_IN_SETTINGS)
      ? settingSteps(primary, settings, `at its next start it follows ${link.host}:${link.port}`, asked)
      : []),
    {
      ...sql(node, 'a checkpoint while it still serves', socketOf(primary), ['CHECKPOINT;'], asked),
      seconds: SERVER_SECONDS,
    },
    write(
      node,
      'at its next start it is a standby',
      `${place.real}/${signalOf(primary)}`,
      signalText(primary, link),
      '0600',
      lane,
    ),
  ];
}

export function signalOf({ server }: Up): string {
  return has(server.version, RECOVERY_IN_SETTINGS) ? 'standby.signal' : 'recovery.conf';
}

/** Read at the next start alone: from then on it can only come back as a standby (xlogrecovery.c). */
function signalText({ place, server }: PrimaryState, link: Link): readonly string[] {
  if (has(server.version, RECOVERY_IN_SETTINGS)) return [''];
  const conninfo = conninfoOf(link, place.real, '', place.signals.includes('pgrepl.pgpass'));
  return [recoveryConf({ primary_conninfo: conninfo, primary_slot_name: link.slot })];
}
