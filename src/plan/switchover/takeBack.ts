import type { PrimaryState } from '../../facts/view.ts';
import type { Cluster } from '../../cluster/types.ts';
import { has, RECOVERY_IN_SETTINGS } from '../../cluster/version.ts';
import { OUTAGE_MOST, startAgain } from './handover.ts';
import { passfileOf, settingSteps, type Link } from '../link.ts';
import { moveSteps } from '../move.ts';
import type { Step } from '../plan.ts';
import { run, SERVER_SECONDS } from '../steps.ts';
import type { Cast } from './switchoverGates.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';

import { moveOf, linkFor, movesEarly } from './moving.ts';
import { signalOf } from './place.ts';
import { takesWrites } from './proofs.ts';
import { dropStep } from '../dropSlots.ts';

/** Seconds that a stop which was begun may go on before an undo ends it: nobody can write meanwhile. */
const UNDO_MOST = 3;

/** As before: the old primary serves, whatever it was stopped in, and the siblings stream from it again. */
export function undoSteps(
  cluster: Cluster,
  { primary, candidate, siblings }: Cast,
  link: Link,
  request: SwitchoverRequest,
): readonly Step[] {
  const { node, place } = primary;
  const early = siblings.filter(movesEarly);
  const made = [
    link.slot,
    ...early.map((sibling) => linkFor(cluster, sibling.node, candidate, request).slot),
  ].filter((slot) => !candidate.server.slots.some(({ name }) => name === slot));
  return [
    run(node, 'it is no standby at its next start', ['rm', '-f', '--', `${place.real}/${signalOf(primary)}`]),
    ...startAgain(primary, `${node} runs`, UNDO_MOST),
    takesWrites(primary, SERVER_SECONDS),
    ...forgetLink(primary, link),
    ...early.flatMap((sibling) =>
      moveSteps(sibling, primary, {
        ...moveOf(cluster, sibling.node, node, request),
        anyway: true,
        seconds: OUTAGE_MOST,
      }),
    ),
    ...(made.length === 0
      ? []
      : [
          dropStep(
            candidate,
            made,
            `drop the slot${made.length === 1 ? '' : 's'} ${made.join(' and ')} again`,
          ),
        ]),
  ];
}

/** What was placed for its life as a standby, taken back. */
function forgetLink(primary: PrimaryState, link: Link): readonly Step[] {
  const { node, place, server } = primary;
  const file = passfileOf(place.real);
  return [
    ...(has(server.version, RECOVERY_IN_SETTINGS)
      ? settingSteps(
          primary,
          { primary_conninfo: null, primary_slot_name: null },
          'nothing of a standby stays in its settings',
        )
      : []),
    ...(link.password === undefined || place.signals.includes('pgrepl.pgpass')
      ? []
      : [run(node, 'the password goes', ['rm', '-f', '--', file])]),
  ];
}
