import { SESSION } from '../cluster/session.ts';
import type { Problem } from '../errors.ts';
import type { Plan, Step, WriteStep } from '../plan/plan.ts';
import { quoteWord, type Argv, type Text } from '../tools/words.ts';
import { difference } from './difference.ts';
import type { Paint } from './paint.ts';
import { hanging, withCommands, wrapped } from './paint.ts';
import { holdsSecret, masked, shownText } from './redact.ts';
import { hasSession, readable } from './scriptWords.ts';

export type PlanLook = { color: Paint; width: number };

/** A plan for people: what would run, word by word, and what would change in which file. Secrets are dots. */
export function planAsText(plan: Plan, { color, width }: PlanLook): string {
  const sections = [
    [color.bold(plan.title)],
    (plan.notes ?? []).flatMap((note) => hanging('note: ', note, width)),
    titled(
      'It may not be done:',
      plan.refusals.flatMap((each) => refusalLines(each, width, color)),
    ),
    titled(
      'It asks before:',
      (plan.confirm ?? []).flatMap((each) => hanging('  ? ', each, width)),
    ),
    titled(stepsTitle(plan), stepsWithReturn(plan, color)),
    titled(undoTitle(plan), numbered(plan.undo ?? [], color)),
    sessionNote(plan, width),
    scriptsNote(plan),
    plan.steps.length === 0 && plan.refusals.length === 0 ? ['Nothing to do.'] : [],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

function refusalLines({ message, hint }: Problem, width: number, color: Paint): string[] {
  const told = hanging('  x ', message, width).map((line) => color.red(line));
  return hint === undefined
    ? told
    : [...told, ...hanging('    ', hint, width).map((line) => withCommands(line, color))];
}

/** Neighbours of different lanes wait for nobody but their own lane: `execute`. */
function stepsTitle({ steps }: Plan): string {
  const lanes = new Set(steps.flatMap(({ lane }) => lane ?? []));
  return lanes.size > 1 ? 'Steps (those of different lanes at the same time):' : 'Steps:';
}

function undoTitle({ pointOfNoReturn }: Plan): string {
  if (pointOfNoReturn === undefined) return 'If it fails:';
  return `If it fails before step ${pointOfNoReturn + 1}:`;
}

function stepsWithReturn({ steps, pointOfNoReturn }: Plan, color: Paint): string[] {
  if (pointOfNoReturn === undefined || pointOfNoReturn === 0) return numbered(steps, color);
  const before = numbered(steps.slice(0, pointOfNoReturn), color);
  return [
    ...before,
    color.yellow('    -- from here there is no way back --'),
    ...numbered(steps.slice(pointOfNoReturn), color, pointOfNoReturn),
  ];
}

function numbered(steps: readonly Step[], color: Paint, after = 0): string[] {
  return steps.flatMap((step, index) => {
    const number = `${after + index + 1}.`.padStart(4);
    const lane = step.lane === undefined ? '' : color.dim(` (lane ${step.lane})`);
    return [
      `${number} ${color.bold(step.node)}: ${step.why}${lane}`,
      ...bodyOf(step, color).map((line) => `     ${line}`),
    ];
  });
}

function bodyOf(step: Step, color: Paint): string[] {
  switch (step.do) {
    case 'run':
      return [
        commandLine(step.argv, color) + (step.capture === undefined ? '' : ` -> $${step.capture}`),
        ...stdinLines(step.stdin, color),
      ];
    case 'write':
      return [`${color.cyan(`write ${step.path}`)}, mode ${step.mode}`, ...changeLines(step, color)];
    case 'expect':
      return [
        commandLine(step.argv, color),
        ...stdinLines(step.stdin, color),
        `until it prints ${JSON.stringify(step.stdout)}, at most ${step.seconds} s`,
      ];
  }
}

/** Scripts are long, and the same every time: of one it is told what it runs. */
function commandLine(argv: Argv, color: Paint): string {
  const { words, script } = readable(argv);
  if (script === undefined) return color.cyan(words);
  if (script === '') return `${color.dim('script:')} ${color.cyan(words)}`;
  return `${color.cyan(words)}${color.dim(`  (in a script: ${script})`)}`;
}

/** What stands before psql each time, once. */
function sessionNote({ steps, undo = [] }: Plan, width: number): string[] {
  const some = [...steps, ...undo].some((step) => step.do !== 'write' && hasSession(step.argv));
  if (!some) return [];
  return wrapped(
    `Each psql has ${quoteWord(SESSION)} in its environment, whatever is set for its role.`,
    width,
  );
}

function scriptsNote({ steps, undo = [] }: Plan): string[] {
  const some = [...steps, ...undo].some(
    (step) => step.do !== 'write' && readable(step.argv).script !== undefined,
  );
  return some ? ['--dry-run=sh prints it as a shell script, with every script in it whole.'] : [];
}

function stdinLines(stdin: Text | undefined, color: Paint): string[] {
  return stdin === undefined ? [] : linesOf(shownText(stdin)).map((line) => color.dim(`| ${line}`));
}

/** The old text of a file with a secret has the secret in it: of such a file only the new text is shown. */
function changeLines({ content, was }: WriteStep, color: Paint): string[] {
  const becomes = shownText(content);
  if (was === undefined || holdsSecret(content))
    return linesOf(becomes).map((line) => color.green(`+${line}`));
  return difference(masked(was), becomes).map((line) => changeColor(line, color));
}

function changeColor(line: string, color: Paint): string {
  if (line.startsWith('+')) return color.green(line);
  if (line.startsWith('-')) return color.red(line);
  return line.startsWith('@') ? color.dim(line) : line;
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}
