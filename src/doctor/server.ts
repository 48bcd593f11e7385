import { archives, isRunning, type RunningState } from '../facts/view.ts';
import { fullDisk } from '../plan/fullDisk.ts';
import { targetGates, timelineGates } from '../plan/switchover/recoveryGates.ts';
import { syncStandbyNames } from '../render/names.ts';
import { checking, type Case, type Examiner } from './check.ts';

const archiving = checking('archiver', ['switchover']);
/** Segments that wait: a shutdown sends them all first. */
const MANY_READY = 16;

export const archiver: Examiner = (_, { name }, found) => {
  if (!isRunning(found) || !archives(found)) return [];
  const { failing, lastFailed, ready = 0 } = found.server.archiver;
  if (failing)
    return [
      archiving.wrong(
        name,
        `archiving fails, last at ${lastFailed ?? '?'}, and ${ready} segments wait`,
        'Its log has the message of archive_command; a shutdown waits for it.',
      ),
    ];
  if (ready > MANY_READY)
    return [
      archiving.warning(name, `${ready} segments wait to be archived`, 'A shutdown waits until they are.'),
    ];
  return [archiving.ok(name, 'archiving works')];
};

const backups = checking('backup', ['switchover']);

export const backupRuns: Examiner = (_, { name }, found) => {
  if (!isRunning(found)) return [];
  const { backups: running } = found.server;
  if (running === 0) return [backups.ok(name, 'no backup runs')];
  return [
    backups.wrong(
      name,
      `${running} backup${running === 1 ? ' runs' : 's run'} on it`,
      'Wait until it has ended: a stop of the server breaks it.',
    ),
  ];
};

const synchronous = checking('synchronous', ['promote', 'switchover']);

/** Commits wait for standbys that synchronous_standby_names wants, on whichever node is the primary. */
export const syncNames: Examiner = (the, { name }, found) => {
  if (!isRunning(found)) return [];
  const value = found.server.settings['synchronous_standby_names']?.value ?? '';
  const wanted = syncStandbyNames(value);
  if (wanted === undefined) return [];
  const names = new Set(candidates(the, name, found).map((each) => each.toLowerCase()));
  const there = wanted.names.includes('*')
    ? names.size
    : wanted.names.filter((each) => names.has(each.toLowerCase())).length;
  const what = `synchronous_standby_names (${value}) wants ${wanted.number}`;
  if (there >= wanted.number) return [synchronous.ok(name, `${what}, and ${there} can be there`)];
  const hint = 'Commits would wait for ever: change it, or bring a standby of that name back.';
  return [synchronous.wrong(name, `${what}, and only ${there} of them can be there`, hint)];
};

/** As a primary the standbys that stream; as a standby, who would stream from it after a switchover. */
function candidates({ cluster, state }: Case, name: string, found: RunningState): readonly string[] {
  if (found.is === 'primary') {
    return found.server.walsenders
      .filter((each) => each.state === 'streaming')
      .map((each) => each.applicationName);
  }
  const running = new Set(state.nodes.filter(isRunning).map(({ node }) => node));
  return cluster.nodes.map((node) => node.name).filter((other) => other !== name && running.has(other));
}

const disk = checking('room', ['promote', 'switchover']);

/** A server whose disk is full can neither be promoted nor become a standby, and soon ends. */
export const hasRoom: Examiner = (_, { name }, found) => {
  if (!isRunning(found)) return [];
  return fullDisk(found).map(({ message, hint }) => disk.wrong(name, message.slice(name.length + 2), hint));
};

const restores = checking('restore', ['promote', 'switchover', 'rejoin']);

/** What a restore left in the settings counts when the node is a standby again, or a standby's upstream is promoted. */
export const restored: Examiner = (_, { name }, found) => {
  if (!isRunning(found)) return [];
  return [...targetGates(found), ...timelineGates(found)].map(({ message, hint }) =>
    restores.wrong(name, message.slice(name.length + 2), hint),
  );
};
