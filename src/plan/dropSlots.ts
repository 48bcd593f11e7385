import type { Cluster } from '../cluster/types.ts';
import { sqlLiteral } from '../tools/words.ts';
import type { Step } from './plan.ts';
import { inLane, socketOf, sql, type Up } from './steps.ts';

/** Slots of those who streamed from the old primary hold WAL there that nobody fetches any more. */
export function dropSlots(cluster: Cluster, found: Up, names: readonly string[]): readonly Step[] {
  const used = cluster.nodes.filter(({ name }) => names.includes(name)).map(({ slot }) => slot);
  const there = found.server.slots.flatMap(({ name, type }) =>
    type === 'physical' && used.includes(name) ? [name] : [],
  );
  return dropUnused(found, there);
}

/** No step where no slot is named. */
export function dropUnused(found: Up, slots: readonly string[], lane?: string): readonly Step[] {
  if (slots.length === 0) return [];
  const what = `the slot${slots.length === 1 ? '' : 's'} ${slots.join(' and ')}`;
  return [dropStep(found, slots, `drop ${what}, which nobody uses here any more`, lane)];
}

/** Slots that are in use by then stay. */
export function dropStep(found: Up, slots: readonly string[], why: string, lane?: string): Step {
  const names = slots.map(sqlLiteral).join(', ');
  const text = `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name IN (${names}) AND NOT active;`;
  return sql(found.node, why, socketOf(found), [text], inLane(lane));
}
