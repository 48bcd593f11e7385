import { bytesOf, parseLsn } from '../facts/lsn.ts';
import type { ControlData } from '../facts/state.ts';
import { timelineOf } from '../facts/view.ts';
import { historyName, historyOf } from '../plan/history.ts';
import type { Wal } from '../plan/attach.ts';
import { endedCleanly, type NodePast } from '../plan/rejoin/past.ts';
import { waldumpOf, workingDirectory } from '../plan/rejoin/rewindPlaces.ts';
import { socketOf, type Seen, type Up } from '../plan/steps.ts';
import type { Ask } from '../run/asking.ts';
import { parseConf } from '../render/conf.ts';
import { psql } from '../tools/psql.ts';
import { script } from '../tools/shell.ts';
import { TELL_PAST } from '../tools/tellPast.ts';
import { lastLine } from './lastLine.ts';

/** The history file and the names of segments, asked as the superuser on the upstream's host. */
export async function askWal(upstream: Up, ask: Ask): Promise<Wal | { said: string }> {
  const timeline = timelineOf(upstream) ?? upstream.server.timeline;
  const file = `pg_wal/${historyName(timeline)}`;
  const query = `SELECT json_build_object(
    'history', pg_read_file('${file}', 0, 1000000, true),
    'segments', (SELECT coalesce(json_agg(json_build_array(first, last)), '[]') FROM (SELECT min(name) AS first, max(name) AS last
      FROM pg_ls_dir('pg_wal') AS name WHERE name ~ '^[0-9A-F]{24}$' GROUP BY substr(name, 1, 8)) AS timelines),
    'segmentBytes', pg_size_bytes(current_setting('wal_segment_size')));`;
  const ended = await ask(upstream.node, psql(socketOf(upstream)), { stdin: `${query}\n`, seconds: 30 });
  if (ended.code !== 0) return { said: lastLine(ended.stderr) };
  const { history, segments, segmentBytes } = JSON.parse(ended.stdout) as Answer;
  const [oldest] = segments.map(([first]) => first.slice(8)).sort();
  return {
    history: historyOf(upstream.node, timeline, history ?? ''),
    segmentBytes,
    segments,
    ...(oldest === undefined ? {} : { oldest }),
  };
}

type Answer = { history: string | null; segments: [string, string][]; segmentBytes: number };

/** What a node has behind it, asked on its host: for a stopped one the end of its WAL too, read by pg_waldump. */
export async function askPast(found: Seen, ask: Ask): Promise<NodePast> {
  const control = found.is === 'stopped' ? found.control : undefined;
  const timeline = timelineOf(found) ?? 1;
  const readsEnd = control !== undefined && !endedCleanly(control);
  const waldump = waldumpOf(found.machine);
  const words = script(
    TELL_PAST,
    'past',
    found.place.real,
    workingDirectory(found.place),
    historyName(timeline),
    waldump,
    String(timeline),
    readsEnd ? control.redo : '',
    readsEnd ? neededOf(control) : '',
  );
  const ended = await ask(found.node, words, { seconds: 600 });
  const [head = '', history = '', keptHistory = '', settings = ''] = ended.stdout.split(
    /^(?:(?:kept )?history|kept settings)\n/m,
  );
  const told = new Map(head.split('\n').map((line) => [line.split(' ')[0] ?? '', line.replace(/^\S+ /, '')]));
  const [record, end] = ['record', 'end'].map((name) => parseLsn(told.get(name) ?? ''));
  const rewinding = told.get('rewinding');
  const oldest = told.get('oldest');
  const kept = keptOf(found.node, told, keptHistory, settings);
  return {
    history: historyOf(found.node, timeline, history),
    ...(record === undefined ? {} : { record }),
    ...(end === undefined ? {} : { end }),
    ...(oldest === undefined ? {} : { oldest }),
    ...(told.has('short') ? { short: true as const } : {}),
    ...(rewinding === undefined ? {} : { rewinding: stateOf(rewinding) }),
    ...(kept === undefined ? {} : { kept }),
    ...(told.has('boot') ? { sameBoot: true as const } : {}),
    busy: told.has('busy'),
  };
}

/** A state that cannot be read, after a crash, is one that was not ended. */
function stateOf(said: string): 'begun' | 'done' | 'stuck' {
  return said === 'done' || said === 'stuck' ? said : 'begun';
}

/** The timeline, the fork, and the end of what was lost, as KEEP noted them; the end may not have been known. */
function keptOf(
  node: string,
  told: ReadonlyMap<string, string>,
  history: string,
  auto: string,
): NodePast['kept'] {
  const [timeline = '', from = '', last = ''] = (told.get('kept') ?? '').split(' ');
  const [fork, end] = [parseLsn(from), parseLsn(last)];
  if (fork === undefined || !/^[1-9]\d*$/.test(timeline)) return undefined;
  return {
    history: historyOf(node, Number(timeline), history),
    from: fork,
    source: told.get('source') ?? '',
    conninfo: parseConf(auto).settings.findLast(({ name }) => name === 'primary_conninfo')?.value ?? '',
    ...(end === undefined ? {} : { last: end }),
  };
}

/**
 * The position from which the data of a standby, or of a rewound server, are consistent: the end of the WAL of the
 * server that they were copied from. A server that recovers without being a standby does not complain when its WAL ends
 * before that (StartupXLOG in xlog.c), so we look. Only on the timeline that goes back to the redo: pg_waldump reads no
 * other.
 */
function neededOf({ redo, minRecoveryEnd, timeline, minRecoveryTimeline }: ControlData): string {
  return timeline === minRecoveryTimeline && bytesOf(minRecoveryEnd) > bytesOf(redo) ? minRecoveryEnd : '';
}

/** Whether all that a running standby received is replayed: then only whole records count, not received bytes. */
export async function askCaughtUp(found: Up, ask: Ask): Promise<boolean> {
  const query = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'startup'
    AND wait_event IN ('RecoveryWalStream', 'RecoveryWalAll', 'RecoveryRetrieveRetryInterval'));`;
  const ended = await ask(found.node, psql(socketOf(found)), { stdin: `${query}\n`, seconds: 30 });
  return ended.stdout.trim() === 't';
}
