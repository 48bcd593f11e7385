import type { Cluster } from './cluster/types.ts';
import { STATUS, type Outcome, type Problem } from './errors.ts';
import { inspect, type Look } from './facts/inspect.ts';
import type { ClusterState } from './facts/state.ts';
import { prepareSsh } from './run/nodes.ts';
import { hold } from './run/spawn.ts';
import { document } from './report/json.ts';
import type { NodeRow } from './report/rows.ts';

/** Seconds a node has to answer who only looks: as long as one connection may take. */
const DEADLINE = 10;

/** Looks at all nodes at once and locks none. `brief` is for who plans nothing from it. */
export async function observe(
  cluster: Cluster,
  how: Pick<Look, 'sizes' | 'brief'> & { timeout?: number } = {},
): Promise<ClusterState> {
  prepareSsh(cluster);
  const { timeout, ...look } = how;
  const { nodes } = await inspect(cluster, {
    ...look,
    hold,
    seconds: Math.min(DEADLINE, timeout ?? DEADLINE),
  });
  return { nodes };
}

/** What a verb that only looks has to say. */
export type Observation = {
  command: string;
  outcome: Outcome;
  nodes: readonly NodeRow[];
  /** Why the outcome is not the good one. */
  problems?: readonly Problem[];
  /** What the verb adds to the JSON document. */
  extra?: Readonly<Record<string, unknown>>;
  text: () => string | Promise<string>;
};

/** Prints it, for people or as the JSON document, and sets the exit status. */
export async function tell(observation: Observation, json: boolean): Promise<void> {
  const { command, outcome, nodes, problems = [], extra = {} } = observation;
  const account = { command, outcome, changed: false, ms: performance.now(), nodes, extra, error: problems };
  process.stdout.write(json ? `${JSON.stringify(document(account))}\n` : await observation.text());
  process.exitCode = STATUS[outcome];
}
