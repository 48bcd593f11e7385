import type { Cluster, Node } from '../cluster/types.ts';
import type { Outcome, Problem } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import type { Beside } from '../observe/outage.ts';
import type { Plan } from '../plan/plan.ts';
import type { Ask } from '../run/asking.ts';
import type { StepEvent } from '../run/doing.ts';
import type { StepDone } from '../report/json.ts';
import type { NodeRow } from '../report/rows.ts';

/** What every verb that changes something takes. */
export type Mode = {
  dryRun?: 'text' | 'json' | 'sh';
  check: boolean;
  json: boolean;
  yes: boolean;
  /** Seconds, where --timeout says so. */
  timeout?: number;
};

export type Verb = {
  command: string;
  cluster: Cluster;
  /** The nodes that are locked for it; the others are only looked at. */
  nodes: readonly Node[];
  sizes?: boolean;
  /** What the servers say is enough to see that it is done. */
  brief?: true;
  /** Everything is decided here. It is asked again after the run, and then must find nothing to do. */
  plan: (state: ClusterState, ask: Ask) => Plan | Promise<Plan>;
  /** Added to the report, from what was found before and after and what was measured. */
  extra?: () => Readonly<Record<string, unknown>>;
  /** Runs beside the steps: a client that measures. */
  beside?: Beside;
  /** The rows of the report; others than the cluster's own where a verb knows better. */
  rows?: (state: ClusterState) => readonly NodeRow[] | Promise<readonly NodeRow[]>;
};

export type Ending = {
  command: string;
  outcome: Outcome;
  changed: boolean;
  ms: number;
  nodes: readonly NodeRow[];
  steps: readonly StepDone[];
  refusals: readonly Problem[];
  error: readonly Problem[];
  extra?: Readonly<Record<string, unknown>>;
  plan?: Plan;
  state?: ClusterState;
};

/** What the pipeline tells while it works, and what it asks. */
export type Talk = {
  planned: (plan: Plan, verb: Verb, state: ClusterState) => void | Promise<void>;
  step: (event: StepEvent) => void;
  /** A server is waited for before anything is decided. */
  waiting: (line: string) => void;
  confirm: (lines: readonly string[]) => Promise<boolean>;
};

/** A verb at work: what it is, how it was asked for, whom it talks to, and the wish to stop. */
export type Work = {
  verb: Verb;
  mode: Mode;
  talk: Talk;
  signal: AbortSignal;
  /** The verb's plan, with the shells and sessions that are open for its questions. */
  plan: (state: ClusterState) => Plan | Promise<Plan>;
};

/** A plan, and the state it was made from. */
export type Planned = { plan: Plan; state: ClusterState };
