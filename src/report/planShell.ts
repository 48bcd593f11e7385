import type { Plan, Step } from '../plan/plan.ts';
import type { Argv } from '../tools/words.ts';
import { quoteWord } from '../tools/words.ts';
import { PRELUDE } from './shellPrelude.ts';
import type { OnNode, SecretNames } from './shellWords.ts';
import { secretNames, shellCommand, shellInput, variableOf } from './shellWords.ts';

/** Where a secret goes, for who has to give it to the script. */
type Need = { variable: string; step: Step };

/**
 * A POSIX shell script that does what the interpreter does, without pgrepl. It ends with pgrepl's exit statuses,
 * asks what pgrepl would ask unless its first argument is --yes, and reads secrets from $PGREPL_SECRET_<n>.
 */
export function planAsShell(plan: Plan, onNode: OnNode): string {
  if (plan.refusals.length > 0) return refusing(plan);
  const secrets = secretNames();
  const needs: Need[] = [];
  const code = (steps: readonly Step[], head: (step: Step, index: number) => string) =>
    steps.map((step, index) => {
      const known = secrets.all().length;
      const lines = [head(step, index), stepCode(step, onNode, secrets)].join('\n');
      needs.push(
        ...secrets
          .all()
          .slice(known)
          .map((variable) => ({ variable, step })),
      );
      return lines;
    });
  const steps = code(plan.steps, (step, index) => `step ${index + 1} ${sentence(step)}`);
  const undo = code(plan.undo ?? [], (step) => `say ${sentence(step)}`);
  return [
    header(plan),
    ...needs.map(readSecret),
    settings(plan),
    PRELUDE,
    ...(undo.length === 0 ? [] : [`undo() {\n${undo.join('\n')}\n}\n`]),
    ...question(plan),
    ...steps.map((each) => `${each}\n`),
  ].join('\n');
}

function refusing({ title, refusals, unreachable }: Plan): string {
  const lines = refusals.flatMap(({ message, hint }) =>
    hint === undefined ? [message] : [message, `  ${hint}`],
  );
  const told = lines.map((line) => `printf '%s\\n' ${quoteWord(line)} >&2`);
  return [
    '#!/bin/sh',
    `# ${oneLine(title)}: refused`,
    ...told,
    `exit ${unreachable === true ? 4 : 3}`,
    '',
  ].join('\n');
}

function header({ title, notes, steps }: Plan): string {
  const nodes = [...new Set(steps.map((step) => step.node))].join(', ');
  return [
    '#!/bin/sh',
    `# ${oneLine(title)}`,
    `# Made by pgrepl --dry-run=sh for ${nodes === '' ? 'no node' : oneLine(nodes)}, as they were then.`,
    ...(notes ?? []).map((note) => `# note: ${oneLine(note)}`),
    'set -eu',
    '',
  ].join('\n');
}

/** Taken out of the environment at once, so that no program that is started sees it there. */
function readSecret({ variable, step }: Need): string {
  const name = `PGREPL_${variable.toUpperCase()}`;
  const place = step.do === 'write' ? `in ${step.path}` : 'on the standard input';
  const message = `set ${name}: the secret, as it stands ${place} of "${step.node}: ${step.why}"`;
  return [
    `if [ -z "\${${name}:-}" ]; then`,
    `  printf '%s\\n' ${quoteWord(oneLine(message))} >&2`,
    '  exit 2',
    'fi',
    `${variable}=$${name}`,
    `unset ${name}`,
    '',
  ].join('\n');
}

/** Undo may need a value that was not captured yet. */
function settings({ steps, undo, pointOfNoReturn }: Plan): string {
  const captured = steps.flatMap((step) =>
    step.do === 'run' && step.capture !== undefined ? [step.capture] : [],
  );
  const before = undo === undefined || undo.length === 0 ? 0 : (pointOfNoReturn ?? steps.length);
  return [
    `_steps=${steps.length}`,
    `_undo_before=${before}`,
    ...[...new Set(captured)].map((ref) => `${variableOf({ ref })}=`),
    '',
  ].join('\n');
}

function question({ confirm }: Plan): string[] {
  if (confirm === undefined || confirm.length === 0) return [];
  return [
    [
      'if [ "${1:-}" != --yes ]; then',
      ...confirm.map((line) => `  say ${quoteWord(line)}`),
      "  printf 'Go on? [y/N] ' >&2",
      '  read -r _answer || _answer=',
      '  case $_answer in [yY]*) ;; *) trap - EXIT; exit 3 ;; esac',
      'fi',
      '',
    ].join('\n'),
  ];
}

function stepCode(step: Step, onNode: OnNode, secrets: SecretNames): string {
  const rewrite = (argv: readonly string[]) => onNode(step.node, argv, step.asLogin === true);
  const command = (argv: Argv, prefix = '') => prefix + shellCommand(argv, rewrite);
  switch (step.do) {
    case 'run': {
      const bound = step.seconds === undefined ? '' : `bounded ${Math.ceil(step.seconds)} `;
      const call = fed(command(step.argv, bound), step.stdin, secrets);
      if (step.capture === undefined) return call.join('\n');
      const name = variableOf({ ref: step.capture });
      return [`${name}=$(${closed(call)})`, `${name}=$(trim "$${name}")`].join('\n');
    }
    case 'write':
      return fed(
        command(['sh', '-c', { ref: WRITE }, step.flush ?? 'write', step.path, step.mode]),
        step.content,
        secrets,
      ).join('\n');
    case 'expect':
      return [
        'ask() {',
        ...fed(command(step.argv), step.stdin, secrets),
        '}',
        `expect ${Math.ceil(step.seconds)} ${quoteWord(step.stdout)}`,
      ].join('\n');
  }
}

/** The variable of the prelude, put in like a captured value: the script stays short, whatever the host. */
const WRITE = 'write_file';

/** The command with its standard input: never the script's own, which ssh would eat. */
function fed(command: string, text: Parameters<typeof shellInput>[0], secrets: SecretNames): string[] {
  const { pipe, redirect, body } = shellInput(text, secrets);
  if (pipe !== undefined) return [`${pipe} | ${command}`];
  return body === undefined ? [`${command} ${redirect}`] : [`${command} ${redirect}`, body];
}

/** A here-document's end stands alone on its line. */
function closed(lines: readonly string[]): string {
  return lines.length === 1 ? (lines[0] ?? '') : `${lines.join('\n')}\n`;
}

function sentence({ node, why }: Step): string {
  return quoteWord(oneLine(`${node}: ${why}`));
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}
