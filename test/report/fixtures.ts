import type { Cluster, Node } from '../../src/cluster/types.ts';
import { ofMajor } from '../../src/cluster/version.ts';
import type { ServerVersion } from '../../src/cluster/version.ts';
import type { Lsn } from '../../src/facts/lsn.ts';
import type {
  ClusterState,
  ControlData,
  Machine,
  NodeState,
  Place,
  Server,
  Setting,
  Slot,
  Walsender,
} from '../../src/facts/state.ts';
import type { PrimaryState, StandbyState } from '../../src/facts/view.ts';

export const MB = 1024 * 1024;
export const lsn = (text: string) => text as Lsn;

export function node(name: string, more: Partial<Node> = {}): Node {
  return { name, host: { via: 'local' }, address: `10.0.0.${name.slice(2)}`, slot: name, ...more };
}

/** pg1, and pg2 and pg3 that stream from it. */
export const CLUSTER: Cluster = {
  name: 'shop',
  replication: { role: 'replicator' },
  nodes: [node('pg1'), node('pg2', { upstream: 'pg1' }), node('pg3', { upstream: 'pg1' })],
  file: 'pgrepl.yaml',
};

const MACHINE: Machine = {
  login: 'postgres',
  by: 'self',
  hostname: 'h',
  os: 'Linux',
  libc: 'glibc 2.36',
  programs: {},
  bindirs: {},
  systemd: false,
  postgresqlCommon: false,
};

export function place(more: Partial<Place> = {}): Place {
  return {
    pgdata: '/pg/data',
    real: '/pg/data',
    exists: true,
    signals: [],
    service: { by: 'pg_ctl' },
    files: { included: [] },
    ...more,
  } as Place;
}

export function setting(value: string, more: Partial<Setting> = {}): Setting {
  return { value, unit: '', context: 'sighup', source: 'default', pendingRestart: false, ...more };
}

export function server(more: Partial<Server> = {}): Server {
  return {
    version: 170011 as ServerVersion,
    pid: 1,
    port: 5432,
    socketDir: '/run/postgresql',
    user: 'postgres',
    database: 'postgres',
    systemIdentifier: '7412',
    timeline: 1,
    superuser: true,
    settings: {},
    fileErrors: [],
    fileSettings: [],
    hba: [],
    roles: [],
    slots: [],
    walsenders: [],
    tablespaces: [],
    dataBytes: 0,
    collations: [],
    backups: 0,
    archiver: { failing: false },
    sessions: 0,
    ...more,
  } as Server;
}

export function slot(name: string, more: Partial<Slot> = {}): Slot {
  return { name, type: 'physical', active: true, held: 0, walStatus: 'reserved', ...more };
}

export function walsender(name: string, more: Partial<Walsender> = {}): Walsender {
  return {
    pid: 9,
    applicationName: name,
    user: 'replicator',
    state: 'streaming',
    sync: 'async',
    slot: name,
    ...more,
  };
}

export function primary(
  name: string,
  more: Partial<Server> = {},
  rest: Partial<PrimaryState> = {},
): PrimaryState {
  return {
    node: name,
    is: 'primary',
    machine: MACHINE,
    place: place(),
    server: server(more),
    current: lsn('0/5000000'),
    ...rest,
  };
}

export function standby(
  name: string,
  rest: Partial<StandbyState> = {},
  more: Partial<Server> = {},
): StandbyState {
  return {
    node: name,
    is: 'standby',
    machine: MACHINE,
    place: place(),
    server: server(more),
    received: lsn('0/5000000'),
    replayed: lsn('0/5000000'),
    paused: false,
    lagSeconds: 0,
    streaming: { status: 'streaming', sender: '10.0.0.1', senderPort: 5432, slot: name, receivedTimeline: 1 },
    conninfo: 'host=10.0.0.1 port=5432 user=replicator',
    slot: name,
    delayMs: 0,
    ...rest,
  };
}

/** The same standby, without a receiver. */
export function detached(
  name: string,
  rest: Partial<StandbyState> = {},
  more: Partial<Server> = {},
): StandbyState {
  const whole = standby(name, {}, more);
  delete whole.streaming;
  return { ...whole, ...rest };
}

export function stopped(name: string, isStandby: boolean, control: Partial<ControlData> = {}): NodeState {
  return {
    node: name,
    is: 'stopped',
    machine: MACHINE,
    place: place(),
    version: ofMajor(17),
    standby: isStandby,
    control: {
      systemIdentifier: '7412',
      state: 'shut down',
      timeline: 1,
      minRecoveryTimeline: 0,
      ...control,
    } as ControlData,
  };
}

export const unreachable = (name: string): NodeState => ({
  node: name,
  is: 'unreachable',
  because: 'connection timed out',
});
export const empty = (name: string): NodeState => ({
  node: name,
  is: 'empty',
  machine: MACHINE,
  place: place(),
});
export const foreign = (name: string): NodeState => ({
  node: name,
  is: 'foreign',
  machine: MACHINE,
  place: place(),
  found: ['photo.jpg'],
});
export const mute = (name: string, starting: boolean): NodeState => ({
  node: name,
  is: 'mute',
  machine: MACHINE,
  place: place(),
  because: 'the database system is starting up',
  starting,
});

/** pg1 as a primary that has both standbys attached. */
export function attachedPrimary(more: Partial<Server> = {}, rest: Partial<PrimaryState> = {}): PrimaryState {
  const both = { walsenders: [walsender('pg2'), walsender('pg3')], slots: [slot('pg2'), slot('pg3')] };
  return primary('pg1', { ...both, ...more }, rest);
}

export function stateWith(...nodes: readonly NodeState[]): ClusterState {
  return { nodes };
}

export const HEALTHY = stateWith(attachedPrimary(), standby('pg2'), standby('pg3'));
