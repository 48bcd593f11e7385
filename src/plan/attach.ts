import { dropStep, dropUnused } from './dropSlots.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import type { Problem } from '../errors.ts';
import { FLOORS } from '../facts/floors.ts';
import type { Lsn } from '../facts/lsn.ts';
import type { ClusterState } from '../facts/state.ts';
import { attachmentOf } from '../facts/upstream.ts';
import { positionOf } from '../facts/view.ts';
import { sqlLiteral } from '../tools/words.ts';
import { segmentOf, segmentOfName, type History } from './divergence.ts';
import { effective } from './effective.ts';
import type { Link } from './link.ts';
import { slotSteps } from './move.ts';
import type { Step } from './plan.ts';
import { ask, isUp, socketOf, type Seen, type Up } from './steps.ts';

/** What an upstream told of its WAL. */
export type Wal = {
  history: History;
  /** The last sixteen digits of the first segment that it still has. */
  oldest?: string;
  segmentBytes: number;
  /** The first and the last segment that it has of each timeline. */
  segments?: readonly (readonly [string, string])[];
};

/** Whether the upstream itself shows who uses the slot streaming. */
export function isAttached(upstream: Up, link: Link): boolean {
  return upstream.server.walsenders.some(({ slot, state }) => slot === link.slot && state === 'streaming');
}

/** The upstream's word that the standby streams from it, and has every byte that was there when this was planned. */
export function attachedStep(node: string, upstream: Up, link: Link, seconds: number): Step {
  const noted = positionOf(upstream) ?? '0/0';
  const text = `SELECT EXISTS (SELECT FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid
  WHERE s.slot_name = ${sqlLiteral(link.slot)} AND r.application_name = ${sqlLiteral(link.applicationName)}
    AND r.state = 'streaming' AND r.flush_lsn >= ${sqlLiteral(noted)});`;
  const why = `${upstream.node} shows ${node} streaming`;
  return { ...ask(upstream.node, why, socketOf(upstream), [text], 't', seconds), goal: true };
}

/** A slot that holds WAL from now on; one that is lost holds nothing and is made anew. */
export function slotFor(upstream: Up, link: Link): readonly Step[] {
  const there = upstream.server.slots.find(({ name }) => name === link.slot);
  if (there === undefined || there.walStatus !== 'lost') return slotSteps(upstream, link.slot);
  const without = {
    ...upstream,
    server: {
      ...upstream.server,
      slots: upstream.server.slots.filter((slot) => slot !== there),
    },
  };
  return [
    dropStep(upstream, [link.slot], `drop the slot ${link.slot}, which is lost`),
    ...slotSteps(without, link.slot),
  ];
}

/** Whether the upstream has room for one more standby, and its slot is free for this one. */
export function slotGates(upstream: Up, node: Node): readonly Problem[] {
  const { slots, settings, walsenders } = upstream.server;
  const there = slots.find(({ name }) => name === node.slot);
  const user = walsenders.find(({ slot }) => slot === node.slot);
  if (there?.type === 'logical') {
    return [
      {
        message: `${upstream.node}: ${node.slot} is there as a logical slot, and a standby needs a physical one`,
        hint: `Give ${node.name} another slot in the cluster file.`,
      },
    ];
  }
  if (user !== undefined && user.applicationName !== node.name) {
    return [
      {
        message: `${upstream.node}: the slot ${node.slot} is in use by ${user.applicationName}`,
        hint: `Give ${node.name} another slot in the cluster file, or stop who uses this one.`,
      },
    ];
  }
  const most = Number(settings['max_replication_slots']?.value ?? Number.NaN);
  const senders = Number(settings['max_wal_senders']?.value ?? Number.NaN);
  return [
    ...(there === undefined && slots.length >= most
      ? [
          {
            message: `${upstream.node}: all ${most} replication slots are taken`,
            hint: `Drop one that nobody needs (pgrepl slot list ${upstream.node}), or raise max_replication_slots.`,
          },
        ]
      : []),
    ...(user === undefined && walsenders.length >= senders
      ? [
          {
            message: `${upstream.node}: all ${senders} walsenders are taken`,
            hint: `Raise max_wal_senders on ${upstream.node}.`,
          },
        ]
      : []),
  ];
}

/** A hot standby with less than its primary stops, or pauses from 14 on (hot-standby, Administrator's Overview). */
export function floorGates(found: Seen, upstream: Up): readonly Problem[] {
  return floorProblems(found, upstream.node, (name) => upstream.server.settings[name]?.value);
}

/** The same of an upstream that is known by what it says of each setting. */
export function floorProblems(
  found: Seen,
  upstream: string,
  valueThere: (name: string) => string | number | undefined,
): readonly Problem[] {
  return FLOORS.flatMap((name) => {
    const own = effective(found, name);
    const theirs = valueThere(name);
    if (own === undefined || theirs === undefined || Number(own.value) >= Number(theirs)) return [];
    const where = own.file === undefined ? '' : ` (${own.file} line ${own.line ?? '?'})`;
    return [
      {
        message: `${found.node}: ${name} is ${own.value}${where}, and ${upstream} has ${theirs}: a standby may not have less`,
        hint: `Set ${name} = ${theirs} on ${found.node}${isUp(found) ? ' and restart it' : ''}, then run this again.`,
      },
    ];
  });
}

/** Whether the upstream still has the segment that is wanted first; an archive may have it otherwise. */
export function walGates(found: Seen, upstream: Up, wal: Wal, position: Lsn): readonly Problem[] {
  const restores = (effective(found, 'restore_command')?.value ?? '') !== '';
  if (restores || wal.oldest === undefined) return [];
  if (segmentOfName(wal.oldest, wal.segmentBytes) <= segmentOf(position, wal.segmentBytes)) return [];
  return [
    {
      message: `${found.node}: needs WAL from ${position} on, and ${upstream.node} has it no longer`,
      hint: `Set restore_command on ${found.node} if there is an archive; else it must be copied anew.`,
    },
  ];
}

/** The node's own slot where it streamed from before: it would hold WAL there until the disk is full. */
export function forgottenSlots(
  cluster: Cluster,
  state: ClusterState,
  node: Node,
  upstream: string,
): readonly Step[] {
  const shared = cluster.nodes.some(({ name, slot }) => name !== node.name && slot === node.slot);
  if (shared) return [];
  return state.nodes.flatMap((other) => {
    if (!isUp(other) || other.node === upstream || other.node === node.name) return [];
    const slot = other.server.slots.find(({ name, type }) => name === node.slot && type === 'physical');
    if (slot === undefined || (slot.active && !isUsedBy(other, node))) return [];
    const free = `SELECT NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${sqlLiteral(node.slot)} AND active);`;
    return [
      ...(slot.active
        ? [ask(other.node, `${node.name} has let go of ${other.node}`, socketOf(other), [free], 't', 60)]
        : []),
      ...dropUnused(other, [node.slot]),
    ];
  });
}

function isUsedBy(upstream: Up, node: Node): boolean {
  return upstream.server.walsenders.some(
    ({ slot, applicationName }) => slot === node.slot && applicationName === node.name,
  );
}

/** Whether WAL comes to the node from `source`, by whatever standbys are between. */
export function streamsFrom(cluster: Cluster, state: ClusterState, name: string, source: string): boolean {
  const seen = new Set<string>();
  for (let at: string | undefined = name; at !== undefined && !seen.has(at);) {
    seen.add(at);
    at = attachmentOf(cluster, state, at)?.upstream;
    if (at === source) return true;
  }
  return false;
}
