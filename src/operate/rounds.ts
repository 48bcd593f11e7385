import type { Outcome, Problem } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { isRunning } from '../facts/view.ts';
import { execute, type Execution } from '../run/execute.ts';
import type { Doing } from '../run/doing.ts';
import { onNodes } from '../run/nodes.ts';
import type { Shells } from '../run/shells.ts';
import { spawn } from '../run/spawn.ts';
import type { StepDone } from '../report/json.ts';
import type { Ending, Planned, Work } from './verb.ts';
import { endOf } from './ending.ts';
import { lookAgain, lookBriefly } from './look.ts';

/** Rounds of planning and doing: a later round does what only a running server shows. */
const ROUNDS = 3;

/** Makes the report of an end. */
export type Told = (outcome: Outcome, state: ClusterState, more?: Partial<Ending>) => Promise<Ending>;

/** Does a plan, looks and plans again, until nothing is left to do or it does not go on. */
export async function doRounds(
  work: Work,
  { plan, state }: Planned,
  told: Told,
  shells: Shells,
): Promise<Ending> {
  const { mode } = work;
  const lost = shells.lost();
  if (lost.length > 0) return told('unreachable', state, { error: lost.map(lockLost) });
  const all: StepDone[] = [];
  let next = plan;
  let now = state;
  for (let round = 0; round < ROUNDS; round += 1) {
    const execution = await perform(work, { plan: next, state: now }, shells);
    all.push(...execution.done.map(({ step, ms }) => ({ ...step, ms })));
    const ended = endOf(next, execution, all.length > 0);
    if (ended !== undefined) return told(ended.outcome, await lookAgain(work), { ...ended, steps: all });
    ({ plan: next, state: now } = await planAgain(work));
    if (next.refusals.length > 0)
      return told('not-reached', now, { changed: true, steps: all, error: next.refusals });
    if (next.steps.length === 0) return told('done', now, { changed: true, steps: all });
    if ((next.confirm ?? []).length > 0 && !mode.yes) break;
  }
  const left = next.steps.map(({ node, why }) => ({ message: `${node}: still to do: ${why}` }));
  return told('not-reached', now, { changed: true, steps: all, error: left });
}

/** Nobody may work on a node whose lock is gone. */
function lockLost(node: string): Problem {
  return {
    message: `${node}: did not answer a question in time, and the lock on it is lost: nothing was changed`,
    hint: 'Run this again.',
  };
}

async function planAgain(work: Work): Promise<Planned> {
  if (work.verb.brief === true) {
    const state = await lookBriefly(work);
    const plan = await work.plan(state);
    if (plan.refusals.length === 0 && plan.steps.length === 0) return { plan, state };
  }
  const state = await lookAgain(work);
  return { plan: await work.plan(state), state };
}

async function perform(
  { verb, mode, talk, signal }: Work,
  { plan, state }: Planned,
  shells: Shells,
): Promise<Execution> {
  const beside = verb.beside?.(plan, state, signal);
  const onNode = onNodes(verb.cluster, state);
  const running = new Set(state.nodes.filter(isRunning).map(({ node }) => node));
  shells.warmFor(plan.steps.filter(({ node }) => running.has(node)));
  const doing: Doing = {
    spawn,
    quick: shells.quick,
    onNode,
    signal,
    ...(mode.timeout === undefined ? {} : { patience: mode.timeout }),
    tell: (event) => {
      if (event.is === 'started') beside?.stepStarted?.(event.step);
      if (event.is === 'done') beside?.stepDone(event.step);
      talk.step(event);
    },
  };
  const execution = await execute(plan, doing);
  await beside?.end();
  return execution;
}
