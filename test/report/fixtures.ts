import type { Cluster, Node } from '../../src/cluster/types.ts';
import { ofMajor } from '../../src/cluster/version.ts';
import type { ServerVersion } from '../../src/cluster/version.ts';
import type {
  ClusterState,
  ControlData,
  Machine,
  NodeState,
  Place,
  Server,
  Setting,
  Slot,
} from '../../src/facts/state.ts';
import * as made from '../plan/support/servers.ts';
import { walsender } from '../plan/support/servers.ts';
import type { PrimaryState, StandbyState } from '../../src/facts/view.ts';

export const MB = 1024 * 1024;
export { lsn, walsender } from '../plan/support/servers.ts';

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

/** Of a host where nothing was looked for. */
const MACHINE: Machine = made.machine({ programs: {}, bindirs: {} });

export function place(more: Partial<Place> = {}): Place {
  return made.place('data', { files: { included: [] }, ...more });
}

export function setting(value: string, more: Partial<Setting> = {}): Setting {
  return { value, unit: '', context: 'sighup', source: 'default', pendingRestart: false, ...more };
}

/** A server of 17 whose settings were not asked. */
export function server(more: Partial<Server> = {}): Server {
  return made.server({
    version: 170011 as ServerVersion,
    socketDir: '/run/postgresql',
    systemIdentifier: '7412',
    settings: {},
    dataBytes: 0,
    ...more,
  });
}

/** A slot in use. */
export function slot(name: string, more: Partial<Slot> = {}): Slot {
  return made.slot(name, { active: true, walStatus: 'reserved', ...more });
}

export function primary(
  name: string,
  more: Partial<Server> = {},
  rest: Partial<PrimaryState> = {},
): PrimaryState {
  return { ...made.primary(name), machine: MACHINE, place: place(), server: server(more), ...rest };
}

/** One that streams from pg1. */
export function standby(
  name: string,
  rest: Partial<StandbyState> = {},
  more: Partial<Server> = {},
): StandbyState {
  return {
    ...made.standby(name),
    machine: MACHINE,
    place: place(),
    server: server(more),
    streaming: { status: 'streaming', sender: '10.0.0.1', senderPort: 5432, slot: name, receivedTimeline: 1 },
    conninfo: 'host=10.0.0.1 port=5432 user=replicator',
    slot: name,
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
    ...made.stopped(name, { standby: isStandby, control: { systemIdentifier: '7412', ...control } }),
    machine: MACHINE,
    place: place(),
    version: ofMajor(17),
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
