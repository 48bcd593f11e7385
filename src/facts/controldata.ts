import { ofMajor } from '../cluster/version.ts';
import type { ControlData } from './state.ts';
import { parseLsn, type Lsn } from './lsn.ts';

/** The five settings that WAL carries, and pg_controldata's words for them (xlog_internal.h, xl_parameter_change). */
const FLOOR_LINES: Readonly<Record<string, string>> = {
  max_connections: 'max_connections setting',
  max_worker_processes: 'max_worker_processes setting',
  max_wal_senders: 'max_wal_senders setting',
  max_prepared_transactions: 'max_prepared_xacts setting',
  max_locks_per_transaction: 'max_locks_per_xact setting',
};

const NOWHERE = '0/0' as Lsn;

/** What pg_controldata prints (in English: LC_ALL=C), or undefined where it printed something else. */
export function parseControlData(text: string, major: number): ControlData | undefined {
  const lines = new Map(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf(':');
      return at < 0 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as const];
    }),
  );
  const checkpoint = parseLsn(lines.get('Latest checkpoint location') ?? '');
  const systemIdentifier = lines.get('Database system identifier');
  const state = lines.get('Database cluster state');
  if (checkpoint === undefined || systemIdentifier === undefined || state === undefined) return undefined;
  const timeline = wholeNumber(lines.get("Latest checkpoint's TimeLineID") ?? '0');
  const minRecoveryTimeline = wholeNumber(lines.get("Min recovery ending loc's timeline") ?? '0');
  if (!/^\d+$/.test(systemIdentifier) || timeline === undefined || minRecoveryTimeline === undefined)
    return undefined;
  return {
    version: ofMajor(major),
    systemIdentifier,
    state,
    checkpoint,
    redo: parseLsn(lines.get("Latest checkpoint's REDO location") ?? '') ?? NOWHERE,
    timeline,
    minRecoveryEnd: parseLsn(lines.get('Minimum recovery ending location') ?? '') ?? NOWHERE,
    minRecoveryTimeline,
    checksums: (lines.get('Data page checksum version') ?? '0') !== '0',
    walLogHints: lines.get('wal_log_hints setting') === 'on',
    floors: Object.fromEntries(
      Object.entries(FLOOR_LINES).flatMap(([name, label]) => {
        const value = wholeNumber(lines.get(label) ?? '');
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  };
}

function wholeNumber(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
