import type { Node } from '../cluster/types.ts';
import type { Asking } from './source.ts';
import { parseLsn } from '../facts/lsn.ts';
import { timelineOf } from '../facts/view.ts';
import { parseHistory } from '../plan/divergence.ts';
import type { Wal } from '../plan/attach.ts';
import type { Link } from '../plan/link.ts';
import { endedCleanly, timelineOfStopped, type NodePast } from '../plan/rejoin/past.ts';
import { workingDirectory } from '../plan/rejoin/rewindPlaces.ts';
import { socketOf, type Seen, type Up } from '../plan/steps.ts';
import { conninfo } from '../render/conninfo.ts';
import { psql, psqlTo } from '../tools/psql.ts';
import { TELL_PAST } from '../tools/rewind.ts';
import { script, WITH_PASSWORD } from '../tools/shell.ts';

/** The history file and the names of segments, asked as the superuser on the upstream's host. */
export async function askWal(upstream: Up, asking: Asking): Promise<Wal | { said: string }> {
  const timeline = timelineOf(upstream) ?? upstream.server.timeline;
  const file = `pg_wal/${historyName(timeline)}`;
  const query = `SELECT json_build_object(
    'history', pg_read_file('${file}', 0, 1000000, true),
    'oldest', (SELECT min(substr(name, 9)) FROM pg_ls_dir('pg_wal') AS name WHERE name ~ '^[0-9A-F]{24}$'),
    'segmentBytes', pg_size_bytes(current_setting('wal_segment_size')));`;
  const argv = psql(socketOf(upstream));
  const ended = await asking.spawn(asking.onNode({ node: upstream.node }, argv), {
    stdin: `${query}\n`,
    seconds: 30,
  });
  if (ended.code !== 0) return { said: lastLine(ended.stderr) };
  const { history, oldest, segmentBytes } = JSON.parse(ended.stdout) as Answer;
  return {
    history: parseHistory(timeline, history ?? ''),
    segmentBytes,
    ...(oldest === null ? {} : { oldest }),
  };
}

type Answer = { history: string | null; oldest: string | null; segmentBytes: number };

function historyName(timeline: number): string {
  return `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
}

/** What a node has behind it, asked on its host: for a stopped one the end of its WAL too, read by pg_waldump. */
export async function askPast(found: Seen, asking: Asking): Promise<NodePast> {
  const control = found.is === 'stopped' ? found.control : undefined;
  const timeline = (control === undefined ? timelineOf(found) : timelineOfStopped(control)) ?? 1;
  const readsEnd = control !== undefined && !endedCleanly(control);
  const waldump = (found.machine.programs.postgres ?? '').replace(/postgres$/, 'pg_waldump');
  const words = script(
    TELL_PAST,
    'past',
    found.place.real,
    workingDirectory(found.place),
    historyName(timeline),
    waldump,
    String(timeline),
    readsEnd ? control.redo : '',
  );
  const ended = await asking.spawn(asking.onNode({ node: found.node }, words), { seconds: 600 });
  const [head = '', history = ''] = ended.stdout.split(/^history\n/m);
  const told = new Map(head.split('\n').map((line) => [line.split(' ')[0] ?? '', line.replace(/^\S+ /, '')]));
  const [record, end] = ['record', 'end'].map((name) => parseLsn(told.get(name) ?? ''));
  const rewinding = told.get('rewinding');
  return {
    history: parseHistory(timeline, history),
    ...(record === undefined ? {} : { record }),
    ...(end === undefined ? {} : { end }),
    ...(rewinding === 'begun' || rewinding === 'done' || rewinding === 'stuck' ? { rewinding } : {}),
    busy: told.has('busy'),
  };
}

/** Whether all that a running standby received is replayed: then only whole records count, not received bytes. */
export async function askCaughtUp(found: Up, asking: Asking): Promise<boolean> {
  const query = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'startup'
    AND wait_event IN ('RecoveryWalStream', 'RecoveryWalAll', 'RecoveryRetrieveRetryInterval'));`;
  const argv = psql(socketOf(found));
  const ended = await asking.spawn(asking.onNode({ node: found.node }, argv), {
    stdin: `${query}\n`,
    seconds: 30,
  });
  return ended.stdout.trim() === 't';
}

/** Why the role cannot read there what pg_rewind reads, tried from the target's host; undefined where it can. */
export async function askRewinder(
  node: Node,
  found: Seen,
  link: Link,
  asking: Asking,
): Promise<string | undefined> {
  const to = conninfo({
    host: link.host,
    port: String(link.port),
    user: link.role,
    dbname: 'postgres',
    connect_timeout: '10',
    application_name: 'pgrepl',
  });
  const argv = psqlTo(found.machine.programs.psql ?? 'psql', to);
  const words = link.password === undefined ? argv : script(WITH_PASSWORD, 'with-password', ...argv);
  const password = link.password === undefined ? '' : `${link.password.reveal()}\n`;
  const query = `SELECT coalesce(string_agg(f, ', '), '') FROM unnest(ARRAY['pg_ls_dir(text,boolean,boolean)',
    'pg_stat_file(text,boolean)', 'pg_read_binary_file(text)', 'pg_read_binary_file(text,bigint,bigint,boolean)']) f
    WHERE NOT has_function_privilege(f, 'EXECUTE');`;
  const ended = await asking.spawn(asking.onNode({ node: node.name }, words), {
    stdin: `${password}${query}\n`,
    seconds: 30,
  });
  if (ended.code !== 0) return `cannot log in to the database postgres: ${lastLine(ended.stderr)}`;
  const lacking = ended.stdout.trim();
  return lacking === '' ? undefined : `may not execute ${lacking}`;
}

function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').replace(/^psql: (error: )?/, '') || 'no answer in time';
}
