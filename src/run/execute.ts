import type { Plan, Step } from '../plan/plan.ts';
import type { Doing } from './doing.ts';
import { runStep, hide } from './runStep.ts';

/** `forward` from the point of no return on. */
type Run = Doing & { forward?: boolean };

export type Done = { step: Step; ms: number };
export type Execution = {
  done: readonly Done[];
  failed?: { step: Step; because: string };
  interrupted: boolean;
  undone: 'not needed' | 'done' | { failed: string };
};

/**
 * Does a plan: the interpreter of its three kinds of step. Before the point of no return a failure or an interrupt
 * runs the undo steps. An interrupt lets the step that runs come to its end, unless it is a copy, and goes no
 * further. From the point of no return on it ends the waiting alone, up to the end of what goes on side by side there:
 * nobody is served by a stop between a promotion and the return of the old primary.
 */
export async function execute(plan: Plan, doing: Doing): Promise<Execution> {
  const captured = new Map<string, string>();
  const done: Done[] = [];
  const most = plan.pointOfNoReturn ?? plan.steps.length;
  const early = (await runAll(plan.steps.slice(0, most), doing, captured, done)) ?? stopHere(plan, doing);
  const outcome =
    early ?? (await runAll(plan.steps.slice(most), { ...doing, forward: true }, captured, done));
  if (outcome === undefined) return { done, interrupted: false, undone: 'not needed' };
  const started = done.length > 0 || outcome !== 'interrupted';
  const undone =
    plan.undo === undefined || early === undefined || !started
      ? 'not needed'
      : await undo(plan.undo, doing, captured);
  return outcome === 'interrupted'
    ? { done, interrupted: true, undone }
    : { done, failed: outcome, interrupted: false, undone };
}

type Failed = { step: Step; because: string };

/** The last moment for turning back. */
function stopHere({ steps, pointOfNoReturn }: Plan, doing: Doing): 'interrupted' | undefined {
  const goesOn = pointOfNoReturn !== undefined && pointOfNoReturn < steps.length;
  return goesOn && doing.signal.aborted ? 'interrupted' : undefined;
}

/** --timeout is about the goal: what is undone takes the time that it needs. */
async function undo(
  steps: readonly Step[],
  doing: Doing,
  captured: Map<string, string>,
): Promise<'done' | { failed: string }> {
  const { patience: _patience, ...patient } = doing;
  const failed = await runAll(steps, { ...patient, signal: new AbortController().signal }, captured, []);
  return failed === undefined || failed === 'interrupted'
    ? 'done'
    : { failed: `${failed.step.node}: ${failed.step.why}: ${failed.because}` };
}

async function runAll(
  steps: readonly Step[],
  doing: Run,
  captured: Map<string, string>,
  done: Done[],
): Promise<Failed | 'interrupted' | undefined> {
  return runGroups(groupsOf(steps), doing, captured, done);
}

async function runGroups(
  groups: ReturnType<typeof groupsOf>,
  doing: Run,
  captured: Map<string, string>,
  done: Done[],
): Promise<Failed | 'interrupted' | undefined> {
  for (const group of groups) {
    if (doing.signal.aborted) return 'interrupted';
    const bad = await runGroup(group, doing, captured, done);
    if (bad !== undefined) return bad;
  }
  return undefined;
}

/**
 * A step that fails ends the other lanes as an interrupt would: nobody waits for what can no longer come. An
 * expectation that was not met in time does not end them: they wait no longer than it did, and the first lane's failure
 * is told.
 */
async function runGroup(
  group: ReturnType<typeof groupsOf>[number],
  doing: Run,
  captured: Map<string, string>,
  done: Done[],
): Promise<Failed | 'interrupted' | undefined> {
  const over = new AbortController();
  const signal = AbortSignal.any([doing.signal, over.signal]);
  const ends = await Promise.all(
    group.map(async (lane) => {
      const end = await runLane(lane, { ...doing, signal }, captured, done);
      if (typeof end === 'object' && end.step.do !== 'expect') over.abort();
      return end;
    }),
  );
  return ends.find((end) => typeof end === 'object') ?? ends.find((end) => end !== undefined);
}

async function runLane(
  steps: readonly Step[],
  doing: Run,
  captured: Map<string, string>,
  done: Done[],
): Promise<Failed | 'interrupted' | undefined> {
  for (const step of steps) {
    if (doing.signal.aborted && (doing.forward !== true || step.do === 'expect')) return 'interrupted';
    const began = performance.now();
    doing.tell({ step, is: 'started' });
    const because = await runStep(step, doing, captured);
    const ms = performance.now() - began;
    if (because !== undefined) {
      const text = hide(because, step);
      doing.tell({ step, is: 'failed', ms, because: text });
      return because === 'interrupted' || (doing.signal.aborted && doing.forward !== true)
        ? 'interrupted'
        : { step, because: text };
    }
    done.push({ step, ms });
    doing.tell({ step, is: 'done', ms });
  }
  return undefined;
}

/** Steps without a lane stand alone; neighbouring steps with lanes are one group that runs at the same time. */
export function groupsOf(steps: readonly Step[]): readonly (readonly (readonly Step[])[])[] {
  const groups: Step[][][] = [];
  let lanes: Map<string, Step[]> | undefined;
  for (const step of steps) {
    if (step.lane === undefined) {
      lanes = undefined;
      groups.push([[step]]);
      continue;
    }
    if (lanes === undefined) {
      lanes = new Map();
      groups.push([]);
    }
    const lane = lanes.get(step.lane) ?? [];
    if (lane.length === 0) {
      lanes.set(step.lane, lane);
      groups.at(-1)?.push(lane);
    }
    lane.push(step);
  }
  return groups;
}
