import type { Node } from '../../cluster/types.ts';
import {
  has,
  RECOVERY_IN_SETTINGS,
  REWIND_CONFIG_FILE,
  REWIND_RECOVERS,
  type ServerVersion,
} from '../../cluster/version.ts';
import type { Lsn } from '../../facts/lsn.ts';
import type { Place } from '../../facts/state.ts';
import type { Wal } from '../attach.ts';
import { effective, type Effective } from '../effective.ts';
import type { Link } from '../link.ts';
import { signalFile } from '../signal.ts';
import { isUp, type Seen, type Up } from '../steps.ts';
import type { NodePast } from './past.ts';

/** A node that is to be rewound, and what is known for it. */
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

export function needsRecovery(found: Seen): boolean {
  return found.is === 'stopped' && !/^shut down/.test(found.control?.state ?? '');
}

export function versionOf(found: Seen): ServerVersion {
  if (isUp(found)) return found.server.version;
  return found.is === 'stopped' ? found.version : RECOVERY_IN_SETTINGS;
}

export function signalOf(found: Seen): string {
  return signalFile(versionOf(found));
}

export function outsideConf({ files, real }: Place): string | undefined {
  const path = files.conf?.path;
  return path === undefined || path.startsWith(`${real}/`) ? undefined : path;
}

/**
 * pg_rewind fetches what is missing of the node's WAL by its restore_command: from 13 on, and where the configuration is
 * elsewhere from 15 on, which can be told where (app-pgrewind).
 */
export function restores(found: Seen): boolean {
  return restoreCommand(found) !== undefined && canRestore(found);
}

export function canRestore(found: Seen): boolean {
  const version = versionOf(found);
  return (
    has(version, REWIND_RECOVERS) &&
    (outsideConf(found.place) === undefined || has(version, REWIND_CONFIG_FILE))
  );
}

export function restoreCommand(found: Seen): Effective | undefined {
  const set = effective(found, 'restore_command');
  return (set?.value ?? '') === '' ? undefined : set;
}

/** The name of log_directory where it is a directory of its own at the top of the data. */
export function logDirectory(found: Seen): string {
  const set = effective(found, 'log_directory')?.value ?? 'log';
  const inside = set.startsWith(`${found.place.real}/`) ? set.slice(found.place.real.length + 1) : set;
  return /^[^/]+$/.test(inside) ? inside : '';
}
