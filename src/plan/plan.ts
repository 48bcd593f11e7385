import type { Problem } from '../errors.ts';
import type { Argv, Text } from '../tools/words.ts';

/** What every step has, whatever it does. */
type Common = {
  node: string;
  /** What it is for, as people say it: "copy pg1". */
  why: string;
  /** Run as who logged in instead of as the owner of the data: what systemctl and pg_ctlcluster want. */
  asLogin?: true;
  /** Steps of one lane run in their order; neighbouring lanes run at the same time. */
  lane?: string;
};

export type RunStep = Common & {
  do: 'run';
  argv: Argv;
  stdin?: Text;
  /** Its stdout, trimmed, is kept under this name for later steps. */
  capture?: string;
  /** The longest it may take, in seconds; a copy has no bound. */
  seconds?: number;
  /** Words of its error, and what helps where it has them. */
  hints?: readonly (readonly [said: string, hint: string])[];
  /** Its output is pg_basebackup's or pg_rewind's progress. */
  progress?: true;
};

export type WriteStep = Common & {
  do: 'write';
  path: string;
  content: Text;
  /** Octal, as chmod takes it. */
  mode: string;
  /** What is there now, for the difference that a dry run shows. */
  was?: string;
  /** It need not be on the disk yet: a later step flushes the file system. */
  flush?: 'later';
};

/** Asked again and again until stdout, trimmed, is the wanted text. */
export type ExpectStep = Common & {
  do: 'expect';
  argv: Argv;
  stdin?: Text;
  stdout: string;
  seconds: number;
  /** It is what the plan is for, and what comes after it tidies: not seen, it ends as a goal that was not reached. */
  goal?: true;
};

/** A step is a command line, a file, or an expectation; nothing else. */
export type Step = RunStep | WriteStep | ExpectStep;

export type Plan = {
  title: string;
  /** Why it may not be done: every gate that does not hold. With one of them nothing is done. */
  refusals: readonly Problem[];
  /** Refusals that are about a node that does not answer: exit status 4 instead of 3. */
  unreachable?: boolean;
  steps: readonly Step[];
  /** Undoes what the steps before `pointOfNoReturn` did; absent where a failure leaves nothing to undo. */
  undo?: readonly Step[];
  /** The number of steps after which there is no way back. */
  pointOfNoReturn?: number;
  /** What a person is asked before it is done: what it removes or replaces. */
  confirm?: readonly string[];
  /** Worth saying, and no reason to stop. */
  notes?: readonly string[];
};
