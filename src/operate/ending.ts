import type { Problem } from '../errors.ts';
import type { Plan } from '../plan/plan.ts';
import type { Execution } from '../run/execute.ts';
import type { Ending } from './verb.ts';

/** How a run that did not come to its end is told, with what it leaves and what running it again does. */
export function endOf(
  plan: Plan,
  execution: Execution,
  changed: boolean,
): Pick<Ending, 'outcome' | 'changed' | 'error'> | undefined {
  const { failed, interrupted, undone } = execution;
  if (failed === undefined && !interrupted) return undefined;
  const said: Problem[] = failed === undefined ? [{ message: 'interrupted' }] : [saidOf(failed)];
  if (undone === 'done')
    return {
      outcome: interrupted ? 'interrupted' : 'rolled-back',
      changed: false,
      error: [...said, { message: 'what was done is undone: everything is as before' }],
    };
  const more: Problem[] =
    undone === 'not needed' ? [] : [{ message: `and undoing it failed: ${undone.failed}` }];
  const done = execution.done.length;
  const left: Problem = {
    message:
      done === 0
        ? 'nothing was changed before that'
        : `${done} step${done === 1 ? ' was' : 's were'} done before that, the last one: ${execution.done.at(-1)?.step.why ?? ''}`,
    hint: 'Running it again continues.',
  };
  const outcome = interrupted ? 'interrupted' : isGoal(plan, execution) ? 'not-reached' : 'failed';
  return { outcome, changed, error: [...said, ...more, left] };
}

function saidOf({ step, because }: NonNullable<Execution['failed']>): Problem {
  const message = `${step.node}: ${step.why}: ${because}`;
  const hints = step.do === 'run' ? step.hints : undefined;
  const hint = hints?.find(([said]) => because.includes(said))?.[1];
  return hint === undefined ? { message } : { message, hint };
}

/** Whether every step ran and only the goal was not seen in time: not-reached, and not failed. */
function isGoal({ steps }: Plan, { failed, done }: Execution): boolean {
  const ran = new Set(done.map(({ step }) => step));
  if (failed?.step.do !== 'expect') return false;
  return failed.step.goal === true || steps.every((step) => step.do === 'expect' || ran.has(step));
}
