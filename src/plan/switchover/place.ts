import { has, RECOVERY_IN_SETTINGS } from '../../cluster/version.ts';
import { recoveryConf } from '../../render/recovery.ts';
import { conninfoOf, passfileSteps, settingSteps } from '../link.ts';
import { moveSteps, slotSteps } from '../move.ts';
import type { Step } from '../plan.ts';
import { signalFile } from '../signal.ts';
import { SERVER_SECONDS, socketOf, sql, write } from '../steps.ts';
import { moveOf, outageMost, type Swap } from './moving.ts';

/**
 * What has no effect yet: slots, the siblings at the candidate, the old primary's connection and signal for its next
 * start. A checkpoint while it still serves makes the stop short. What is asked and what is written go side by side.
 */
export function placeSteps({ cluster, request, primary, candidate, early, link }: Swap): readonly Step[] {
  const { node, place } = primary;
  const inSettings = has(primary.server.version, RECOVERY_IN_SETTINGS);
  const lane = { lane: node };
  const asked = { lane: `${node} by SQL` };
  const conninfo = conninfoOf(link, place.real, '', place.signals.includes('pgrepl.pgpass'));
  const settings = { primary_conninfo: conninfo, primary_slot_name: link.slot };
  return [
    ...early.flatMap((sibling) => {
      const move = moveOf(cluster, sibling.node, candidate.node, request);
      return moveSteps(sibling, candidate, { ...move, seconds: outageMost(request) });
    }),
    ...slotSteps(candidate, link.slot, candidate.node),
    ...passfileSteps(node, link, place.real, lane),
    ...(inSettings
      ? settingSteps(primary, settings, `at its next start it follows ${link.host}:${link.port}`, asked)
      : []),
    {
      ...sql(node, 'a checkpoint while it still serves', socketOf(primary), ['CHECKPOINT;'], asked),
      seconds: SERVER_SECONDS,
    },
    write(
      node,
      'at its next start it is a standby',
      `${place.real}/${signalFile(primary.server.version)}`,
      inSettings ? [''] : [recoveryConf(settings)],
      '0600',
      lane,
    ),
  ];
}
