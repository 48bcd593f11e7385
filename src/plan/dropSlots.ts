import type { Cluster } from '../cluster/types.ts';
import { sqlLiteral } from '../tools/words.ts';
import type { Step } from './plan.ts';
import { socketOf, sql, type Up } from './steps.ts';

/** Slots of those who streamed from the old primary hold WAL there that nobody fetches any more. */
export function dropSlots(cluster: Cluster, found: Up, names: readonly string[]): readonly Step[] {
  const used = cluster.nodes.filter(({ name }) => names.includes(name)).map(({ slot }) => slot);
  const there = found.server.slots.flatMap(({ name, type }) =>
    type === 'physical' && used.includes(name) ? [name] : [],
  );
  return there.length === 0
    ? []
    : [
        dropStep(
          found,
          there,
          `drop the slot${there.length === 1 ? '' : 's'} ${there.join(' and ')}, which nobody uses here any more`,
        ),
      ];
}

/** Slots that are in use by then stay. */
export function dropStep(found: Up, slots: readonly string[], why: string, lane?: string): Step {
  const names = slots.map(sqlLiteral).join(', ');
  const text = `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name IN (${names}) AND NOT active;`;
  return sql(found.node, why, socketOf(found), [text], lane === undefined ? {} : { lane });
}
