import { userInfo, hostname } from 'node:os';
import type { Cluster, Node } from '../cluster/types.ts';
import { PgreplError, type Outcome, type Problem } from '../errors.ts';
import { inspect, type Look, type Looked } from '../observe/inspect.ts';
import type { ClusterState } from '../facts/state.ts';
import { isRunning } from '../facts/view.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { isUp, socketOf } from '../plan/steps.ts';
import { psql } from '../tools/psql.ts';
import { execute, type Doing, type Execution, type StepEvent } from '../run/execute.ts';
import { onNodes } from '../run/nodes.ts';
import { openShells, type Shells } from '../run/shells.ts';
import { hold, spawn, type Held } from '../run/spawn.ts';
import { whenStarted } from './starting.ts';
import type { StepDone } from '../report/json.ts';
import type { NodeRow } from '../report/rows.ts';

/** What every verb that changes something takes. */
export type Mode = {
  dryRun?: 'text' | 'json' | 'sh';
  check: boolean;
  json: boolean;
  yes: boolean;
  /** Seconds, where --timeout says so. */
  timeout?: number;
};

export type Verb = {
  command: string;
  cluster: Cluster;
  /** The nodes that are locked for it; the others are only looked at. */
  nodes: readonly Node[];
  sizes?: boolean;
  /** Everything is decided here. It is asked again after the run, and then must find nothing to do. */
  plan: (state: ClusterState) => Plan | Promise<Plan>;
  /** Added to the report, from what was found before and after and what was measured. */
  extra?: () => Readonly<Record<string, unknown>>;
  /** Runs beside the steps: a client that measures. */
  beside?: (
    plan: Plan,
    state: ClusterState,
    signal: AbortSignal,
  ) => { stepStarted?: (step: Step) => void; stepDone: (step: Step) => void; end: () => Promise<void> };
  /** The rows of the report; others than the cluster's own where a verb knows better. */
  rows?: (state: ClusterState) => readonly NodeRow[] | Promise<readonly NodeRow[]>;
};

export type Ending = {
  command: string;
  outcome: Outcome;
  changed: boolean;
  ms: number;
  nodes: readonly NodeRow[];
  steps: readonly StepDone[];
  refusals: readonly Problem[];
  error: readonly Problem[];
  extra?: Readonly<Record<string, unknown>>;
  plan?: Plan;
  state?: ClusterState;
};

/** What the pipeline tells while it works, and what it asks. */
export type Talk = {
  planned: (plan: Plan, verb: Verb, state: ClusterState) => void | Promise<void>;
  step: (event: StepEvent) => void;
  /** A server is waited for before anything is decided. */
  waiting: (line: string) => void;
  confirm: (lines: readonly string[]) => Promise<boolean>;
};

/** Seconds that a server which is starting may take, where --timeout does not say. */
const STARTING = 120;

/** Rounds of planning and doing: a later round does what only a running server shows. */
const ROUNDS = 3;

/** Every verb that changes something: look, plan, ask, do, look and plan again. */
export async function operate(verb: Verb, mode: Mode, talk: Talk, signal: AbortSignal): Promise<Ending> {
  const began = performance.now();
  const writes = mode.dryRun === undefined && !mode.check;
  const first = await lookAt(verb, mode, writes);
  const shells = openShells(hold, onNodes(verb.cluster, first), shellsOf(first.looked));
  // What it is about will be asked: the session opens while the plan is made.
  if (writes) {
    const own = new Set(verb.nodes.map(({ name }) => name));
    for (const found of first.nodes)
      if (own.has(found.node) && isUp(found)) shells.warm(found.node, psql(socketOf(found)));
  }
  try {
    return {
      ...(await work(verb, mode, talk, signal, first, writes, shells)),
      ms: performance.now() - began,
    };
  } finally {
    await Promise.all([shells.close(), ...first.looked.map(({ release }) => release())]);
  }
}

async function work(
  verb: Verb,
  mode: Mode,
  talk: Talk,
  signal: AbortSignal,
  first: ClusterState & { looked: readonly Looked[] },
  writes: boolean,
  shells: Shells,
): Promise<Ending> {
  const { plan, state } = await whenStarted(
    { plan: await verb.plan(first), state: first },
    {
      plan: verb.plan,
      look: (nodes) => inspect(only(verb.cluster, nodes), lookOf(verb, mode, undefined)),
      say: talk.waiting,
      seconds: mode.timeout ?? STARTING,
      signal,
    },
  );
  const base = {
    command: verb.command,
    changed: false,
    ms: 0,
    steps: plan.steps,
    refusals: plan.refusals,
    error: [],
    plan,
    state,
  };
  const told = async (
    outcome: Outcome,
    state: ClusterState,
    more: Partial<Ending> = {},
  ): Promise<Ending> => ({
    ...base,
    outcome,
    nodes: (await verb.rows?.(state)) ?? [],
    ...(verb.extra === undefined ? {} : { extra: verb.extra() }),
    ...more,
  });
  await talk.planned(plan, verb, state);
  if (plan.refusals.length > 0)
    return told(plan.unreachable === true ? 'unreachable' : 'refused', state, { error: plan.refusals });
  if (mode.check) return told(plan.steps.length === 0 ? 'unchanged' : 'to-do', state);
  if (!writes) return told('planned', state);
  if (plan.steps.length === 0) return told('unchanged', state);
  const agreed = await agree(verb, plan, state, mode, talk);
  return doIt(verb, mode, talk, signal, agreed.plan, agreed.state, told, shells);
}

/**
 * Asks before something is removed or replaced, and looks again after the answer: a person may have thought it over
 * for an hour. What is asked then must be what was answered, else it is asked anew.
 */
async function agree(
  verb: Verb,
  plan: Plan,
  state: ClusterState,
  mode: Mode,
  talk: Talk,
): Promise<{ plan: Plan; state: ClusterState }> {
  const asked = plan.confirm ?? [];
  if (asked.length === 0 || mode.yes) return { plan, state };
  await askFirst(asked, talk);
  const now = await inspect(verb.cluster, lookOf(verb, mode, undefined));
  const again = await verb.plan(now);
  if (again.refusals.length > 0) throw new PgreplError('refused', again.refusals);
  const same = JSON.stringify(again.confirm ?? []) === JSON.stringify(asked);
  return same ? { plan: again, state: now } : agree(verb, again, now, mode, talk);
}

/** Without a terminal nobody can be asked, and what removes or replaces something is not done unasked. */
async function askFirst(questions: readonly string[], talk: Talk): Promise<void> {
  if (await talk.confirm(questions)) return;
  throw new PgreplError(
    'refused',
    questions.map((message) => ({
      message: `it would ${message}, and nobody said yes`,
      hint: 'With --yes it is done without asking.',
    })),
  );
}

function only(cluster: Cluster, names?: readonly string[]): Cluster {
  return names === undefined
    ? cluster
    : { ...cluster, nodes: cluster.nodes.filter(({ name }) => names.includes(name)) };
}

function shellsOf(looked: readonly Looked[]): ReadonlyMap<string, Held['run']> {
  return new Map(
    looked.flatMap(({ state, shell }) => (shell === undefined ? [] : [[state.node, shell] as const])),
  );
}

type Told = (outcome: Outcome, state: ClusterState, more?: Partial<Ending>) => Promise<Ending>;

async function doIt(
  verb: Verb,
  mode: Mode,
  talk: Talk,
  signal: AbortSignal,
  plan: Plan,
  state: ClusterState,
  told: Told,
  shells: Shells,
): Promise<Ending> {
  const all: StepDone[] = [];
  let next = plan;
  let now = state;
  for (let round = 0; round < ROUNDS; round += 1) {
    const execution = await perform(verb, next, now, talk, signal, mode, shells);
    all.push(...execution.done.map(({ step, ms }) => ({ ...step, ms })));
    const after = await inspect(verb.cluster, lookOf(verb, mode, undefined));
    now = after;
    const ended = endOf(next, execution, all.length > 0);
    if (ended !== undefined) return told(ended.outcome, after, { ...ended, steps: all });
    next = await verb.plan(after);
    if (next.refusals.length > 0)
      return told('not-reached', after, { changed: true, steps: all, error: next.refusals });
    if (next.steps.length === 0) return told('done', after, { changed: true, steps: all });
    if ((next.confirm ?? []).length > 0 && !mode.yes) break;
  }
  const left = next.steps.map(({ node, why }) => ({ message: `${node}: still to do: ${why}` }));
  return told('not-reached', now, { changed: true, steps: all, error: left });
}

async function perform(
  verb: Verb,
  plan: Plan,
  state: ClusterState,
  talk: Talk,
  signal: AbortSignal,
  mode: Mode,
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

/** How a run that did not come to its end is told, with what it leaves and what running it again does. */
function endOf(
  plan: Plan,
  execution: Execution,
  changed: boolean,
): Pick<Ending, 'outcome' | 'changed' | 'error'> | undefined {
  const { failed, interrupted, undone } = execution;
  if (failed === undefined && !interrupted) return undefined;
  const said: Problem[] =
    failed === undefined
      ? [{ message: 'interrupted' }]
      : [{ message: `${failed.step.node}: ${failed.step.why}: ${failed.because}` }];
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

/** Every step ran, and what was waited for at the end was not seen: that is another end than a step that failed. */
function isGoal({ steps }: Plan, { failed, done }: Execution): boolean {
  const ran = new Set(done.map(({ step }) => step));
  if (failed?.step.do !== 'expect') return false;
  return failed.step.goal === true || steps.every((step) => step.do === 'expect' || ran.has(step));
}

async function lookAt(
  verb: Verb,
  mode: Mode,
  writes: boolean,
): Promise<ClusterState & { looked: readonly Looked[] }> {
  const who = `pgrepl ${verb.command}, pid ${process.pid} of ${userInfo().username} on ${hostname()}, since ${new Date().toISOString()}`;
  const found = await inspect(verb.cluster, lookOf(verb, mode, writes ? who : undefined));
  const held = found.looked.flatMap(({ lockedBy, state }) =>
    lockedBy === undefined ? [] : [{ node: state.node, lockedBy }],
  );
  if (held.length === 0) return found;
  await Promise.all(found.looked.map(({ release }) => release()));
  throw new PgreplError(
    'locked',
    held.map(({ node, lockedBy }) => ({
      message: `${node}: another pgrepl works on it: ${lockedBy}`,
      hint: 'Wait until it has ended; its lock goes with it.',
    })),
  );
}

function lookOf(verb: Verb, mode: Mode, lock: string | undefined): Look {
  const locked = new Set(verb.nodes.map(({ name }) => name));
  return {
    hold,
    seconds: Math.min(20, mode.timeout ?? 20),
    ...(verb.sizes === true ? { sizes: true } : {}),
    ...(lock === undefined
      ? {}
      : { lock: (node: Node) => (locked.has(node.name) ? lock : undefined), isOver: isDead }),
  };
}

/** Whether the pgrepl of a lock ran on this machine and runs no more; of another machine's nothing is known. */
export function isDead(holder: string): boolean {
  const match = /, pid (\d+) of \S+ on (\S+), since/.exec(holder);
  if (match?.[2] !== hostname()) return false;
  try {
    process.kill(Number(match[1]), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
