import type { Cluster, Node } from '../cluster/types.ts';
import { isSlotName } from '../cluster/slot.ts';
import { failure } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { observe, tell } from '../observe/observe.ts';
import type { Plan } from '../plan/plan.ts';
import { planSlotCreate, planSlotDrop } from '../plan/slot.ts';
import { averageRates, measuredRates } from '../observe/slotRates.ts';
import type { Action, Flags } from './action.ts';
import { nodeRows } from '../report/rows.ts';
import { slotLines, slotTable } from '../report/slotTable.ts';
import { isUnicode, width } from '../report/terminal.ts';
import { colorOf } from '../talk.ts';
import { findTarget } from '../cluster/target.ts';
import { havePort, modeOf, perform, targetFlags, text } from './modes.ts';

export const slotList: Action = async ([name], flags) => {
  const { cluster, node } = await findTarget(name, targetFlags(flags), 'cluster');
  const { json, timeout } = modeOf(flags);
  const look = () => observe(cluster, timeout === undefined ? {} : { timeout });
  const before = await look();
  const measured = flags['growth'] === true;
  await havePort(flags, node, before);
  const { state, rates } = measured ? await measuredRates(before, look) : await averageRates(cluster, before);
  const shown = (each: string): boolean => node === undefined || each === node.name;
  const lines = slotLines(cluster, state, rates).filter((line) => shown(line.node));
  const silent = state.nodes.filter((found) => shown(found.node) && !('server' in found));
  const problems = [
    ...lines.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
    ...silent.map((found) => ({ message: `${found.node}: does not answer; its slots are not known` })),
  ];
  await tell(
    {
      command: 'slot list',
      outcome: problems.length === 0 ? 'done' : 'degraded',
      nodes: nodeRows(cluster, state).filter((row) => shown(row.name)),
      problems,
      extra: { slots: lines },
      text: () =>
        slotTable(lines, problems, { width: width(), color: colorOf(process.stdout), unicode: isUnicode() }),
    },
    json,
  );
};

export const slotCreate: Action = (args, flags) =>
  change('slot create', args, flags, (_, state, node, slot) =>
    planSlotCreate(state, { node: node.name, slot }),
  );

export const slotDrop: Action = (args, flags) =>
  change('slot drop', args, flags, (cluster, state, node, slot) =>
    planSlotDrop(cluster, state, { node: node.name, slot }),
  );

type Planner = (cluster: Cluster, state: ClusterState, node: Node, slot: string) => Plan;

async function change(
  command: string,
  args: readonly string[],
  flags: Flags,
  planner: Planner,
): Promise<void> {
  const { name, slot } = namesOf(command, args, flags);
  const { cluster, node } = await findTarget(name, targetFlags(flags), 'node');
  if (node === undefined) return;
  await perform(
    {
      command,
      cluster,
      nodes: [node],
      plan: async (state) => {
        await havePort(flags, node, state);
        return planner(cluster, state, node, slot);
      },
      rows: (state) => nodeRows(cluster, state).filter((row) => row.name === node.name),
    },
    flags,
  );
}

/** `NODE SLOT`, or the slot alone where flags name the server. */
function namesOf(command: string, args: readonly string[], flags: Flags): { name?: string; slot: string } {
  const [first, second] = args;
  const alone = second === undefined && text(flags, 'pgdata') !== undefined;
  const slot = alone ? first : second;
  if (slot === undefined)
    throw failure(
      'usage',
      `${command}: a node and the name of a slot are missing`,
      `For example: pgrepl ${command} pg1 pg2`,
    );
  if (!isSlotName(slot) && !command.endsWith('drop'))
    throw failure(
      'usage',
      `${slot}: is no name for a slot`,
      'It has lower-case letters, digits and underscores, 63 at most.',
    );
  return alone || first === undefined ? { slot } : { name: first, slot };
}
