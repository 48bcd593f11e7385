import type { Node } from '../cluster/types.ts';
import type { ServerVersion } from '../cluster/version.ts';
import { FLOORS } from '../facts/floors.ts';
import { parseLsn, type Lsn } from '../facts/lsn.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { databasePsql, nameOfCopy, OF_EARLIER_COPY } from '../plan/clone/earlierCopy.ts';
import type { History } from '../plan/divergence.ts';
import { historyOf } from '../plan/history.ts';
import type { Link } from '../plan/link.ts';
import type { Source, TargetSeen } from '../plan/source.ts';
import { isUp, type Seen } from '../plan/steps.ts';
import { replicationPsql } from '../plan/upstreamSlot.ts';
import type { Ask } from '../run/asking.ts';
import type { Spawned } from '../run/spawn.ts';
import { LOOK_OUTSIDE } from '../tools/staging.ts';
import { script, WITH_PASSWORD } from '../tools/shell.ts';
import { whyNoSource, type NoSource } from './whyNoSource.ts';

export type Asked = Source | NoSource;

/** What a walsender answers without SQL: protocol-replication, IDENTIFY_SYSTEM and SHOW. */
const SIMPLE = [
  'IDENTIFY_SYSTEM',
  'SHOW server_version_num',
  'SHOW wal_level',
  ...FLOORS.map((name) => `SHOW ${name}`),
];

/** What a role that may replicate can read, where pg_hba.conf lets it into a database. */
const DETAILS = `SELECT json_build_object(
  'standby', pg_is_in_recovery(),
  'spaces', (SELECT json_agg(json_build_array(spcname, pg_tablespace_location(oid), CASE WHEN has_tablespace_privilege(oid, 'CREATE') OR pg_has_role('pg_read_all_stats', 'MEMBER') THEN pg_tablespace_size(oid) END)) FROM pg_tablespace),
  'databases', (SELECT sum(CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) ELSE 0 END) FROM pg_database),
  'slots', (SELECT json_agg(json_build_array(slot_name, active_pid, restart_lsn IS NOT NULL, coalesce(to_json(s) ->> 'wal_status' = 'lost', false))) FROM pg_replication_slots s),
  'earlier', (SELECT json_agg(pid) FROM pg_stat_replication WHERE ${OF_EARLIER_COPY}),
  'slotsMost', current_setting('max_replication_slots')::int,
  'senders', (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'),
  'checksums', current_setting('data_checksums') = 'on',
  'superusers', (SELECT json_agg(rolname ORDER BY oid) FROM pg_roles WHERE rolsuper AND rolcanlogin),
  'collation', (SELECT max(collversion) FROM pg_collation WHERE collprovider = 'c' AND collversion IS NOT NULL));`;

type Details = {
  standby: boolean;
  spaces: [string, string, number | null][] | null;
  databases: number | null;
  slots: [string, number | null, boolean, boolean][] | null;
  earlier: number[] | null;
  slotsMost: number;
  senders: number;
  checksums: boolean;
  superusers: string[] | null;
  collation: string | null;
};

/** Where a copy is to put what does not go into its directory. */
export type Outside = { tablespaces: Readonly<Record<string, string>>; waldir?: string };

/**
 * Asks the upstream from the standby's host, as the replication role. That proves the login where it will be used, and
 * tells as much as replication credentials alone may see.
 */
export async function askSource(
  name: string,
  node: Node,
  found: Seen,
  link: Link,
  state: ClusterState,
  ask: Ask,
  outside: Outside = { tablespaces: {} },
): Promise<Asked> {
  const psql = found.machine.programs.psql;
  if (psql === undefined)
    return {
      problems: [
        { message: `${node.name}: no psql is there`, hint: "Install PostgreSQL's client programs." },
      ],
      unreachable: false,
    };
  const login = loginOf(node, link, ask);
  const [simple, details] = await Promise.all([
    login(replicationPsql(psql, link), SIMPLE.map((command) => `${command};`).join('\n')),
    login([...databasePsql(psql, link), '--set', `copy=${nameOfCopy(node)}`], DETAILS),
  ]);
  if (simple.code !== 0) return whyNoSource(name, node, link, state, simple);
  const told = details.code === 0 ? (JSON.parse(details.stdout) as Details) : undefined;
  const source = sourceOf(name, simple.stdout, told, state);
  return { ...source, ...(await targetsOf(found, source, outside, node, ask)) };
}

function loginOf(node: Node, link: Link, ask: Ask) {
  const password = link.password === undefined ? '' : `${link.password.reveal()}\n`;
  return (argv: readonly string[], sql: string): Promise<Spawned> => {
    const plain = ['env', 'LC_ALL=C', ...argv];
    const words = link.password === undefined ? plain : script(WITH_PASSWORD, 'with-password', ...plain);
    const stdin = `${password}${sql}\n`;
    return ask(node.name, words, { stdin, seconds: 30 });
  };
}

/** The history of the upstream's timeline, by the replication protocol (TIMELINE_HISTORY); the first has none. */
export async function askHistory(
  node: Node,
  found: Seen,
  link: Link,
  timeline: number,
  ask: Ask,
): Promise<History | { said: string }> {
  if (timeline <= 1) return { timeline, ended: [] };
  const words = replicationPsql(found.machine.programs.psql ?? 'psql', link);
  const ended = await loginOf(node, link, ask)(words, `TIMELINE_HISTORY ${timeline};`);
  if (ended.code !== 0) return { said: ended.stderr.trim().split('\n').at(-1) ?? 'no answer in time' };
  // A row of the file's name and its text.
  return historyOf(`${link.host}:${link.port}`, timeline, ended.stdout.slice(ended.stdout.indexOf('|') + 1));
}

/** The places outside the data directory that the copy fills; without any there is nothing to look at. */
async function targetsOf(
  found: Seen,
  source: Source,
  { tablespaces, waldir }: Outside,
  node: Node,
  ask: Ask,
): Promise<{ targets?: readonly TargetSeen[] }> {
  const spaces = (source.tablespaces ?? []).map(({ location }) => tablespaces[location] ?? location);
  const outside = [...new Set([...spaces, ...(waldir === undefined ? [] : [waldir])])];
  if (outside.length === 0) return {};
  const { real, staging } = found.place;
  const argv = script(LOOK_OUTSIDE, 'outside', staging, real, ...outside);
  const ended = await ask(node.name, argv, { seconds: 30 });
  const lines = ended.stdout.trim().split('\n');
  if (ended.code !== 0 || lines.length !== outside.length + 1) return {};
  return {
    targets: [real, ...outside].map((path, at) => {
      const [device = '', free = '0', is = '', ...nearest] = (lines[at] ?? '').split(' ');
      return {
        path,
        device,
        freeBytes: Number(free) * 1024,
        is: is === 'used' || is === 'ours' ? is : 'empty',
        nearest: nearest.join(' '),
      };
    }),
  };
}

function sourceOf(name: string, simple: string, details: Details | undefined, state: ClusterState): Source {
  const lines = simple.trim().split('\n');
  const [systemIdentifier = '', timeline = '0', position = ''] = (lines[0] ?? '').split('|');
  const floors = Object.fromEntries(FLOORS.map((floor, at) => [floor, Number(lines[3 + at] ?? 0)]));
  const base: Source = {
    name,
    version: Number(lines[1] ?? 0) as ServerVersion,
    systemIdentifier,
    timeline: Number(timeline),
    position: parseLsn(position) ?? ('0/0' as Lsn),
    isStandby: details?.standby ?? false,
    walLevel: lines[2] ?? '',
    floors,
  };
  const seen = state.nodes.find(({ node }) => node === name);
  return {
    ...base,
    ...(details === undefined ? {} : detailsOf(details, floors)),
    ...(isUp(seen) ? seenOf(seen, floors, details?.earlier ?? []) : {}),
  };
}

function detailsOf(details: Details, floors: Readonly<Record<string, number>>): Partial<Source> {
  const spaces = details.spaces ?? [];
  const known = details.slots ?? [];
  const earlier = details.earlier ?? [];
  const sum = spaces
    .filter(([, location]) => location === '')
    .reduce((total, [, , bytes]) => total + (bytes ?? 0), 0);
  return {
    dataBytes: Math.max(sum, details.databases ?? 0),
    tablespaces: spaces
      .filter(([, location]) => location !== '')
      .map(([space, location, bytes]) => ({ name: space, location, bytes: bytes ?? 0 })),
    senders: freeSenders(floors, details.senders - earlier.length),
    earlier,
    slots: {
      free: details.slotsMost - known.length,
      most: details.slotsMost,
      known: known.map(([slot, activePid, reserved, lost]) => ({
        name: slot,
        reserved,
        lost,
        ...(activePid === null ? {} : { activePid }),
      })),
    },
    checksums: details.checksums,
    superusers: details.superusers ?? [],
    ...(details.collation === null ? {} : { collation: details.collation }),
  };
}

/** Our own two questions use a walsender of their own for a moment. */
function freeSenders(floors: Readonly<Record<string, number>>, used: number): { free: number; most: number } {
  const most = floors['max_wal_senders'] ?? 0;
  return { free: Math.max(0, most - used), most };
}

/** Where the upstream's host was looked at, its superuser said more. */
function seenOf(
  seen: Extract<NodeState, { server: unknown }>,
  floors: Readonly<Record<string, number>>,
  earlier: readonly number[],
): Partial<Source> {
  const { server } = seen;
  const most = Number(server.settings['max_replication_slots']?.value ?? 0);
  return {
    isStandby: seen.is === 'standby',
    ...(server.dataBytes > 0 ? { dataBytes: server.dataBytes, tablespaces: server.tablespaces } : {}),
    senders: freeSenders(floors, server.walsenders.length - earlier.length),
    slots: {
      free: most - server.slots.length,
      most,
      known: server.slots.map(({ name, activePid, restartLsn, walStatus }) => ({
        name,
        reserved: restartLsn !== undefined,
        lost: walStatus === 'lost',
        ...(activePid === undefined ? {} : { activePid }),
      })),
    },
    checksums: server.settings['data_checksums']?.value === 'on',
    superusers: [
      server.user,
      ...server.roles.flatMap(({ name, login, superuser }) => (login && superuser ? [name] : [])),
    ],
  };
}
