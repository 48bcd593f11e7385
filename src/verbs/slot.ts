import type { Cluster, Node } from '../cluster/types.ts';
import { isSlotName } from '../cluster/slot.ts';
import { failure, together } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { observe, tell } from '../observe/observe.ts';
import type { Plan } from '../plan/plan.ts';
import { planSlotCreate, planSlotDrop } from '../plan/slot.ts';
import { averageRates, measuredRates } from '../observe/slotRates.ts';
import type { Action, Deed, Flags } from './action.ts';
import { nodeRows } from '../report/rows.ts';
import { slotLines, slotTable, unknownSlots } from '../report/slotTable.ts';
import { isUnicode, width } from '../report/terminal.ts';
import { colorOf } from '../talk.ts';
import { findTarget } from '../cluster/target.ts';
import { havePort, modeOf, perform, targetFlags, text } from './modes.ts';

export const slotList: Action = async ([name], flags) => {
  const { cluster, node } = await findTarget(name, targetFlags(flags), 'cluster');
  return () => listed(cluster, node, flags);
};

async function listed(cluster: Cluster, node: Node | undefined, flags: Flags): Promise<void> {
  const { json, timeout } = modeOf(flags);
  const look = () => observe(cluster, timeout === undefined ? {} : { timeout });
  const before = await look();
  const measured = flags['growth'] === true;
  await havePort(flags, node, before);
  const { state, rates } = measured ? await measuredRates(before, look) : await averageRates(cluster, before);
  const shown = (each: string): boolean => node === undefined || each === node.name;
  const lines = slotLines(cluster, state, rates).filter((line) => shown(line.node));
  const running = new Set(state.nodes.filter((found) => 'server' in found).map((found) => found.node));
  const silent = cluster.nodes.filter((each) => shown(each.name) && !running.has(each.name));
  const problems = [
    ...lines.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
    ...silent.map((each) => unknownSlots(cluster, state, each)),
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
}

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
): Promise<Deed> {
  const [first, second] = args;
  // `NODE SLOT`, or the slot alone where flags name the server.
  const alone = second === undefined && text(flags, 'pgdata') !== undefined;
  const [slot, { cluster, node }] = await together(
    slotOf(command, alone ? first : second),
    findTarget(alone ? undefined : first, targetFlags(flags), 'node'),
  );
  return perform(
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

async function slotOf(command: string, slot: string | undefined): Promise<string> {
  if (slot === undefined)
    throw failure(
      'usage',
      `${command}: the name of a slot is missing`,
      `For example: pgrepl ${command} pg1 pg2, or pgrepl ${command} -D DIR pg2`,
    );
  if (!isSlotName(slot) && !command.endsWith('drop'))
    throw failure(
      'usage',
      `${slot}: is no name for a slot`,
      'It has lower-case letters, digits and underscores, 63 at most.',
    );
  return slot;
}
