import type { Place } from '../facts/state.ts';
import { parseConf, withInclude } from '../render/conf.ts';
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

/** What a number without a unit means (guc_tables.c). */
export const UNITS: Readonly<Record<string, string>> = {
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

type Texts = readonly { path: string; text: string }[];

/**
 * Every setting of the files that are there, the last one winning: an included file counts where its include stands,
 * the files of a directory in the order of their bytes (config-setting).
 */
export function fileSettings(place: Place): readonly FileSetting[] {
  const { conf, auto, own, included } = place.files;
  const others = own === undefined ? included : [...included.filter(({ path }) => path !== own.path), own];
  return [
    ...(conf === undefined ? [] : expanded(conf, others, 0)),
    ...(auto === undefined ? [] : expanded(auto, [], 0)),
  ];
}

/** As the settings would be with our file written and included: what stands behind it beats it. */
export function fileSettingsWith(place: Place, ownText: string): readonly FileSetting[] {
  const { path, include } = ownPath(place);
  const conf = place.files.conf;
  const name = path.replace(/^.*\//, '');
  const main =
    conf === undefined ? undefined : include ? { ...conf, text: withInclude(conf.text, name) } : conf;
  const files = { ...place.files, own: { path, text: ownText } };
  return fileSettings({ ...place, files: main === undefined ? files : { ...files, conf: main } });
}

/** Deeper than anybody includes, and an end to files that include each other (CONF_FILE_MAX_DEPTH in guc-file.l). */
const DEEPEST = 10;

function expanded(file: Texts[number], others: Texts, depth: number): readonly FileSetting[] {
  const parsed = parseConf(file.text);
  const own = parsed.settings.map((setting) => ({
    at: setting.line,
    found: [{ ...setting, file: file.path }],
  }));
  const theirs = parsed.includes.map(({ line, kind, target }) => ({
    at: line,
    found:
      depth >= DEEPEST
        ? []
        : included(kind, absolute(file.path, target), others).flatMap((other) =>
            expanded(other, others, depth + 1),
          ),
  }));
  return [...own, ...theirs].sort((a, b) => a.at - b.at).flatMap(({ found }) => found);
}

function included(kind: string, target: string, others: Texts): Texts {
  if (kind !== 'include_dir') return others.filter(({ path }) => path === target);
  const dir = `${target.replace(/\/+$/, '')}/`;
  return others
    .filter(({ path }) => path.startsWith(dir) && /^[^/.][^/]*\.conf$/.test(path.slice(dir.length)))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function absolute(from: string, target: string): string {
  return target.startsWith('/') ? target : from.replace(/[^/]*$/, target);
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
