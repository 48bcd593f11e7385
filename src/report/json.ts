import type { Outcome, Problem } from '../errors.ts';
import { STATUS, toldOutcome } from '../errors.ts';
import type { Step } from '../plan/plan.ts';
import { masked, shownArgv, shownText } from './redact.ts';
import type { NodeRow } from './rows.ts';

/** A step, and how long it took where it ran. */
export type StepDone = Step & { ms?: number };

export type Account = {
  command: string;
  outcome: Outcome;
  changed: boolean;
  ms: number;
  nodes?: readonly NodeRow[];
  steps?: readonly StepDone[];
  refusals?: readonly Problem[];
  /** Every cause of a bad end; the first becomes the message. */
  error?: readonly Problem[];
  /** What the command adds: `writeOutageMs`. */
  extra?: Readonly<Record<string, unknown>>;
};

export type JsonStep = { node: string; why: string; do: Step['do'] } & Readonly<Record<string, unknown>>;
export type JsonError = Problem & { problems: readonly Problem[] };

export type JsonDocument = {
  command: string;
  outcome: Outcome;
  status: number;
  changed: boolean;
  ms: number;
  nodes: readonly NodeRow[];
  steps: readonly JsonStep[];
  refusals: readonly Problem[];
  error: JsonError | null;
} & Readonly<Record<string, unknown>>;

/** The one document that `--json` prints: docs/contract.md. */
export function document(account: Account): JsonDocument {
  return {
    command: account.command,
    outcome: toldOutcome(account.outcome),
    status: STATUS[account.outcome],
    changed: account.changed,
    ms: Math.round(account.ms),
    ...account.extra,
    nodes: account.nodes ?? [],
    steps: (account.steps ?? []).map(jsonStep),
    refusals: account.refusals ?? [],
    error: errorOf(account.error ?? []),
  };
}

/** A step without its secrets; what an earlier step captured is shown as `$name`. */
function jsonStep(step: StepDone): JsonStep {
  const { node, why } = step;
  return defined({
    node,
    why,
    do: step.do,
    lane: step.lane,
    asLogin: step.asLogin,
    ...bodyOf(step),
    ms: step.ms,
  });
}

function bodyOf(step: StepDone): Record<string, unknown> {
  switch (step.do) {
    case 'run':
      return { ...asked(step), capture: step.capture, seconds: step.seconds };
    case 'write':
      return { path: step.path, mode: step.mode, content: shownText(step.content) };
    case 'expect':
      return { ...asked(step), stdout: masked(step.stdout), seconds: step.seconds };
  }
}

function asked({ argv, stdin }: Exclude<Step, { do: 'write' }>): Record<string, unknown> {
  return { argv: shownArgv(argv), stdin: stdin === undefined ? undefined : shownText(stdin) };
}

function defined<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
}

function errorOf(problems: readonly Problem[]): JsonError | null {
  const [first] = problems;
  return first === undefined ? null : { ...first, problems };
}
