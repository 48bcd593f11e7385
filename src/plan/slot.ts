import type { Cluster } from '../cluster/types.ts';
import type { Problem } from '../errors.ts';
import type { ClusterState, Slot } from '../facts/state.ts';
import { sqlLiteral } from '../tools/words.ts';
import type { Plan } from './plan.ts';
import { isSeen, isUp, socketOf, sql, type Up } from './steps.ts';

export type SlotRequest = { node: string; slot: string };

/** A physical slot, not reserved: it holds nothing back until a standby uses it. */
export function planSlotCreate(state: ClusterState, { node, slot }: SlotRequest): Plan {
  const title = `create the slot ${slot} on ${node}`;
  const found = runningOf(state, node);
  if ('message' in found) return refused(title, [found], true);
  const there = found.server.slots.find(({ name }) => name === slot);
  const refusals = there === undefined ? noRoom(found, slot) : otherKind(found, there);
  if (refusals.length > 0) return refused(title, refusals);
  const text = `SELECT pg_create_physical_replication_slot(${sqlLiteral(slot)});`;
  const steps = there === undefined ? [sql(node, `the slot ${slot}`, socketOf(found), [text])] : [];
  return { title, refusals: [], steps };
}

/** Drops a slot nobody is using at the moment; what its user loses is asked about first. */
export function planSlotDrop(cluster: Cluster, state: ClusterState, { node, slot }: SlotRequest): Plan {
  const title = `drop the slot ${slot} on ${node}`;
  const found = runningOf(state, node);
  if ('message' in found) return refused(title, [found], true);
  const there = found.server.slots.find(({ name }) => name === slot);
  if (there === undefined) return { title, refusals: [], steps: [] };
  if (there.active) return refused(title, [inUse(found, there)]);
  const text = `SELECT pg_drop_replication_slot(${sqlLiteral(slot)});`;
  return {
    title,
    refusals: [],
    steps: [sql(node, `drop the slot ${slot}`, socketOf(found), [text])],
    confirm: losses(cluster, there, node),
  };
}

/** Who has the slot, as its server tells. */
export function userOf(found: Up, slot: Slot): string {
  const sender = found.server.walsenders.find(
    (each) => each.slot === slot.name || each.pid === slot.activePid,
  );
  return sender?.applicationName ?? `process ${slot.activePid ?? 'unknown'}`;
}

function runningOf(state: ClusterState, node: string): Up | Problem {
  const found = state.nodes.find((each) => each.node === node);
  if (found !== undefined && isUp(found)) return found;
  if (found === undefined || !isSeen(found)) {
    const hint = found?.hint === undefined ? {} : { hint: found.hint };
    return { message: found?.because ?? `${node}: was not looked at`, ...hint };
  }
  return {
    message: `${node}: no server answers there, and only a running one can be asked about its slots`,
    hint: 'Start it first.',
  };
}

function refused(title: string, refusals: readonly Problem[], unreachable = false): Plan {
  return { title, refusals, unreachable, steps: [] };
}

function noRoom(found: Up, slot: string): readonly Problem[] {
  const most = Number(found.server.settings['max_replication_slots']?.value ?? Number.NaN);
  if (!(found.server.slots.length >= most)) return [];
  return [
    {
      message: `${found.node}: there is no room for the slot ${slot}: max_replication_slots is ${most}, and so many are there`,
      hint: `Drop one that nobody needs (pgrepl slot list ${found.node}), or raise max_replication_slots and restart.`,
    },
  ];
}

function otherKind(found: Up, slot: Slot): readonly Problem[] {
  if (slot.type === 'physical') return [];
  const message = `${found.node}: ${slot.name} is there as a logical slot, and a standby needs a physical one`;
  return [{ message, hint: 'Choose another name.' }];
}

function inUse(found: Up, slot: Slot): Problem {
  return {
    message: `${found.node}: the slot ${slot.name} is in use by ${userOf(found, slot)}`,
    hint: 'Stop who uses it first; pgrepl remove-standby does both for a standby of the cluster.',
  };
}

function losses(cluster: Cluster, slot: Slot, node: string): readonly string[] {
  const owner = cluster.nodes.find((other) => other.slot === slot.name && other.name !== node);
  const standby =
    owner === undefined
      ? []
      : [`drop the slot ${slot.name} on ${node}, which ${owner.name} uses: it may have to be copied anew`];
  const logical =
    slot.type === 'physical'
      ? []
      : [`drop the logical slot ${slot.name} on ${node}: its subscriber loses its place in the stream`];
  return [...standby, ...logical];
}
