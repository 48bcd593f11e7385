import type { Cluster, Node } from '../../../src/cluster/types.ts';
import type { ServerVersion } from '../../../src/cluster/version.ts';
import type { Lsn } from '../../../src/facts/lsn.ts';
import type {
  ControlData,
  Machine,
  NodeState,
  Place,
  Server,
  Setting,
  Slot,
  Walsender,
} from '../../../src/facts/state.ts';

/** Servers as a probe would have found them: what a test does not say is as it is on a healthy host. */

export const SYSTEM = '7412345678901234567';
export const lsn = (text: string): Lsn => text as Lsn;

type Of<Is extends NodeState['is']> = Extract<NodeState, { is: Is }>;

const BIN = '/usr/lib/postgresql/15/bin';

export function machine(more: Partial<Machine> = {}): Machine {
  const names = ['postgres', 'pg_ctl', 'psql', 'pg_basebackup', 'pg_controldata', 'pg_rewind'] as const;
  return {
    login: 'postgres',
    by: 'self',
    hostname: 'h',
    os: 'Debian',
    libc: 'glibc 2.36',
    programs: Object.fromEntries(names.map((name) => [name, `${BIN}/${name}`])),
    major: 15,
    bindirs: { '15': BIN },
    systemd: false,
    postgresqlCommon: false,
    ...more,
  };
}

export function place(name: string, more: Partial<Place> = {}): Place {
  const pgdata = `/pg/${name}`;
  return {
    pgdata,
    real: pgdata,
    exists: true,
    nearest: pgdata,
    mountPoint: false,
    parentWritable: true,
    creatable: true,
    freeBytes: 100 * 1024 ** 3,
    foreignOwner: false,
    staging: `${pgdata}.pgrepl-new`,
    staged: false,
    complete: false,
    obstacles: [],
    signals: [],
    socketDirs: ['/tmp'],
    listening: [],
    aside: [],
    tablespaces: [],
    service: { by: 'pg_ctl' },
    files: {
      conf: { path: `${pgdata}/postgresql.conf`, text: '' },
      auto: { path: `${pgdata}/postgresql.auto.conf`, text: '' },
      included: [],
    },
    ...more,
  };
}

export function settings(values: Readonly<Record<string, string>>): Record<string, Setting> {
  const made = Object.entries(values).map(([name, value]) => {
    const setting: Setting = { value, unit: '', context: '', source: '', pendingRestart: false };
    return [name, setting] as const;
  });
  return Object.fromEntries(made);
}

const DEFAULTS = {
  max_connections: '100',
  max_prepared_transactions: '0',
  max_locks_per_transaction: '64',
  max_wal_senders: '10',
  max_worker_processes: '8',
  max_replication_slots: '10',
  full_page_writes: 'on',
  data_checksums: 'on',
  wal_log_hints: 'off',
};

export function server(more: Partial<Server> & { set?: Readonly<Record<string, string>> } = {}): Server {
  const { set, ...rest } = more;
  return {
    version: 150018 as ServerVersion,
    pid: 1,
    port: 5432,
    socketDir: '/tmp',
    user: 'postgres',
    database: 'postgres',
    systemIdentifier: SYSTEM,
    timeline: 1,
    superuser: true,
    loaded: 0,
    settings: settings({ ...DEFAULTS, ...set }),
    fileErrors: [],
    fileSettings: [],
    hba: [],
    roles: [],
    slots: [],
    walsenders: [],
    tablespaces: [],
    dataBytes: 1,
    collations: [],
    backups: 0,
    archiver: { failing: false },
    sessions: 0,
    ...rest,
  } as Server;
}

export function primary(
  node: string,
  more: Parameters<typeof server>[0] = {},
  current = '0/5000000',
): Of<'primary'> {
  return {
    node,
    is: 'primary',
    machine: machine(),
    place: place(node),
    server: server(more),
    current: lsn(current),
  };
}

export function standby(
  node: string,
  more: Partial<Omit<Of<'standby'>, 'server'>> & { server?: Parameters<typeof server>[0] } = {},
): Of<'standby'> {
  const { server: said, ...rest } = more;
  return {
    node,
    is: 'standby',
    machine: machine(),
    place: place(node),
    server: server(said),
    received: lsn('0/5000000'),
    replayed: lsn('0/5000000'),
    paused: false,
    lagSeconds: 0,
    conninfo: '',
    slot: '',
    delayMs: 0,
    ...rest,
  };
}

export function control(more: Partial<ControlData> = {}): ControlData {
  return {
    version: 150000 as ServerVersion,
    systemIdentifier: SYSTEM,
    state: 'shut down',
    checkpoint: lsn('0/4000028'),
    redo: lsn('0/4000028'),
    timeline: 1,
    minRecoveryEnd: lsn('0/0'),
    minRecoveryTimeline: 0,
    checksums: true,
    walLogHints: false,
    floors: {},
    ...more,
  };
}

export function stopped(
  node: string,
  more: Partial<Omit<Of<'stopped'>, 'control'>> & { control?: Partial<ControlData> } = {},
): Of<'stopped'> {
  const { control: said, ...rest } = more;
  return {
    node,
    is: 'stopped',
    machine: machine(),
    place: place(node),
    version: 150000 as ServerVersion,
    control: control(said),
    standby: false,
    ...rest,
  };
}

export function walsender(name: string, more: Partial<Walsender> = {}): Walsender {
  return {
    pid: 7,
    applicationName: name,
    user: 'replicator',
    state: 'streaming',
    sync: 'async',
    slot: name,
    ...more,
  };
}

export function slot(name: string, more: Partial<Slot> = {}): Slot {
  return { name, type: 'physical', active: false, held: 0, ...more };
}

export function nodeOf(name: string, upstream?: string): Node {
  return {
    name,
    host: { via: 'local' },
    address: `10.0.0.${name}`,
    port: 5432,
    pgdata: `/pg/${name}`,
    slot: name,
    ...(upstream === undefined ? {} : { upstream }),
  };
}

export function clusterOf(...nodes: readonly Node[]): Cluster {
  return { name: 'shop', replication: { role: 'replicator' }, nodes, file: 'pgrepl.yaml' };
}
