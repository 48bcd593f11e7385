import type { Cluster, Node } from '../cluster/types.ts';
import { majorOf, shown } from '../cluster/version.ts';
import type { ClusterState, NodeState, Slot, Walsender } from '../facts/state.ts';
import { assess } from './health.ts';
import { pendingOf } from './healthOfServer.ts';
import { isStreaming } from './healthOfStandby.ts';
import type { Attachment } from '../facts/upstream.ts';
import { attachmentOf, endpointsOf, guestsOf, upstreamOf } from '../facts/upstream.ts';
import type { RunningState, View } from '../facts/view.ts';
import {
  bytesBehind,
  isRunning,
  lagBytesOf,
  positionOf,
  stateOf,
  systemOf,
  timelineOf,
  viewOf,
} from '../facts/view.ts';

/** A node as `--json` shows it: docs/contract.md. What is not known is null. */
export type NodeRow = {
  name: string;
  role: 'primary' | 'standby' | 'unknown' | 'none';
  state:
    | 'running'
    | 'streaming'
    | 'catchup'
    | 'not streaming'
    | 'stopped'
    | 'unreachable'
    | 'starting'
    | 'empty'
    | 'foreign';
  upstream: string | null;
  timeline: number | null;
  systemIdentifier: string | null;
  version: string | null;
  receivedLsn: string | null;
  replayedLsn: string | null;
  lagBytes: number | null;
  lagSeconds: number | null;
  slot: string | null;
  sync: 'async' | 'sync' | 'quorum' | 'potential' | null;
  pendingRestart: string[];
  slots: SlotRow[];
  problems: string[];
};

export type SlotRow = { name: string; active: boolean; heldBytes: number; walStatus: string | null };

export function nodeRows(cluster: Cluster, state: ClusterState): NodeRow[] {
  const view = viewOf(cluster, state);
  const findings = assess(cluster, state);
  return cluster.nodes.flatMap((node) => {
    const found = stateOf(state, node.name);
    if (found === undefined) return [];
    const problems = findings.filter((each) => each.node === node.name).map((each) => each.message);
    return [{ ...rowOf(view, node, found), problems }];
  });
}

/** A row of the tree that is no node of the cluster. */
export type TreeRow = Omit<NodeRow, 'state'> & { state: string };

const NOBODY: TreeRow = {
  name: '',
  role: 'unknown',
  state: 'elsewhere',
  upstream: null,
  timeline: null,
  systemIdentifier: null,
  version: null,
  receivedLsn: null,
  replayedLsn: null,
  lagBytes: null,
  lagSeconds: null,
  slot: null,
  sync: null,
  pendingRestart: [],
  slots: [],
  problems: [],
};

/** Who the nodes stream from and to that is no node: upstreams elsewhere, and what pg_stat_replication shows. */
export function guestRows(cluster: Cluster, state: ClusterState): TreeRow[] {
  const streamers = state.nodes.filter(({ node }) => upstreamOf(cluster, state, node) === undefined);
  const upstreams = new Set(streamers.flatMap((found) => elsewhereOf(found) ?? []));
  const guests = state.nodes.flatMap((found) =>
    guestsOf(cluster, found)
      .map((walsender) => guestRow(found, walsender))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
  return [...[...upstreams].map((name) => ({ ...NOBODY, name })), ...guests];
}

function guestRow(found: NodeState, walsender: Walsender): TreeRow {
  const { applicationName, address, state, flushed, replayed, slot } = walsender;
  const behind = isRunning(found) ? bytesBehind(positionOf(found), replayed ?? flushed) : undefined;
  return {
    ...NOBODY,
    name: address === undefined ? applicationName : `${applicationName} (${address})`,
    role: state === 'streaming' || state === 'catchup' ? 'standby' : 'unknown',
    state,
    upstream: found.node,
    receivedLsn: flushed ?? null,
    replayedLsn: replayed ?? null,
    lagBytes: behind ?? null,
    slot: slot ?? null,
    sync: SYNCS.find((each) => each === walsender.sync) ?? null,
  };
}

/** Where a standby connects to, as HOST:PORT: for one whose upstream is no node that is looked at. */
function elsewhereOf(found: NodeState): string | undefined {
  const [endpoint] = endpointsOf(found);
  if (endpoint === undefined) return undefined;
  return `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}

function rowOf(view: View, node: Node, found: NodeState): NodeRow {
  const live = attachmentOf(view.cluster, view.state, node.name);
  return {
    name: node.name,
    role: roleOf(found),
    state: stateWord(view, found, live),
    upstream: upstreamOf(view.cluster, view.state, node.name) ?? elsewhereOf(found) ?? null,
    timeline: timelineOf(found) ?? null,
    systemIdentifier: systemOf(found) ?? null,
    version: versionOf(found),
    ...positions(view, found, live),
    slot: live?.walsender.slot ?? (found.is === 'standby' && found.slot !== '' ? found.slot : null),
    sync: syncOf(live),
    ...ownFacts(found),
    problems: [],
  };
}

function roleOf(found: NodeState): NodeRow['role'] {
  switch (found.is) {
    case 'primary':
    case 'standby':
      return found.is;
    case 'stopped':
      return found.standby ? 'standby' : 'primary';
    case 'empty':
    case 'foreign':
      return 'none';
    case 'unreachable':
    case 'mute':
      return 'unknown';
  }
}

function stateWord(view: View, found: NodeState, live: Attachment | undefined): NodeRow['state'] {
  switch (found.is) {
    case 'primary':
      return 'running';
    case 'mute':
      return found.starting ? 'starting' : 'unreachable';
    case 'standby':
      if (!isStreaming(view, found)) return 'not streaming';
      return live?.walsender.state === 'catchup' ? 'catchup' : 'streaming';
    case 'stopped':
    case 'unreachable':
    case 'empty':
    case 'foreign':
      return found.is;
  }
}

function versionOf(found: NodeState): string | null {
  if (isRunning(found)) return shown(found.server.version);
  // A data directory by itself tells the major alone.
  return found.is === 'stopped' ? String(majorOf(found.version)) : null;
}

type Positions = Pick<NodeRow, 'receivedLsn' | 'replayedLsn' | 'lagBytes' | 'lagSeconds'>;

/** Of a node that does not answer its upstream knows how far it is. */
function positions(view: View, found: NodeState, live: Attachment | undefined): Positions {
  if (isRunning(found)) return ownPositions(view, found);
  const { flushed, replayed } = live?.walsender ?? {};
  const ahead = stateOf(view.state, live?.upstream ?? '');
  const behind = isRunning(ahead) ? bytesBehind(positionOf(view.primary ?? ahead), replayed) : undefined;
  return {
    receivedLsn: flushed ?? null,
    replayedLsn: replayed ?? null,
    lagBytes: behind ?? null,
    lagSeconds: null,
  };
}

function ownPositions(view: View, found: RunningState): Positions {
  if (found.is === 'primary') {
    return { receivedLsn: found.current, replayedLsn: found.current, lagBytes: 0, lagSeconds: 0 };
  }
  return {
    receivedLsn: positionOf(found) ?? null,
    replayedLsn: found.replayed ?? null,
    lagBytes: lagBytesOf(view, found, upstreamOf(view.cluster, view.state, found.node)) ?? null,
    lagSeconds: found.lagSeconds,
  };
}

const SYNCS = ['async', 'sync', 'quorum', 'potential'] as const;

function syncOf(live: Attachment | undefined): NodeRow['sync'] {
  return SYNCS.find((each) => each === live?.walsender.sync) ?? null;
}

function ownFacts(found: NodeState): Pick<NodeRow, 'pendingRestart' | 'slots'> {
  if (!isRunning(found)) return { pendingRestart: [], slots: [] };
  return { pendingRestart: pendingOf(found.server, found.is), slots: found.server.slots.map(slotRow) };
}

function slotRow({ name, active, held, walStatus }: Slot): SlotRow {
  return { name, active, heldBytes: held, walStatus: walStatus ?? null };
}
