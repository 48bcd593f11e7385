/** The exit status of each way a command can end: docs/contract.md. Scripts rely on the numbers. */
export const STATUS = {
  done: 0,
  unchanged: 0,
  healthy: 0,
  planned: 0,
  fault: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  failed: 5,
  'rolled-back': 6,
  'not-reached': 7,
  locked: 8,
  degraded: 9,
  'to-do': 10,
  'split-brain': 11,
  interrupted: 130,
} as const;

export type Outcome = keyof typeof STATUS;

/** The words that scripts may meet in `outcome`; the finer ones of ours are told by the status beside them. */
export function toldOutcome(outcome: Outcome): Outcome {
  switch (outcome) {
    case 'usage':
      return 'refused';
    case 'fault':
      return 'failed';
    case 'to-do':
      return 'planned';
    case 'healthy':
      return 'done';
    case 'done':
    case 'unchanged':
    case 'planned':
    case 'refused':
    case 'unreachable':
    case 'failed':
    case 'rolled-back':
    case 'not-reached':
    case 'locked':
    case 'degraded':
    case 'split-brain':
    case 'interrupted':
      return outcome;
  }
}

/** One thing that is wrong: a sentence that names the node first, and what to type about it. */
export type Problem = { message: string; hint?: string };

/** An end that is not the wished one. `problems` holds every cause that was found, not only the first. */
export class PgreplError extends Error {
  readonly outcome: Outcome;
  readonly problems: readonly Problem[];

  constructor(outcome: Outcome, problems: readonly Problem[]) {
    super(problems.map((problem) => problem.message).join('\n'));
    this.name = 'PgreplError';
    this.outcome = outcome;
    this.problems = problems;
  }
}

/** By its name: the program and its verbs are bundled apart, each with a class of its own. */
export function isPgreplError(error: unknown): error is PgreplError {
  return error instanceof Error && error.name === 'PgreplError' && 'problems' in error;
}

/** A `PgreplError` with one cause. */
export function failure(outcome: Outcome, message: string, hint?: string): PgreplError {
  return new PgreplError(outcome, [hint === undefined ? { message } : { message, hint }]);
}

/** Calls all of them, and throws their `usage` problems as one error; any other error is thrown at once. */
export function eachOf<T extends readonly (() => unknown)[]>(
  ...calls: T
): { [K in keyof T]: ReturnType<T[K]> } {
  const problems: Problem[] = [];
  const values = calls.map((call) => {
    try {
      return call();
    } catch (error) {
      if (!isPgreplError(error) || error.outcome !== 'usage') throw error;
      problems.push(...error.problems);
      return undefined;
    }
  });
  if (problems.length > 0) throw new PgreplError('usage', problems);
  return values as { [K in keyof T]: ReturnType<T[K]> };
}

/** Waits for all of them, and throws their `usage` problems as one error; only a fault of ours goes first. */
export async function together<T extends readonly Promise<unknown>[]>(
  ...all: T
): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  const ends = await Promise.allSettled(all);
  const errors = [
    ...new Set(ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))),
  ];
  const known = errors.filter(isPgreplError);
  const fault = errors.find((error) => !isPgreplError(error));
  if (fault !== undefined) throw fault;
  const wrong = known.filter(({ outcome }) => outcome === 'usage').flatMap(({ problems }) => problems);
  if (wrong.length > 0) throw new PgreplError('usage', wrong);
  if (known[0] !== undefined) throw known[0];
  return Promise.all(all) as Promise<{ [K in keyof T]: Awaited<T[K]> }>;
}
