import { CommanderError, type Command } from 'commander';
import { isPgreplError, PgreplError, STATUS } from './errors.ts';
import { mistakesOf } from './mistakes.ts';
import { mindOutput } from './output.ts';
import { buildProgram, spelledOut } from './program.ts';

/** Runs the program and turns every end into an exit status. The only caller is bin. */
export async function main(argv: readonly string[]): Promise<void> {
  mindOutput();
  const program = buildProgram();
  try {
    await program.parseAsync(spelledOut(argv), { from: 'user' });
  } catch (error) {
    process.exitCode = await told(error, argv, program);
  }
}

/** The verb in its one or two words, as `slot list`. */
function nameOf(program: Command, argv: readonly string[]): string {
  const [first = 'pgrepl', second = ''] = argv.filter((word) => !word.startsWith('-'));
  const verb = program.commands.find((command) => command.name() === first);
  const isTwo = verb?.commands.some((command) => command.name() === second) === true;
  return isTwo ? `${first} ${second}` : first;
}

async function told(error: unknown, argv: readonly string[], program: Command): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const json = argv.includes('--json');
  // The help has been shown already.
  if (error instanceof CommanderError && error.code === 'commander.help' && !json) return STATUS.usage;
  const { tellError } = await import('./talk.ts');
  const end = error instanceof CommanderError ? await asOurs(argv, error) : error;
  tellError({
    command: nameOf(program, argv),
    json,
    error: end instanceof Error ? end : new Error(String(end)),
  });
  return STATUS[isPgreplError(end) ? end.outcome : 'fault'];
}

/** What commander does not take as an error of ours; a fault of ours where it cannot be read. */
function asOurs(argv: readonly string[], error: CommanderError): Promise<unknown> {
  return mistakesOf(argv, error).then(
    (problems) => new PgreplError('usage', problems),
    (fault: unknown) => fault,
  );
}
