import type { Cluster, Node } from '../cluster/types.ts';
import { majorOf, shown } from '../cluster/version.ts';
import type { ClusterState, NodeState, Slot } from '../facts/state.ts';
import { assess } from './health.ts';
import { pendingOf } from './healthOfServer.ts';
import { isStreaming } from './healthOfStandby.ts';
import type { Attachment } from '../facts/upstream.ts';
import { attachmentOf, upstreamOf } from '../facts/upstream.ts';
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

function rowOf(view: View, node: Node, found: NodeState): NodeRow {
  const live = attachmentOf(view.cluster, view.state, node.name);
  return {
    name: node.name,
    role: roleOf(found),
    state: stateWord(view, found, live),
    upstream: upstreamOf(view.cluster, view.state, node.name) ?? null,
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
  return { pendingRestart: pendingOf(found.server), slots: found.server.slots.map(slotRow) };
}

function slotRow({ name, active, held, walStatus }: Slot): SlotRow {
  return { name, active, heldBytes: held, walStatus: walStatus ?? null };
}
