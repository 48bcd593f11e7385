import type { Cluster, Node } from '../cluster/types.ts';
import type { Problem } from '../errors.ts';
import type { ClusterState, Slot } from '../facts/state.ts';
import { upstreamOf } from '../facts/upstream.ts';
import { isRunning, type RunningState } from '../facts/view.ts';
import { COMMAND } from './finding.ts';
import { findingsOf } from './health.ts';
import { hanging, lengthOf, padded, withCommands, type Paint } from './paint.ts';
import { humanBytes, humanSeconds } from './terminal.ts';

/** A slot, whose it is, and what becomes of it. */
export type SlotLine = {
  node: string;
  name: string;
  type: Slot['type'];
  active: boolean;
  /** The node of the file that uses it; null for a slot of nobody, or where no file says. */
  usedBy: string | null;
  /** Who is connected to it, by the name and the address that the server shows; null for an inactive one. */
  client: { pid: number; applicationName: string | null; address: string | null } | null;
  heldBytes: number;
  walStatus: string | null;
  /** Bytes it may still hold before it is lost: max_slot_wal_keep_size. */
  safeBytes: number | null;
  /** What it grows by if it does not move; null for an active one, and where nothing is known. */
  bytesPerSecond: number | null;
  /** Until max_slot_wal_keep_size, or the disk where there is no such bound, is reached. */
  secondsLeft: number | null;
  problem?: Problem;
};

export function slotLines(
  cluster: Cluster,
  state: ClusterState,
  rates: ReadonlyMap<string, number>,
): SlotLine[] {
  return state.nodes
    .filter(isRunning)
    .flatMap((found) =>
      found.server.slots.map((slot) => lineOf(cluster, state, found, slot, rates.get(found.node))),
    );
}

function lineOf(
  cluster: Cluster,
  state: ClusterState,
  found: RunningState,
  slot: Slot,
  rate: number | undefined,
): SlotLine {
  const owner = cluster.nodes.find((node) => node.slot === slot.name && node.name !== found.node);
  const grows = slot.active || slot.restartLsn === undefined ? null : (rate ?? null);
  const room = slot.safeBytes ?? found.place.freeBytes;
  const problem = problemOf(cluster, state, found, slot, owner?.name);
  return {
    node: found.node,
    name: slot.name,
    type: slot.type,
    active: slot.active,
    usedBy: owner?.name ?? null,
    client: clientOf(found, slot),
    heldBytes: slot.held,
    walStatus: slot.walStatus ?? null,
    safeBytes: slot.safeBytes ?? null,
    bytesPerSecond: grows,
    secondsLeft: grows === null || grows === 0 ? null : Math.round(room / grows),
    ...(problem === undefined ? {} : { problem }),
  };
}

function clientOf({ server }: RunningState, { activePid: pid }: Slot): SlotLine['client'] {
  if (pid === undefined) return null;
  const sender = server.walsenders.find((each) => each.pid === pid);
  return { pid, applicationName: sender?.applicationName ?? null, address: sender?.address ?? null };
}

/** Why the slots of a node without a server are not known: what `status` says of it. */
export function unknownSlots(cluster: Cluster, state: ClusterState, node: Node): Problem {
  const [found] = findingsOf(cluster, state, node);
  const message = `${found?.message ?? `${node.name}: was not looked at`}; its slots are not known`;
  return found?.hint === undefined ? { message } : { message, hint: found.hint };
}

function problemOf(
  cluster: Cluster,
  state: ClusterState,
  found: RunningState,
  slot: Slot,
  owner: string | undefined,
): Problem | undefined {
  const drop = COMMAND.dropSlot(found.node, slot.name);
  if (slot.walStatus === 'lost') {
    const again = owner === undefined ? '' : `, then ${COMMAND.cloneAgain(owner)}`;
    return {
      message: `${found.node}: slot ${slot.name} is lost: WAL that it needs is gone`,
      hint: `${drop}${again}`,
    };
  }
  // Whoever is connected, or a subscriber, need not be in the file; and without a file it is not known whose a slot is.
  if (slot.active || slot.type === 'logical' || cluster.file === undefined) return undefined;
  if (owner === undefined) {
    const held = slot.held > 0 ? `, and holds ${humanBytes(slot.held)}` : '';
    return {
      message: `${found.node}: slot ${slot.name} belongs to no node of the cluster${held}`,
      hint: drop,
    };
  }
  const upstream = upstreamOf(cluster, state, owner);
  if (slot.held === 0 || upstream === undefined || upstream === found.node) return undefined;
  return {
    message: `${found.node}: slot ${slot.name} holds ${humanBytes(slot.held)} for ${owner}, which streams from ${upstream}`,
    hint: drop,
  };
}

/** A node of the file; else what is known of who is connected: `pg2 (10.0.0.12)`. */
function userOf({ usedBy, client }: SlotLine): string {
  if (usedBy !== null || client === null) return usedBy ?? '-';
  const { pid, applicationName, address } = client;
  const name = applicationName === null || applicationName === '' ? `process ${pid}` : applicationName;
  return address === null ? name : `${name} (${address})`;
}

const COLUMNS: readonly (readonly [string, (line: SlotLine) => string])[] = [
  ['node', (line) => line.node],
  ['slot', (line) => line.name],
  ['used by', userOf],
  ['state', (line) => (line.active ? 'active' : 'inactive') + (line.type === 'logical' ? ', logical' : '')],
  ['holds', (line) => humanBytes(line.heldBytes)],
  ['wal', (line) => line.walStatus ?? '-'],
  ['grows', (line) => (line.bytesPerSecond === null ? '-' : `${humanBytes(line.bytesPerSecond)}/s`)],
  ['full in', (line) => (line.secondsLeft === null ? '-' : humanSeconds(line.secondsLeft))],
];

/** The slots of every node, and below them what is wrong. */
export function slotTable(
  lines: readonly SlotLine[],
  problems: readonly Problem[],
  look: { width: number; color: Paint; unicode: boolean },
): string {
  const columns = COLUMNS.map(([title, cell]) => {
    const cells = [title, ...lines.map(cell)];
    const wide = Math.max(...cells.map(lengthOf));
    return cells.map((text) => padded(text, wide));
  });
  const rows = ['', ...lines].map((_, at) =>
    columns
      .map((column) => column[at] ?? '')
      .join('  ')
      .trimEnd(),
  );
  const [header = '', ...rest] = rows;
  const table = lines.length === 0 ? ['there is no slot'] : [look.color.dim(header), ...rest];
  const told = problems.flatMap(({ message, hint }) => [
    ...hanging(look.unicode ? '✗ ' : 'x ', message, look.width).map((line) => look.color.red(line)),
    ...(hint === undefined ? [] : hanging(look.unicode ? '  → ' : '  -> ', hint, look.width)).map((line) =>
      withCommands(line, look.color),
    ),
  ]);
  return [...table, ...(told.length > 0 ? ['', ...told] : []), ''].join('\n');
}
