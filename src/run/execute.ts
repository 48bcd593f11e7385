import type { Plan, Step } from '../plan/plan.ts';
import { LEASH, WRITE, script } from '../tools/shell.ts';
import { isRef, Secret, type Argv, type Text } from '../tools/words.ts';
import type { Spawn, Spawned } from './spawn.ts';

export type StepEvent =
  | { step: Step; is: 'started' }
  | { step: Step; is: 'progress'; text: string }
  | { step: Step; is: 'done'; ms: number }
  | { step: Step; is: 'failed'; ms: number; because: string };

export type Doing = {
  spawn: Spawn;
  /** The words that run a step's words on its node, as the right user. */
  onNode: (step: Step, argv: readonly string[]) => readonly string[];
  /** A short command in a warm shell of its node; it stands for `spawn` where one is at hand. */
  quick: (
    step: Step,
    argv: readonly string[],
    options: { stdin: string; seconds: number },
  ) => Promise<Spawned>;
  tell: (event: StepEvent) => void;
  /** The most seconds that an expectation waits, where --timeout says so. */
  patience?: number;
  signal: AbortSignal;
};

/** `forward` from the point of no return on. */
type Run = Doing & { forward?: boolean };

export type Done = { step: Step; ms: number };
export type Execution = {
  done: readonly Done[];
  failed?: { step: Step; because: string };
  interrupted: boolean;
  undone: 'not needed' | 'done' | { failed: string };
};

/** Polls come quickly at first: most of what is waited for is there within some hundredths of a second. */
const POLL_MS = { first: 3, most: 250, factor: 1.5 };

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
 * What fails in one lane ends the others as an interrupt would: nobody waits for what cannot come any more. What was
 * not seen in time does not: the others wait no longer than it did, and the first lane knows best.
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

async function runStep(step: Step, doing: Doing, captured: Map<string, string>): Promise<string | undefined> {
  switch (step.do) {
    case 'run': {
      const ended = await start(step, doing, captured);
      if (ended.code !== 0) return why(ended);
      if (step.capture !== undefined) captured.set(step.capture, ended.stdout.trim());
      return undefined;
    }
    case 'write': {
      const argv = script(WRITE, 'write', step.path, step.mode);
      const ended = await doing.quick(step, argv, { stdin: textOf(step.content, captured), seconds: 60 });
      return ended.code === 0 ? undefined : why(ended);
    }
    case 'expect':
      return await expectStep(step, doing, captured);
  }
}

function start(
  step: Extract<Step, { do: 'run' }>,
  doing: Doing,
  captured: Map<string, string>,
): Promise<Spawned> {
  const argv = argvOf(step.argv, captured);
  const stdin = textOf(step.stdin ?? [], captured);
  if (step.seconds !== undefined) return doing.quick(step, argv, { stdin, seconds: step.seconds });
  const leashed = doing.onNode(step, script(LEASH, 'leash', ...argv));
  return doing.spawn(leashed, {
    stdin: `${Buffer.byteLength(stdin)}\n${stdin}`,
    leash: true,
    signal: doing.signal,
    onStderr: (text) => doing.tell({ step, is: 'progress', text }),
  });
}

async function expectStep(
  step: Extract<Step, { do: 'expect' }>,
  doing: Doing,
  captured: Map<string, string>,
): Promise<string | undefined> {
  const argv = argvOf(step.argv, captured);
  const stdin = textOf(step.stdin ?? [], captured);
  const seconds = Math.min(doing.patience ?? step.seconds, step.seconds);
  const deadline = performance.now() + seconds * 1000;
  let said = '';
  for (let pause = POLL_MS.first; ; pause = Math.min(pause * POLL_MS.factor, POLL_MS.most)) {
    const left = (deadline - performance.now()) / 1000;
    const ended = await doing.quick(step, argv, { stdin, seconds: Math.max(1, Math.min(left, 20)) });
    said = ended.code === 0 ? ended.stdout.trim() : why(ended);
    if (ended.code === 0 && said === step.stdout) return undefined;
    if (doing.signal.aborted) return 'interrupted';
    if (performance.now() + pause > deadline) break;
    await pauseFor(pause);
  }
  return `not seen within ${seconds} s (the last answer was ${said === '' ? 'empty' : JSON.stringify(said)})`;
}

export function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

export function why(ended: Spawned): string {
  if (ended.timedOut) return 'no answer in time';
  const said = (ended.stderr.trim() || ended.stdout.trim()).split('\n').filter((line) => line.trim() !== '');
  const errors = said.filter((line) =>
    /error|fatal|panic|hint|detail|refused|denied|not ours|no space/i.test(line),
  );
  const lines = (errors.length > 0 ? errors : said).slice(-6);
  return lines.length > 0 ? lines.join('; ') : `exit status ${ended.code ?? 'unknown'}`;
}

function argvOf(argv: Argv, captured: ReadonlyMap<string, string>): readonly string[] {
  return argv.map((word) => (isRef(word) ? (captured.get(word.ref) ?? '') : word));
}

/** The one place where secrets become bytes: the stdin of a program. */
function textOf(text: Text, captured: ReadonlyMap<string, string>): string {
  return text
    .map((part) =>
      part instanceof Secret ? part.reveal() : isRef(part) ? (captured.get(part.ref) ?? '') : part,
    )
    .join('');
}

/** A server's message may repeat what it was told: no secret of the step is in what we show. */
function hide(message: string, step: Step): string {
  const text = step.do === 'write' ? step.content : (step.stdin ?? []);
  return text
    .filter((part) => part instanceof Secret)
    .map((secret) => secret.reveal())
    .filter((value) => value.length > 0)
    .reduce((shown, value) => shown.replaceAll(value, '••••••'), message);
}
