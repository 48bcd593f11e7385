import type { PrimaryState } from '../../facts/view.ts';
import { has, RECOVERY_IN_SETTINGS } from '../../cluster/version.ts';
import { dropStep } from '../dropSlots.ts';
import { passfileOf, settingSteps, type Link } from '../link.ts';
import { moveSteps } from '../move.ts';
import type { Step } from '../plan.ts';
import { unmarkStep } from '../signal.ts';
import { run, SERVER_SECONDS } from '../steps.ts';
import { OUTAGE_MOST, startAgain } from './handover.ts';
import { linkFor, moveOf, type Swap } from './moving.ts';
import { takesWrites } from './proofs.ts';

/** Seconds that an undo gives a stop that has begun before it forces it: nobody can write meanwhile. */
const UNDO_MOST = 3;

/** As before: the old primary serves, whatever it was stopped in, and the siblings stream from it again. */
export function undoSteps(swap: Swap): readonly Step[] {
  const { cluster, request, primary, early, link } = swap;
  const { node, place } = primary;
  return [
    unmarkStep(node, place, primary.server.version),
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
    ...dropMade(swap),
  ];
}

/** The slots that the swap made at the candidate. */
function dropMade({ cluster, request, candidate, early, link }: Swap): readonly Step[] {
  const slots = [link, ...early.map(({ node }) => linkFor(cluster, node, candidate, request))].map(
    ({ slot }) => slot,
  );
  const made = slots.filter((slot) => !candidate.server.slots.some(({ name }) => name === slot));
  if (made.length === 0) return [];
  const why = `drop the slot${made.length === 1 ? '' : 's'} ${made.join(' and ')} again`;
  return [dropStep(candidate, made, why)];
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
