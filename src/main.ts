import { CommanderError, type Command } from 'commander';
import { similar } from './cluster/similar.ts';
import { isPgreplError, PgreplError, STATUS, type Problem } from './errors.ts';
import { buildProgram } from './program.ts';

/** Runs the program and turns every end into an exit status. The only caller is bin. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = buildProgram();
  try {
    await program.parseAsync(spelledOut(argv), { from: 'user' });
  } catch (error) {
    process.exitCode = await told(error, argv, program);
  }
}

/** The verb in its one or two words, as `slot list`, and its part of the tree. */
function commandOf(program: Command, argv: readonly string[]): { name: string; command: Command } {
  const [first, second] = argv.filter((word) => !word.startsWith('-'));
  const verb = program.commands.find((command) => command.name() === first);
  const more = verb?.commands.find((command) => command.name() === second);
  return {
    name: more === undefined ? (first ?? 'pgrepl') : `${first ?? ''} ${second ?? ''}`,
    command: more ?? verb ?? program,
  };
}

/** `--dry-run` without a value must not swallow the word behind it. */
function spelledOut(argv: readonly string[]): string[] {
  return argv.map((word) => (word === '--dry-run' ? '--dry-run=text' : word));
}

async function told(error: unknown, argv: readonly string[], program: Command): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const json = argv.includes('--json');
  // The help has been shown already.
  if (error instanceof CommanderError && error.code === 'commander.help' && !json) return STATUS.usage;
  const { name, command } = commandOf(program, argv);
  const { tellError } = await import('./talk.ts');
  const known = knownAs(error, argv, command);
  tellError({
    command: name,
    json,
    error: known ?? (error instanceof Error ? error : new Error(String(error))),
  });
  return STATUS[known?.outcome ?? 'fault'];
}

function knownAs(error: unknown, argv: readonly string[], command: Command): PgreplError | undefined {
  if (!(error instanceof CommanderError)) return isPgreplError(error) ? error : undefined;
  const first = problemOf(error);
  const others = error.code === 'commander.unknownOption' ? unknownOptions(argv, command) : [];
  const more = others.map((option) => unknownOption(option, command));
  return new PgreplError('usage', [first, ...more.filter(({ message }) => message !== first.message)]);
}

/** commander puts its suggestion on a line of its own, in parentheses. */
function problemOf({ message }: CommanderError): Problem {
  const [said = '', hint] = message.replace(/^error: /, '').split('\n');
  return {
    message: said.replace(/\.$/, ''),
    ...(hint === undefined ? {} : { hint: hint.replace(/^\((.*)\)$/, '$1') }),
  };
}

function unknownOption(option: string, command: Command): Problem {
  const near = similar(
    option,
    command.options.flatMap(({ long }) => (typeof long === 'string' ? [long] : [])),
  );
  return {
    message: `unknown option '${option}'`,
    ...(near === undefined ? {} : { hint: `Did you mean ${near}?` }),
  };
}

/** commander stops at the first one. */
function unknownOptions(argv: readonly string[], command: Command): readonly string[] {
  const end = argv.indexOf('--');
  const names = argv
    .slice(0, end < 0 ? argv.length : end)
    .filter((word) => word.startsWith('--'))
    .map((word) => word.replace(/=.*$/s, ''));
  return [...new Set(names)].filter((name) => !command.options.some(({ long }) => long === name));
}
