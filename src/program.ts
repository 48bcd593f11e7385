import { Command } from 'commander';
import { VERSION } from './versionOfPgrepl.ts';
import { VERBS, type VerbDefinition } from './definitions.ts';
import { PgreplError, together, type Problem } from './errors.ts';
import { sorted } from './options.ts';
import type { Deed, Flags } from './verbs/action.ts';

/** The commander tree: every verb, option and example. What a verb needs is loaded when it runs. */
export function buildProgram(): Command {
  const program = new Command('pgrepl')
    .description('Bootstrap and operate PostgreSQL primary/standby clusters by streaming replication.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .showSuggestionAfterError()
    .exitOverride()
    // What is wrong is told as every other mistake is: main.ts.
    .configureOutput({ outputError: () => undefined });
  for (const verb of VERBS) addVerb(program, verb);
  return program;
}

function addVerb(program: Command, verb: VerbDefinition): void {
  const [name = '', part] = verb.name.split(' ');
  const words = [part ?? name, verb.args].filter((word) => word !== '').join(' ');
  const command = (part === undefined ? program : groupOf(program, name))
    .command(words)
    .summary(verb.summary)
    .description(`${verb.summary[0]?.toUpperCase() ?? ''}${verb.summary.slice(1)}.\n\n${verb.detail}`)
    .exitOverride();
  for (const each of [...verb.options, ...verb.common]) command.addOption(each);
  command.addHelpText('after', `\nExamples:\n${verb.examples.map((line) => `  ${line}`).join('\n')}`);
  command.action(async (...all: unknown[]) => {
    const args = all.slice(0, -2).filter((word): word is string => typeof word === 'string');
    const deed = await prepared(verb, args, command.opts());
    await deed();
  });
}

/** What a verb is to do. Throws `usage` with every mistake in its flags, its arguments and the cluster file. */
export async function prepared(verb: VerbDefinition, args: readonly string[], given: Flags): Promise<Deed> {
  const { flags, problems } = sorted(given);
  const action = await verb.load();
  const [, deed] = await together(none(problems), action(args, flags));
  return deed;
}

async function none(problems: readonly Problem[]): Promise<void> {
  if (problems.length > 0) throw new PgreplError('usage', problems);
}

/** `--dry-run` without a value must not swallow the word behind it. */
export function spelledOut(argv: readonly string[]): string[] {
  return argv.map((word) => (word === '--dry-run' ? '--dry-run=text' : word));
}

/** The command above those of two words: `slot`, for `slot list` and `slot drop`. */
function groupOf(program: Command, name: string): Command {
  const there = program.commands.find((command) => command.name() === name);
  if (there !== undefined) return there;
  const parts = VERBS.filter((verb) => verb.name.startsWith(`${name} `)).map(
    (verb) => verb.name.split(' ')[1],
  );
  return program
    .command(name)
    .summary(`${parts.join(', ')} a ${name}`)
    .exitOverride();
}
