import type { Step } from '../plan/plan.ts';
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
