import type { Step } from '../plan/plan.ts';
import { LEASH, WRITE, script } from '../tools/shell.ts';
import { isRef, Secret, type Argv, type Text } from '../tools/words.ts';
import type { Spawned } from './spawn.ts';
import type { Doing } from './doing.ts';
import { pauseFor } from './pause.ts';

/**
 * Polls come quickly at first: most of what is waited for is there within some hundredths of a second, and during an
 * outage each of them counts. What takes longer is asked less often.
 */
const POLL_MS = { first: 3, soon: 10, soonFor: 300, most: 250, factor: 1.5 };

export async function runStep(
  step: Step,
  doing: Doing,
  captured: Map<string, string>,
): Promise<string | undefined> {
  switch (step.do) {
    case 'run': {
      const ended = await start(step, doing, captured);
      if (ended.code !== 0) return why(ended);
      if (step.capture !== undefined) captured.set(step.capture, ended.stdout.trim());
      return undefined;
    }
    case 'write': {
      const argv = script(WRITE, step.flush ?? 'write', step.path, step.mode);
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
  const began = performance.now();
  const deadline = began + seconds * 1000;
  let said = '';
  for (let pause = POLL_MS.first; ; pause = nextPause(pause, performance.now() - began)) {
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

function nextPause(pause: number, waited: number): number {
  return Math.min(pause * POLL_MS.factor, waited < POLL_MS.soonFor ? POLL_MS.soon : POLL_MS.most);
}

export function why(ended: Spawned): string {
  if (ended.timedOut) return 'no answer in time';
  const said = (ended.stderr.trim() || ended.stdout.trim()).split('\n').filter((line) => line.trim() !== '');
  const errors = said.filter((line) =>
    /error|fatal|panic|hint|detail|refused|denied|not ours|no space|no such file|cannot |not found/i.test(
      line,
    ),
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
export function hide(message: string, step: Step): string {
  const text = step.do === 'write' ? step.content : (step.stdin ?? []);
  return text
    .filter((part) => part instanceof Secret)
    .map((secret) => secret.reveal())
    .filter((value) => value.length > 0)
    .reduce((shown, value) => shown.replaceAll(value, '••••••'), message);
}
