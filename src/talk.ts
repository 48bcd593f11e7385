import { Chalk } from 'chalk';
import { isPgreplError, type Outcome, type Problem } from './errors.ts';
import type { Ending, Mode, Talk, Verb } from './operate/verb.ts';
import type { StepEvent } from './run/doing.ts';
import { document } from './report/json.ts';
import { isTerminal, width } from './report/terminal.ts';

/** stdout is data, stderr is talk. */
const err = (text: string): void => void process.stderr.write(text);
const out = (text: string): void => void process.stdout.write(text);

export function colorOf(stream: NodeJS.WriteStream): InstanceType<typeof Chalk> {
  const { NO_COLOR: no, FORCE_COLOR: force } = process.env;
  if (no !== undefined && no !== '') return new Chalk({ level: 0 });
  if (force !== undefined && force !== '' && force !== '0') return new Chalk({ level: 1 });
  return new Chalk({ level: stream.isTTY ? 1 : 0 });
}

function tellProblems(problems: readonly Problem[]): void {
  const color = colorOf(process.stderr);
  for (const { message, hint } of problems) {
    err(`${color.red('error:')} ${message}\n`);
    if (hint !== undefined) err(`${color.dim('  hint:')} ${hint}\n`);
  }
}

/** A bad end that no pipeline could tell: as text, or as the one JSON document. */
export function tellError({ command, json, error }: { command: string; json: boolean; error: Error }): void {
  const known = isPgreplError(error) ? error : undefined;
  const problems: readonly Problem[] = known?.problems ?? [
    {
      message: `pgrepl itself is at fault: ${error.message}`,
      hint: 'This is a bug; the stack is shown with PGREPL_DEBUG=1.',
    },
  ];
  if (known === undefined && process.env['PGREPL_DEBUG'] !== undefined) err(`${error.stack ?? ''}\n`);
  const outcome: Outcome = known?.outcome ?? 'fault';
  if (json)
    out(
      `${JSON.stringify(document({ command, outcome, changed: false, ms: performance.now(), refusals: outcome === 'refused' ? problems : [], error: problems }))}\n`,
    );
  else tellProblems(problems);
}

/** How a verb that changes something talks: its plan on a dry run, its steps as they happen, its questions. */
export function talkOf(mode: Mode): Talk {
  return {
    planned: (plan, verb, state) => tellPlan(plan, verb, state, mode),
    step: stepTeller(mode),
    waiting: (line) => {
      if (!mode.json) err(`${line}\n`);
    },
    confirm: async (lines) => {
      if (mode.json || !isTerminal(process.stdin) || !isTerminal(process.stderr)) return false;
      const { confirm } = await import('./report/confirm.ts');
      return confirm(['This will', ...lines.map((line) => `  ${line}`)]);
    },
  };
}

async function tellPlan(
  plan: Parameters<Talk['planned']>[0],
  verb: Verb,
  state: Parameters<Talk['planned']>[2],
  mode: Mode,
): Promise<void> {
  if (mode.dryRun === 'text' && !mode.json) {
    const { planAsText } = await import('./report/planText.ts');
    out(planAsText(plan, { color: colorOf(process.stdout), width: width() }));
  } else if (mode.dryRun === 'sh') {
    if (plan.refusals.length > 0) return;
    const [{ planAsShell }, { onNodes }] = await Promise.all([
      import('./report/planShell.ts'),
      import('./run/nodes.ts'),
    ]);
    const words = onNodes(verb.cluster, state);
    out(
      planAsShell(plan, (node, argv, asLogin) =>
        words({ node, ...(asLogin ? { asLogin: true as const } : {}) }, argv),
      ),
    );
  } else if (mode.dryRun === undefined && !mode.check && !mode.json && plan.refusals.length === 0) {
    for (const note of plan.notes ?? []) err(`note: ${note}\n`);
  }
}

function stepTeller(mode: Mode): (event: StepEvent) => void {
  if (mode.json) return () => undefined;
  const color = colorOf(process.stderr);
  let progress: Promise<(text: string) => void> | undefined;
  let done: (() => void) | undefined;
  return (event) => {
    const { step } = event;
    if (event.is === 'progress' && step.do === 'run' && step.progress === true) {
      progress ??= progressTeller(step.node).then((teller) => {
        ({ done } = teller);
        return teller.show;
      });
      void progress.then((show) => show(event.text));
      return;
    }
    if (event.is === 'started' || event.is === 'progress') return;
    done?.();
    progress = undefined;
    done = undefined;
    if (event.is === 'done')
      err(`${color.green('✓')} ${step.node}: ${step.why} ${color.dim(`${Math.round(event.ms)} ms`)}\n`);
    else err(`${color.red('✗')} ${step.node}: ${step.why}: ${event.because}\n`);
  };
}

async function progressTeller(label: string): Promise<{ show: (text: string) => void; done: () => void }> {
  const { basebackupProgress, progressOn } = await import('./report/progress.ts');
  const parse = basebackupProgress();
  const progress = await progressOn(process.stderr, label);
  return {
    show: (text) => {
      const sample = parse(text);
      if (sample !== undefined) progress.show(sample, performance.now());
    },
    done: () => progress.done(),
  };
}

const SAID: Partial<Record<Outcome, string>> = {
  done: 'done',
  unchanged: 'nothing to do: it is already so',
  'to-do': 'there is something to do',
};

/** The end of a verb, for people on stderr or as the JSON document on stdout; gives the exit status. */
export function tellEnding(ending: Ending, mode: Mode): void {
  const wantsDocument = mode.json || mode.dryRun === 'json';
  if (wantsDocument) {
    const { plan: _plan, state: _state, ...account } = ending;
    out(`${JSON.stringify(document({ ...account, ...planExtra(ending, mode) }))}\n`);
    return;
  }
  if (ending.outcome === 'refused' && mode.dryRun === 'text') return;
  tellProblems(ending.error);
  tellOutage(ending.extra?.['writeOutageMs']);
  const said = SAID[ending.outcome];
  if (said !== undefined) err(`${said}${ending.changed ? ` in ${(ending.ms / 1000).toFixed(1)} s` : ''}\n`);
}

/** Where writes were cut, that is what people want to know first. */
function tellOutage(ms: unknown): void {
  if (typeof ms !== 'number') return;
  err(`writes were not possible for ${ms < 10_000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`}\n`);
}

function planExtra(ending: Ending, mode: Mode): { extra?: Readonly<Record<string, unknown>> } {
  const { title, notes = [], confirm = [] } = ending.plan ?? {};
  const planned = mode.dryRun === undefined ? {} : { title, confirm };
  return { extra: { ...ending.extra, ...planned, notes } };
}
