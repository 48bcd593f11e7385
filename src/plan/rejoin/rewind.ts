import type { Node } from '../../cluster/types.ts';
import {
  has,
  RECOVERY_IN_SETTINGS,
  REWIND_CONFIG_FILE,
  REWIND_NO_SYNC,
  REWIND_RECOVERS,
  type ServerVersion,
} from '../../cluster/version.ts';
import type { Problem } from '../../errors.ts';
import { atLeast, bytesOf, distance, type Lsn } from '../../facts/lsn.ts';
import type { ControlData, Place } from '../../facts/state.ts';
import { conninfo } from '../../render/conninfo.ts';
import {
  KEEP,
  OWN_AGAIN,
  RECOVER,
  REWIND,
  REWIND_AGAIN,
  REWOUND,
  STANDBY_AGAIN,
  UNKEEP,
} from '../../tools/rewind.ts';
import { start, stop } from '../../tools/service.ts';
import { script, WITH_PASSWORD } from '../../tools/shell.ts';
import { attachedStep, dropStep, floorGates, slotFor, slotGates, walGates, type Wal } from '../attach.ts';
import { segmentName, segmentOf, type History } from '../divergence.ts';
import { effective } from '../effective.ts';
import { linkFiles, writtenLink, type Link } from '../link.ts';
import type { Plan, Step } from '../plan.ts';
import { copy, isUp, run, service, socketOf, sql, write, type Seen, type Up } from '../steps.ts';

/**
 * What a node's host told of its past. `record` is where the last whole record of its WAL begins, `end` where that
 * WAL ends: with the last segment, where it is one of the two.
 */
export type NodePast = {
  history: History;
  record?: Lsn;
  end?: Lsn;
  /** A rewind that did not come to its end; `stuck` is one that cannot be done again. */
  rewinding?: 'begun' | 'done' | 'stuck';
  /** pg_rewind still runs: whoever started it is gone. */
  busy: boolean;
};

/** Beside the data, since pg_rewind removes what its source has not. Where nobody may write there, in /var/tmp. */
export function workingDirectory(place: Place): string {
  return place.parentWritable ? `${place.real}.pgrepl-rewind` : `/var/tmp/pgrepl-rewind${flat(place.real)}`;
}

/** What is kept ends inside a directory that cannot have neighbours. */
export function keptDirectory(place: Place, timeline: number, stamp: string): string {
  const name = `pgrepl-lost-${timeline}-${stamp}`;
  return place.parentWritable && !place.mountPoint ? `${place.real}.${name}` : `${place.real}/.${name}`;
}

function flat(path: string): string {
  return path.replaceAll('/', '_');
}

/** A server that was promoted and crashed before its first checkpoint has its timeline here (xlog.c). */
export function timelineOfStopped(control: ControlData): number {
  return Math.max(control.timeline, control.minRecoveryTimeline);
}

/** A primary that was stopped: its shutdown checkpoint is its last record. */
export function endedCleanly(control: ControlData): boolean {
  return control.state === 'shut down';
}

function needsRecovery(found: Seen): boolean {
  return found.is === 'stopped' && !/^shut down/.test(found.control?.state ?? '');
}

export type Rewind = {
  found: Seen;
  node: Node;
  primary: Up;
  link: Link;
  wal: Wal;
  past: NodePast;
  /** Where the primary left the node's timeline, and what the node has beyond. */
  fork: { timeline: number; from: Lsn };
  last?: Lsn;
  /** Why the role may not read there what pg_rewind reads; absent where it may. */
  rewinder?: string;
  stamp: string;
  seconds: number;
};

/** Everything that pg_rewind needs, each with a sentence of its own. */
export function rewindGates(input: Rewind): readonly Problem[] {
  const { found, primary, link, fork } = input;
  return [
    ...pageGates(found),
    ...fullPageGates(found, primary),
    ...programGates(found),
    ...(input.rewinder === undefined || byTheSocket(input)
      ? []
      : [
          {
            message: `${found.node}: ${link.role} at ${primary.node} ${input.rewinder}, and pg_rewind needs it`,
            hint: `pgrepl init-primary ${primary.node} --allow ADDRESS grants it and lets the role in.`,
          },
        ]),
    ...diskGates(input),
    ...walGates(found, primary, input.wal, fork.from),
    ...floorGates(found, primary),
    ...slotGates(primary, input.node),
  ];
}

/** Without either, a change of a hint bit leaves no trace in WAL (app-pgrewind). */
function pageGates(found: Seen): readonly Problem[] {
  const control = found.is === 'stopped' ? found.control : undefined;
  const on = (name: string): boolean => effective(found, name)?.value === 'on';
  const enough = isUp(found)
    ? on('data_checksums') || on('wal_log_hints')
    : control?.checksums === true || control?.walLogHints === true;
  if (enough) return [];
  return [
    {
      message: `${found.node}: has neither data checksums nor wal_log_hints, and without one of them pg_rewind cannot tell which pages changed`,
      hint: 'Setting wal_log_hints now helps the next time; pgrepl init-primary sets it.',
    },
  ];
}

function fullPageGates(found: Seen, primary: Up): readonly Problem[] {
  return [found, primary]
    .filter((each) => effective(each, 'full_page_writes')?.value === 'off')
    .map((each) => ({
      message: `${each.node}: full_page_writes is off, and pg_rewind needs it on`,
      hint: `Set full_page_writes = on on ${each.node} and reload.`,
    }));
}

function programGates(found: Seen): readonly Problem[] {
  return (['pg_rewind', 'postgres'] as const)
    .filter((name) => found.machine.programs[name] === undefined)
    .map((name) => ({
      message: `${found.node}: no ${name} is there`,
      hint: 'Install the PostgreSQL server of its major, or name its programs with --bindir.',
    }));
}

const MB = 1024 * 1024;

/** What is kept aside is a copy; what changed on the primary is not known before. */
function diskGates({ found, fork, last }: Rewind): readonly Problem[] {
  const needed = (last === undefined ? 0 : Math.max(0, distance(last, fork.from))) + 64 * MB;
  if (found.place.freeBytes >= needed) return [];
  return [
    {
      message: `${found.node}: ${Math.ceil(needed / MB)} MB are needed to keep the WAL that is lost, and ${Math.floor(found.place.freeBytes / MB)} MB are free`,
      hint: 'Make room.',
    },
  ];
}

/** On one host the owner of both servers is superuser by the socket, and needs no grant. */
function byTheSocket({ found, primary }: Rewind): boolean {
  return (
    found.machine.hostname === primary.machine.hostname &&
    found.machine.become === primary.machine.become &&
    found.machine.login === primary.machine.login &&
    primary.server.superuser &&
    primary.server.socketDir.startsWith('/')
  );
}

/** The server is stopped, what is kept is kept, pg_rewind runs, and the node is itself again: a standby. */
export function rewindPlan(input: Rewind): Pick<Plan, 'steps' | 'undo' | 'pointOfNoReturn'> {
  if (input.past.rewinding === 'done') return { steps: afterSteps(input) };
  const before = [...slotFor(input.primary, input.link), ...checkpointSteps(input)];
  if (input.past.rewinding === 'begun') {
    const again = run(
      input.found.node,
      'its WAL and pg_control as they were before the rewind that was cut short',
      script(REWIND_AGAIN, 'again', workingDirectory(input.found.place), input.found.place.real),
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

function versionOf(found: Seen): ServerVersion {
  if (isUp(found)) return found.server.version;
  return found.is === 'stopped' ? found.version : RECOVERY_IN_SETTINGS;
}

function signalOf(found: Seen): string {
  return has(versionOf(found), RECOVERY_IN_SETTINGS) ? 'standby.signal' : 'recovery.conf';
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

function outsideConf({ files, real }: Place): string | undefined {
  const path = files.conf?.path;
  return path === undefined || path.startsWith(`${real}/`) ? undefined : path;
}

/** The name of log_directory where it is a directory of its own at the top of the data. */
function logDirectory(found: Seen): string {
  const set = effective(found, 'log_directory')?.value ?? 'log';
  const inside = set.startsWith(`${found.place.real}/`) ? set.slice(found.place.real.length + 1) : set;
  return /^[^/]+$/.test(inside) ? inside : '';
}

/** Where no checkpoint is found nearer to the fork, so many segments are looked at. */
const SEGMENTS_BEFORE = 4n;

/**
 * The segments that pg_rewind may read again if it is killed, from that of the fork back to that of the last
 * checkpoint before it, which is known where the node made none after it.
 */
function segmentsBefore({ found, fork, wal }: Rewind): readonly bigint[] {
  const at = segmentOf(fork.from, wal.segmentBytes);
  const control = found.is === 'stopped' ? found.control : undefined;
  const known = control !== undefined && !atLeast(control.checkpoint, fork.from);
  const first = known
    ? segmentOf(control.redo, wal.segmentBytes)
    : at > SEGMENTS_BEFORE
      ? at - SEGMENTS_BEFORE
      : 0n;
  return Array.from({ length: Number(at - first) + 1 }, (_, back) => at - BigInt(back));
}

/** The last record, whose beginning is known, may go on in the next segment. */
const RECORD_MOST = 8192n;

/** A segment more where the node is yet to write its last checkpoint. */
function lastKept({ found, last, wal }: Rewind): bigint | undefined {
  if (last === undefined) return undefined;
  const segment = (bytesOf(last) + RECORD_MOST) / BigInt(wal.segmentBytes);
  const over = found.is === 'stopped' && found.control !== undefined && endedCleanly(found.control);
  return over ? segment : segment + 1n;
}

function keepStep(input: Rewind): Step {
  const { found, fork, wal } = input;
  const name = (segment: bigint): string => segmentName(fork.timeline, segment, wal.segmentBytes);
  const last = lastKept(input);
  const words = [workingDirectory(found.place), found.place.real, logDirectory(found)];
  const end = last === undefined ? '' : name(last).slice(8);
  const waldump = (found.machine.programs.postgres ?? '').replace(/postgres$/, 'pg_waldump');
  const range = [name(0n).slice(0, 8), end, fork.from, waldump, ...segmentsBefore(input).map(name)];
  return run(
    found.node,
    'keep what will be lost, and what is its own',
    script(KEEP, 'keep', ...words, ...range),
    { seconds: 3600 },
  );
}

function sourceOf(input: Rewind): { to: string; password: boolean } {
  const { link, primary } = input;
  const common = { dbname: 'postgres', application_name: 'pgrepl_rewind' };
  if (input.rewinder !== undefined) {
    const { socketDir, port, user, database } = primary.server;
    return {
      to: conninfo({ host: socketDir, port: String(port), user, ...common, dbname: database }),
      password: false,
    };
  }
  const to = conninfo({
    host: link.host,
    port: String(link.port),
    user: link.role,
    ...common,
    connect_timeout: '10',
    keepalives_idle: '5',
    keepalives_interval: '2',
    keepalives_count: '3',
  });
  return { to, password: link.password !== undefined };
}

function rewindStep(input: Rewind): Step {
  const { found, primary, link } = input;
  const { place, machine } = found;
  const version = versionOf(found);
  const conf = outsideConf(place);
  const byFile = conf !== undefined && has(version, REWIND_CONFIG_FILE);
  const restores =
    (effective(found, 'restore_command')?.value ?? '') !== '' &&
    has(version, REWIND_RECOVERS) &&
    (conf === undefined || byFile);
  const source = sourceOf(input);
  const argv = [
    machine.programs.pg_rewind ?? 'pg_rewind',
    ...['-D', place.real, `--source-server=${source.to}`, '--progress'],
    ...(restores ? ['--restore-target-wal'] : []),
    ...(byFile ? [`--config-file=${conf}`] : []),
    ...(has(version, REWIND_NO_SYNC) ? ['--no-sync'] : []),
  ];
  const words = source.password ? script(WITH_PASSWORD, 'with-password', ...argv) : argv;
  return copy(
    found.node,
    `rewind it to ${primary.node}`,
    script(REWIND, 'rewind', workingDirectory(place), place.real, signalOf(found), ...words),
    source.password && link.password !== undefined ? { stdin: [link.password, '\n'] } : {},
  );
}

/** After the rewind: its own files, its connection, and the one rename that says it is over. */
function afterSteps(input: Rewind): readonly Step[] {
  const { found, primary, link, fork } = input;
  const { place, node } = found;
  const w = workingDirectory(place);
  const version = versionOf(found);
  return [
    run(node, 'its own files again', script(OWN_AGAIN, 'own', w, place.real, logDirectory(found)), {
      seconds: 3600,
    }),
    ...linkFiles(node, version, link, {
      dir: place.real,
      real: place.real,
      before: input.past.rewinding === undefined ? writtenLink(found, version).conninfo : '',
      hasPassfile: place.signals.includes('pgrepl.pgpass'),
    }),
    run(
      node,
      'it is rewound',
      script(REWOUND, 'rewound', w, keptDirectory(place, fork.timeline, input.stamp)),
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
  const words = script(REWOUND, 'abandoned', workingDirectory(found.place), kept);
  return [run(found.node, `what was kept for its rewind is in ${kept}`, words, { seconds: 3600 })];
}

function undoSteps(input: Rewind): readonly Step[] {
  const { found, primary, link } = input;
  const { place, node } = found;
  const made = !primary.server.slots.some(({ name }) => name === link.slot);
  const wasStandby = found.is === 'stopped' && found.standby && needsRecovery(found);
  return [
    run(
      node,
      'nothing was rewound: its files as before',
      script(UNKEEP, 'undo', workingDirectory(place), place.real),
      {
        seconds: 3600,
      },
    ),
    ...(wasStandby
      ? [run(node, 'a standby it was, and is', script(STANDBY_AGAIN, 'standby', place.real, signalOf(found)))]
      : []),
    ...(found.is === 'standby' ? [service(node, 'start it again', start(found.machine, place))] : []),
    ...(made ? [dropStep(primary, link.slot, `drop the slot ${link.slot} again`)] : []),
  ];
}
