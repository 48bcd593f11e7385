import { CommanderError, type Command } from 'commander';
import { failure, isPgreplError, STATUS, type PgreplError } from './errors.ts';
import { buildProgram } from './program.ts';

/** Runs the program and turns every end into an exit status. The only caller is bin. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = buildProgram();
  try {
    await program.parseAsync(spelledOut(argv), { from: 'user' });
  } catch (error) {
    process.exitCode = await told(error, argv, commandOf(program, argv));
  }
}

/** The verb in its one or two words: `slot list`. */
function commandOf(program: Command, argv: readonly string[]): string {
  const [first, second] = argv.filter((word) => !word.startsWith('-'));
  const verb = program.commands.find((command) => command.name() === first);
  const more = verb?.commands.find((command) => command.name() === second);
  return more === undefined ? (first ?? 'pgrepl') : `${first ?? ''} ${second ?? ''}`;
}

/** `--dry-run` without a value must not swallow the word behind it. */
function spelledOut(argv: readonly string[]): string[] {
  return argv.map((word) => (word === '--dry-run' ? '--dry-run=text' : word));
}

async function told(error: unknown, argv: readonly string[], command: string): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const json = argv.includes('--json');
  // commander has told people already.
  if (error instanceof CommanderError && !json) return STATUS.usage;
  const { tellError } = await import('./talk.ts');
  const known = knownAs(error);
  tellError({ command, json, error: known ?? (error instanceof Error ? error : new Error(String(error))) });
  return STATUS[known?.outcome ?? 'fault'];
}

function knownAs(error: unknown): PgreplError | undefined {
  if (error instanceof CommanderError) return failure('usage', error.message.replace(/^error: /, ''));
  return isPgreplError(error) ? error : undefined;
}
