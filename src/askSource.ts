import type { Node } from './cluster/types.ts';
import type { ServerVersion } from './cluster/version.ts';
import type { Problem } from './errors.ts';
import { parseLsn, type Lsn } from './facts/lsn.ts';
import type { ClusterState, NodeState } from './facts/state.ts';
import { replicationPsql } from './plan/copy.ts';
import type { Link } from './plan/link.ts';
import type { Source } from './plan/source.ts';
import { isUp, type Seen } from './plan/steps.ts';
import { conninfo } from './render/conninfo.ts';
import { decides, parseHba } from './render/hba.ts';
import type { Spawn, Spawned } from './run/spawn.ts';
import { script, WITH_PASSWORD } from './tools/shell.ts';

export type Asking = {
  spawn: Spawn;
  onNode: (step: { node: string }, argv: readonly string[]) => readonly string[];
};

export type Asked = Source | { problems: readonly Problem[]; unreachable: boolean };

const FLOORS = [
  'max_connections',
  'max_prepared_transactions',
  'max_locks_per_transaction',
  'max_wal_senders',
  'max_worker_processes',
] as const;

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
  'slotsMost', current_setting('max_replication_slots')::int,
  'senders', (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'),
  'checksums', current_setting('data_checksums') = 'on',
  'collation', (SELECT max(collversion) FROM pg_collation WHERE collprovider = 'c' AND collversion IS NOT NULL));`;

type Details = {
  standby: boolean;
  spaces: [string, string, number | null][] | null;
  databases: number | null;
  slots: [string, number | null, boolean, boolean][] | null;
  slotsMost: number;
  senders: number;
  checksums: boolean;
  collation: string | null;
};

/**
 * Asks the upstream from the standby's host, as the replication role: so the login is proved where it will be
 * used, and with nothing but replication credentials as much is known as may be seen.
 */
export async function askSource(
  name: string,
  node: Node,
  found: Seen,
  link: Link,
  state: ClusterState,
  asking: Asking,
): Promise<Asked> {
  const psql = found.machine.programs.psql;
  if (psql === undefined)
    return {
      problems: [
        { message: `${node.name}: no psql is there`, hint: "Install PostgreSQL's client programs." },
      ],
      unreachable: false,
    };
  const password = link.password === undefined ? '' : `${link.password.reveal()}\n`;
  const ask = (argv: readonly string[], sql: string): Promise<Spawned> => {
    const words = link.password === undefined ? argv : script(WITH_PASSWORD, 'with-password', ...argv);
    return asking.spawn(asking.onNode({ node: node.name }, words), {
      stdin: `${password}${sql}\n`,
      seconds: 30,
    });
  };
  const database = conninfo({
    host: link.host,
    port: String(link.port),
    user: link.role,
    dbname: 'postgres',
    connect_timeout: '10',
    application_name: 'pgrepl',
  });
  const [simple, details] = await Promise.all([
    ask(replicationPsql(psql, link), SIMPLE.map((command) => `${command};`).join('\n')),
    ask([psql, '-XAtqw', '-v', 'ON_ERROR_STOP=1', '-d', database], DETAILS),
  ]);
  if (simple.code !== 0) return whyNot(name, node, link, state, simple);
  return sourceOf(
    name,
    simple.stdout,
    details.code === 0 ? (JSON.parse(details.stdout) as Details) : undefined,
    state,
  );
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
    ...(isUp(seen) ? seenOf(seen, floors) : {}),
  };
}

function detailsOf(details: Details, floors: Readonly<Record<string, number>>): Partial<Source> {
  const spaces = details.spaces ?? [];
  const known = details.slots ?? [];
  const sum = spaces
    .filter(([, location]) => location === '')
    .reduce((total, [, , bytes]) => total + (bytes ?? 0), 0);
  return {
    dataBytes: Math.max(sum, details.databases ?? 0),
    tablespaces: spaces
      .filter(([, location]) => location !== '')
      .map(([space, location, bytes]) => ({ name: space, location, bytes: bytes ?? 0 })),
    senders: freeSenders(floors, details.senders),
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
): Partial<Source> {
  const { server } = seen;
  const most = Number(server.settings['max_replication_slots']?.value ?? 0);
  return {
    isStandby: seen.is === 'standby',
    ...(server.dataBytes > 0 ? { dataBytes: server.dataBytes, tablespaces: server.tablespaces } : {}),
    senders: freeSenders(floors, server.walsenders.length),
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
  };
}

/** libpq's words, LC_MESSAGES of the server aside, and which line of pg_hba.conf decided where it can be read. */
function whyNot(name: string, node: Node, link: Link, state: ClusterState, ended: Spawned): Asked {
  const said = ended.timedOut
    ? 'no answer in time'
    : (ended.stderr.trim().split('\n').at(-1) ?? '').replace(/^psql: (error: )?/, '');
  const where = `${node.name}: ${name} (${link.host}:${link.port}) does not let the role ${link.role} replicate from here: ${said}`;
  if (/password authentication failed|no password supplied|SASL|authentication/i.test(said)) {
    return {
      problems: [
        {
          message: where,
          hint: `${decidingLine(name, link, state, said)}pgrepl init-primary ${name} sets the password of the role; --password-file names it here.`,
        },
      ],
      unreachable: false,
    };
  }
  if (/pg_hba\.conf/.test(said)) {
    return {
      problems: [
        {
          message: where,
          hint: `${decidingLine(name, link, state, said)}pgrepl init-primary ${name} --allow ADDRESS lets this host in.`,
        },
      ],
      unreachable: false,
    };
  }
  if (
    /role .* does not exist|permission|must be superuser or replication|FATAL/i.test(said) &&
    !/starting up|shutting down/.test(said)
  ) {
    return {
      problems: [{ message: where, hint: `pgrepl init-primary ${name} makes the role.` }],
      unreachable: false,
    };
  }
  return {
    problems: [
      {
        message: `${node.name}: ${name} (${link.host}:${link.port}) cannot be reached from here: ${said}`,
        hint: 'Is it running, and does it listen on that address and port?',
      },
    ],
    unreachable: true,
  };
}

function decidingLine(name: string, link: Link, state: ClusterState, said: string): string {
  const seen = state.nodes.find(({ node }) => node === name);
  const address = /host "([^"]+)"/.exec(said)?.[1] ?? (link.host === 'localhost' ? '127.0.0.1' : link.host);
  if (!isUp(seen) || seen.place.files.hba === undefined) return '';
  const { path, text } = seen.place.files.hba;
  const record = decides(parseHba(text).records, { replication: true, user: link.role, address, ssl: false });
  return record === undefined
    ? `No line of ${path} lets ${address} in for replication. `
    : `${path} line ${record.line} decides (${record.method}). `;
}
