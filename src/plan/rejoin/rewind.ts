import { has, RECOVERY_IN_SETTINGS } from '../../cluster/version.ts';
import { RECOVER } from '../../tools/recover.ts';
import { OWN_AGAIN, REWOUND, UNKEEP } from '../../tools/rewind.ts';
import { REWIND_AGAIN } from '../../tools/rewindAgain.ts';
import { start, stop } from '../../tools/service.ts';
import { script } from '../../tools/shell.ts';
import { attachedStep, slotFor } from '../attach.ts';
import { segmentName, segmentOf } from '../divergence.ts';
import { dropStep } from '../dropSlots.ts';
import { linkFiles, writtenLink } from '../link.ts';
import type { Plan, Step } from '../plan.ts';
import { isUp, run, service, socketOf, sql, write, type Seen } from '../steps.ts';
import type { NodePast } from './past.ts';
import { workingDirectory, keptDirectory } from './rewindPlaces.ts';
import { needsRecovery, versionOf, signalOf, outsideConf, logDirectory, type Rewind } from './rewindCase.ts';
import { keepStep } from './keepStep.ts';
import { rewindStep } from './rewindStep.ts';

/** The server is stopped, what is kept is kept, pg_rewind runs, and the node is itself again: a standby. */
export function rewindPlan(input: Rewind): Pick<Plan, 'steps' | 'undo' | 'pointOfNoReturn'> {
  if (input.past.rewinding === 'done')
    return { steps: [...slotFor(input.primary, input.link), ...afterSteps(input)] };
  const before = [...slotFor(input.primary, input.link), ...checkpointSteps(input)];
  if (input.past.rewinding === 'begun') {
    const { fork, wal } = input;
    const at = segmentName(fork.timeline, segmentOf(fork.from, wal.segmentBytes), wal.segmentBytes);
    const again = run(
      input.found.node,
      'its WAL and pg_control as they were before the rewind that was cut short',
      script(
        REWIND_AGAIN,
        'again',
        workingDirectory(input.found.place),
        input.found.place.real,
        at,
        fork.from,
      ),
      { seconds: 3600 },
    );
    return { steps: [...before, again, rewindStep(input), ...afterSteps(input)] };
  }
  const own = [...stopSteps(input), ...recoverSteps(input), keepStep(input)];
  const steps = [...sideBySide(before, own, input), rewindStep(input)];
  // A primary that was stopped stays so: two of them would be worse than one that is down.
  return input.found.is === 'primary'
    ? { steps: [...steps, ...afterSteps(input)] }
    : { steps: [...steps, ...afterSteps(input)], undo: undoSteps(input), pointOfNoReturn: steps.length };
}

/** What the primary does, and what the node does where it is down already: neither waits for the other. */
function sideBySide(
  before: readonly Step[],
  own: readonly Step[],
  { found, primary }: Rewind,
): readonly Step[] {
  if (isUp(found)) return [...before, ...own];
  return [
    ...before.map((step) => ({ ...step, lane: primary.node })),
    ...own.map((step) => ({ ...step, lane: found.node })),
  ];
}

/** pg_rewind takes the source's timeline from its last checkpoint: one that was just promoted has none yet. */
function checkpointSteps({ primary }: Rewind): readonly Step[] {
  return [
    sql(primary.node, 'a checkpoint, so that its timeline can be seen', socketOf(primary), ['CHECKPOINT;']),
  ];
}

/** With the signal in place first, it cannot come back as a primary whatever happens to us. */
function stopSteps({ found }: Rewind): readonly Step[] {
  if (!isUp(found)) return [];
  const signal =
    found.is === 'primary' && has(found.server.version, RECOVERY_IN_SETTINGS)
      ? [
          write(
            found.node,
            'it cannot come back as a primary',
            `${found.place.real}/standby.signal`,
            [''],
            '0600',
          ),
        ]
      : [];
  return [...signal, service(found.node, 'stop it', stop(found.machine, found.place))];
}

/** A server that crashed has no end that pg_rewind could start from. */
function recoverSteps({ found }: Rewind): readonly Step[] {
  if (!needsRecovery(found)) return [];
  const { place, machine } = found;
  const conf = outsideConf(place);
  const argv = [
    machine.programs.postgres ?? 'postgres',
    ...['--single', '-F', '-D', place.real],
    ...(conf === undefined ? [] : ['-c', `config_file=${conf}`]),
    'template1',
  ];
  return [
    run(found.node, 'it crashed: recover it, alone', script(RECOVER, 'recover', place.real, ...argv), {
      seconds: 3600,
    }),
  ];
}

/** After the rewind: its own files, its connection, and the one rename that says it is over. */
function afterSteps(input: Rewind): readonly Step[] {
  const { found, primary, link, fork } = input;
  const { place, node } = found;
  const w = workingDirectory(place);
  const version = versionOf(found);
  return [
    run(
      node,
      'its own files again, and a standby it is',
      script(OWN_AGAIN, 'own', w, place.real, logDirectory(found), signalOf(found)),
      { seconds: 3600 },
    ),
    ...linkFiles(node, version, link, {
      dir: place.real,
      real: place.real,
      before: input.past.kept?.conninfo ?? writtenLink(found, version).conninfo,
      hasPassfile: place.signals.includes('pgrepl.pgpass'),
      flush: 'later',
      hasSignal: true,
    }),
    run(
      node,
      'it is rewound',
      script(REWOUND, 'rewound', w, keptDirectory(place, fork.timeline, input.stamp), place.real),
      { seconds: 3600 },
    ),
    service(node, 'start it as a standby', start(found.machine, place)),
    attachedStep(node, primary, link, input.seconds),
  ];
}

/** What was kept for a rewind that cannot be ended stays, under its name; nothing tells of a rewind any more. */
export function abandonSteps(found: Seen, past: NodePast, stamp: string): readonly Step[] {
  if (past.rewinding === undefined) return [];
  const kept = keptDirectory(found.place, past.history.timeline, stamp);
  const words = script(REWOUND, 'abandoned', workingDirectory(found.place), kept, found.place.real);
  return [run(found.node, `what was kept for its rewind is in ${kept}`, words, { seconds: 3600 })];
}

function undoSteps(input: Rewind): readonly Step[] {
  const { found, primary, link } = input;
  const { place, node } = found;
  const made = !primary.server.slots.some(({ name }) => name === link.slot);
  return [
    run(
      node,
      'nothing was rewound: its files as before',
      script(UNKEEP, 'undo', workingDirectory(place), place.real),
      {
        seconds: 3600,
      },
    ),
    ...(found.is === 'standby' ? [service(node, 'start it again', start(found.machine, place))] : []),
    ...(made ? [dropStep(primary, [link.slot], `drop the slot ${link.slot} again`)] : []),
  ];
}
