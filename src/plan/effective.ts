import type { Place } from '../facts/state.ts';
import { parseConf } from '../render/conf.ts';
import { isUp, type Seen } from './steps.ts';

/** A setting as it is in force, or would be at the next start: its value, and who set it. */
export type Effective = {
  value: string;
  unit: string;
  file?: string;
  line?: number;
  context: string;
  source: string;
  pendingRestart: boolean;
};

/** What an untouched server of 10 or newer has (guc_tables.c), for one that cannot be asked. */
const DEFAULTS: Readonly<Record<string, string>> = {
  wal_level: 'replica',
  max_wal_senders: '10',
  max_replication_slots: '10',
  hot_standby: 'on',
  listen_addresses: 'localhost',
  wal_log_hints: 'off',
  wal_keep_size: '0',
  wal_keep_segments: '0',
  max_slot_wal_keep_size: '-1',
  full_page_writes: 'on',
  max_connections: '100',
  max_prepared_transactions: '0',
  max_locks_per_transaction: '64',
  max_worker_processes: '8',
  port: '5432',
  unix_socket_directories: '',
  wal_retrieve_retry_interval: '5s',
};

const UNITS: Readonly<Record<string, string>> = {
  wal_keep_size: 'MB',
  max_slot_wal_keep_size: 'MB',
  wal_retrieve_retry_interval: 'ms',
};

/** The setting of a node in whatever state: from the server where one runs, else from its files, in their order. */
export function effective(state: Seen, name: string): Effective | undefined {
  if (isUp(state)) return state.server.settings[name];
  const set = fileSettings(state.place).findLast((line) => line.name === name);
  if (set !== undefined) {
    const { value, file, line } = set;
    return {
      value,
      unit: UNITS[name] ?? '',
      file,
      line,
      context: 'postmaster',
      source: 'configuration file',
      pendingRestart: false,
    };
  }
  const value = DEFAULTS[name];
  return value === undefined
    ? undefined
    : { value, unit: UNITS[name] ?? '', context: 'postmaster', source: 'default', pendingRestart: false };
}

export type FileSetting = { name: string; value: string; file: string; line: number };

/** Every setting of the files that are there, the last one winning: included files count where the include stands. */
export function fileSettings(place: Place): readonly FileSetting[] {
  const { conf, auto, own, included } = place.files;
  const main =
    conf === undefined
      ? []
      : linesOf(
          conf,
          included.filter((file) => file.path !== own?.path),
        );
  const ours = own === undefined ? [] : linesOf(own, []);
  const automatic = auto === undefined ? [] : linesOf(auto, []);
  return [...main, ...ours, ...automatic];
}

function linesOf(
  file: { path: string; text: string },
  included: readonly { path: string; text: string }[],
): readonly FileSetting[] {
  const parsed = parseConf(file.text);
  const own = parsed.settings.map((setting) => ({ ...setting, file: file.path, order: setting.line }));
  const theirs = included.flatMap((other) => {
    const at =
      parsed.includes.find(({ target }) => other.path.includes(`/${target.replace(/^.*\//, '')}`))?.line ?? 0;
    return parseConf(other.text).settings.map((setting) => ({ ...setting, file: other.path, order: at }));
  });
  return [...own, ...theirs].sort((a, b) => a.order - b.order);
}

/** The settings of our own file as they stand in it. */
export function ownSettings(place: Place): Readonly<Record<string, string>> {
  return Object.fromEntries(
    parseConf(place.files.own?.text ?? '').settings.map(({ name, value }) => [name, value]),
  );
}

/** Where our file is, or would be: in conf.d where postgresql.conf includes that (Debian), else beside it. */
export function ownPath(place: Place): { path: string; include: boolean } {
  if (place.files.own !== undefined)
    return { path: place.files.own.path, include: !place.files.own.path.includes('/conf.d/') };
  const conf = place.files.conf;
  const dir = conf === undefined ? place.real : conf.path.replace(/\/[^/]*$/, '');
  const hasDir = parseConf(conf?.text ?? '').includes.some(
    ({ kind, target }) => kind === 'include_dir' && /(^|\/)conf\.d\/?$/.test(target),
  );
  return hasDir
    ? { path: `${dir}/conf.d/99-pgrepl.conf`, include: false }
    : { path: `${dir}/pgrepl.conf`, include: true };
}
