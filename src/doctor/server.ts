import type { Node } from '../cluster/types.ts';
import { has, REWIND_WITHOUT_SUPERUSER } from '../cluster/version.ts';
import { isRunning, type PrimaryState, type RunningState, type View } from '../facts/view.ts';
import { fileSettings } from '../plan/effective.ts';
import { leftovers } from '../plan/link.ts';
import { replicationWants } from '../plan/wants.ts';
import { syncStandbyNames } from '../render/names.ts';
import { pendingOf } from '../report/healthOfServer.ts';
import { leftSignal } from '../report/leftSignal.ts';
import { serviceCommand } from '../report/serviceCommand.ts';
import { checking, EVERY, type Case, type Check, type Examiner } from './check.ts';

const settingsOf = checking('settings', ['clone-standby', 'switchover', 'rejoin']);
const sizesOf = checking('sizes', ['rejoin']);
/** What works without them, and worse. */
const SIZES = new Set([
  'wal_keep_size',
  'wal_keep_segments',
  'max_slot_wal_keep_size',
  'wal_retrieve_retry_interval',
]);

/** The settings that init-primary makes: every node needs them, since any may be the primary one day. */
export const settings: Examiner = ({ cluster, extra }, own, found) => {
  const { name } = own;
  if (!isRunning(found)) return [];
  const { server, place } = found;
  const wants = replicationWants({
    version: server.version,
    standbys: Math.max(1, cluster.nodes.length - 1),
    checksums: server.settings['data_checksums']?.value === 'on',
    freeBytes: place.freeBytes,
    listen: cluster.nodes.flatMap((node) => extra.addresses.get(node.name) ?? []),
  });
  const bad = wants.filter((want) => {
    const now = server.settings[want.name];
    return now === undefined || !want.good(now.value, now.unit);
  });
  const told = bad.map((want) => {
    const now = server.settings[want.name]?.value ?? '?';
    const family = SIZES.has(want.name) ? sizesOf : settingsOf;
    const say = SIZES.has(want.name) ? family.warning : family.wrong;
    const hint =
      found.is === 'primary'
        ? `\`pgrepl init-primary ${name}\` sets it to ${want.value}.`
        : `Set it to ${want.value}; it needs ${restartOf(own, found, want.name)}.`;
    return say(name, `${want.name} is ${now}: ${want.why}`, hint);
  });
  const fine = wants.filter((want) => !bad.includes(want)).map((want) => want.name);
  return [
    ...told,
    ...(fine.length === 0 ? [] : [settingsOf.ok(name, `good as they are: ${fine.join(', ')}`)]),
  ];
};

function restartOf(node: Node, found: RunningState, setting: string): string {
  return found.server.settings[setting]?.context === 'postmaster'
    ? serviceCommand(node, found, 'restart')
    : 'a reload';
}

const free = checking('free', ['clone-standby', 'switchover', 'rejoin']);

/** A copy takes two walsenders, a standby one and a slot. */
export const freeSenders: Examiner = ({ cluster }, { name }, found) => {
  if (!isRunning(found)) return [];
  const { server } = found;
  const of = (setting: string): number => Number(server.settings[setting]?.value ?? 0);
  const senders = of('max_wal_senders') - server.walsenders.length;
  const slots = of('max_replication_slots') - server.slots.length;
  const missing = cluster.nodes.filter(
    (node) => node.name !== name && !server.slots.some((slot) => slot.name === node.slot),
  ).length;
  const hint = 'Raise it and restart; `pgrepl slot list` shows slots that nobody needs.';
  return [
    senders >= 2
      ? free.ok(name, `${senders} of ${of('max_wal_senders')} walsenders are free`)
      : free.wrong(
          name,
          `${senders} of ${of('max_wal_senders')} walsenders are free, and a copy takes two`,
          hint,
        ),
    slots >= missing
      ? free.ok(name, `${slots} of ${of('max_replication_slots')} slots are free`)
      : free.wrong(
          name,
          `${slots} of ${of('max_replication_slots')} slots are free, and ${missing} are still needed`,
          hint,
        ),
  ];
};

const roles = checking('role', ['clone-standby', 'switchover', 'rejoin']);
const rewinding = checking('rewind', ['rejoin']);

/** The role that standbys come as, and whether the password of the file is its password. */
export const role: Examiner = ({ cluster, extra }, { name }, found) => {
  // A standby has the roles of its primary.
  if (found.is !== 'primary') return [];
  const wanted = cluster.replication.role;
  const there = found.server.roles.find((each) => each.name === wanted);
  const make = `\`pgrepl init-primary ${name}\` makes it so.`;
  if (there === undefined) return [roles.wrong(name, `there is no role ${wanted} that may replicate`, make)];
  if (!there.login || !there.replication)
    return [roles.wrong(name, `the role ${wanted} may not ${there.login ? 'replicate' : 'log in'}`, make)];
  return [
    passwordOf(extra.fits, name, wanted, there.verifier),
    ...rewinds(name, found, wanted, there.rewinds),
  ];
};

function passwordOf(
  fits: ((verifier: string) => boolean) | undefined,
  name: string,
  wanted: string,
  verifier: string | undefined,
): Check {
  if (fits === undefined)
    return roles.ok(
      name,
      `the role ${wanted} may log in and replicate (no password is named, so none was compared)`,
    );
  if (verifier === undefined)
    return roles.wrong(
      name,
      `the role ${wanted} has no password`,
      `\`pgrepl init-primary ${name}\` gives it that of the cluster file.`,
    );
  if (fits(verifier))
    return roles.ok(
      name,
      `the role ${wanted} may log in with the password of the cluster file, and replicate`,
    );
  const hint = `Correct the password in the cluster file; or \`pgrepl init-primary ${name}\` gives the role that one, and standbys that stream need it too.`;
  if (verifier.startsWith('md5'))
    return roles.warning(
      name,
      `the password of ${wanted} is kept as md5, and cannot be compared`,
      `\`pgrepl init-primary ${name}\` keeps it as scram-sha-256.`,
    );
  return roles.wrong(name, `the password of the cluster file is not that of the role ${wanted}`, hint);
}

function rewinds(name: string, { server }: PrimaryState, wanted: string, may: boolean): readonly Check[] {
  if (!has(server.version, REWIND_WITHOUT_SUPERUSER)) return [];
  if (may) return [rewinding.ok(name, `the role ${wanted} may read what pg_rewind reads`)];
  return [
    rewinding.warning(
      name,
      `the role ${wanted} may not read what pg_rewind reads`,
      `\`pgrepl init-primary ${name}\` grants it.`,
    ),
  ];
}

const files = checking('configuration', EVERY);

/** What the files say is what is in force, and nothing of a past life is in them. */
export const configuration: Examiner = (the, own, found) => {
  const { name } = own;
  if (!isRunning(found)) return [];
  const { server } = found;
  const mend = 'Mend the line and reload; until then nothing new of the file is taken.';
  const wrong = [
    ...server.fileErrors.map(({ file, line, error }) =>
      files.wrong(name, `${file} line ${line}: ${error}`, mend),
    ),
    ...server.hba.flatMap(({ file, line, error }) =>
      error === undefined ? [] : [files.wrong(name, `${file ?? 'pg_hba.conf'} line ${line}: ${error}`, mend)],
    ),
    ...overridden(name, found),
    ...pending(own, found),
    ...stale(the, own, found),
  ];
  return wrong.length > 0
    ? wrong
    : [files.ok(name, 'its files have no errors, and what they say is in force')];
};

/** Our file is read last, so that what it says is in force; postgresql.auto.conf and later includes beat it. */
function overridden(name: string, found: RunningState): readonly Check[] {
  const own = found.place.files.own?.path;
  if (own === undefined) return [];
  const lines = fileSettings(found.place);
  return lines
    .filter(({ file }) => file === own)
    .flatMap((line) => {
      const last = lines.findLast((other) => other.name === line.name);
      if (last === undefined || last.file === own || last.value === line.value) return [];
      const hint = last.file.endsWith('postgresql.auto.conf')
        ? `psql -c 'ALTER SYSTEM RESET ${line.name}' on ${name}, and reload.`
        : `Take it out of ${last.file}, or put the include of ${own} last.`;
      return [
        files.warning(
          name,
          `${line.name} of ${own} is beaten by ${last.file} line ${last.line}: ${last.value}`,
          hint,
        ),
      ];
    });
}

function pending(node: Node, found: RunningState): readonly Check[] {
  const names = pendingOf(found.server);
  if (names.length === 0) return [];
  return [
    files.warning(
      node.name,
      `waits for a restart: ${names.join(', ')}`,
      `Restart it when it suits: ${serviceCommand(node, found, 'restart')}.`,
    ),
  ];
}

function stale(view: View, own: Node, found: RunningState): readonly Check[] {
  if (found.is !== 'primary') return [];
  const { name } = own;
  const left = leftSignal(view, own, found);
  const names = left?.ofSwitchover === true ? [] : leftovers(found);
  const message = `left over in postgresql.auto.conf: ${names.join(', ')}`;
  return [
    ...(left === undefined ? [] : [files.warning(name, left.what, left.hint)]),
    ...(names.length === 0
      ? []
      : [files.warning(name, message, `\`pgrepl promote ${name}\` takes them out.`)]),
  ];
}

const archiving = checking('archiver', ['switchover']);
/** Segments that wait: a shutdown sends them all first. */
const MANY_READY = 16;

export const archiver: Examiner = (_, { name }, found) => {
  if (!isRunning(found) || !['on', 'always'].includes(found.server.settings['archive_mode']?.value ?? 'off'))
    return [];
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
