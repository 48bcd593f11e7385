import type { Cluster } from '../cluster/types.ts';
import type { Problem } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { DROP_SLOT } from '../tools/slot.ts';
import { script } from '../tools/shell.ts';
import type { Link } from './link.ts';
import type { Plan, Step } from './plan.ts';
import { planRemoveStandby, type RemoveRequest } from './removeStandby.ts';
import type { Source } from './source.ts';
import { run, type Seen } from './steps.ts';
import { replicationPsql } from './upstreamSlot.ts';

/** The upstream that its connection names, and what that said to its login; absent where it names none. */
export type OutsideUpstream = {
  name: string;
  found: Seen;
  link: Link;
  source: Source | { problems: readonly Problem[]; unreachable: boolean };
};

/**
 * `remove-standby` without a cluster file: the server is stopped, and its slot dropped with its own login. Where that
 * login may not, or the upstream does not answer, the note says what to type there.
 */
export function planRemoveOutside(
  cluster: Cluster,
  state: ClusterState,
  request: RemoveRequest,
  upstream: OutsideUpstream | undefined,
): Plan {
  const plan = planRemoveStandby(cluster, state, request);
  if (plan.refusals.length > 0 || upstream === undefined) return plan;
  const { link, name, found, source } = upstream;
  const isKnown = 'problems' in source ? undefined : isThere(source, link.slot);
  const isLeft = isKnown !== false && (isKnown === undefined || link.slot === '');
  const drop = isKnown === true ? [dropStep(found, link, name)] : [];
  const steps = [...plan.steps, ...drop];
  const { node } = request;
  const question = [
    ...(plan.steps.length > 0 ? [`stop the server of ${node.name}`] : []),
    ...(drop.length > 0 ? [`drop its slot ${link.slot} at ${name}`] : []),
  ].join(', and ');
  return {
    ...plan,
    steps,
    confirm: steps.length === 0 ? [] : [question],
    notes: [...(plan.notes ?? []), ...(isLeft && link.slot !== '' ? [leftNote(upstream, node.name)] : [])],
  };
}

/** Undefined where the role may not see the slots. */
function isThere(source: Source, slot: string): boolean | undefined {
  return source.slots?.known.some(({ name }) => name === slot);
}

function dropStep(found: Seen, link: Link, name: string): Step {
  const psql = replicationPsql(found.machine.programs.psql ?? 'psql', link);
  return run(
    found.node,
    `drop its slot ${link.slot} at ${name}`,
    script(DROP_SLOT, 'slot', link.slot, 'made', ...psql),
    {
      stdin: link.password === undefined ? ['\n'] : [link.password, '\n'],
      seconds: 90,
    },
  );
}

function leftNote({ name, link, source }: OutsideUpstream, node: string): string {
  const because =
    'problems' in source
      ? (source.problems[0]?.message ?? 'it does not answer')
      : 'its slots may not be seen';
  return `${node}: its slot ${link.slot} at ${name} may be left (${because}); there: pgrepl slot drop -D DIR ${link.slot}`;
}
