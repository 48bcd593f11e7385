import type { Cluster } from '../cluster/types.ts';
import { STATUS, type Outcome, type Problem } from '../errors.ts';
import { inspect } from './inspect.ts';
import type { Look } from './looking.ts';
import { atLeast } from '../facts/lsn.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { stateOf } from '../facts/view.ts';
import { pauseFor } from '../run/pause.ts';
import { prepareSsh } from '../run/nodes.ts';
import { hold } from '../run/hold.ts';
import { document } from '../report/json.ts';
import type { NodeRow } from '../report/rows.ts';

/** Seconds a node has to answer who only looks: as long as one connection may take. */
const DEADLINE = 10;

type How = Pick<Look, 'sizes' | 'brief'> & { timeout?: number };

/** Looks at all nodes at once and locks none. `brief` is for who plans nothing from it. */
export async function observe(cluster: Cluster, how: How = {}): Promise<ClusterState> {
  prepareSsh(cluster);
  const first = await look(cluster, how);
  if (!first.nodes.some(seemsLate)) return first;
  await pauseFor(AGAIN_MS);
  const second = await look(cluster, how);
  return { nodes: second.nodes.map((found) => timely(found, stateOf(first, found.node))) };
}

async function look(cluster: Cluster, { timeout, ...how }: How): Promise<ClusterState> {
  const seconds = Math.min(DEADLINE, timeout ?? DEADLINE);
  const { nodes } = await inspect(cluster, { ...how, hold, seconds });
  return { nodes };
}

/** Seconds of lag that are worth a second look, and how long after the first. */
const LATE = 10;
const AGAIN_MS = 200;

function seemsLate(found: NodeState): boolean {
  return found.is === 'standby' && !found.paused && found.lagSeconds > LATE + found.delayMs / 1000;
}

/**
 * Lag in seconds is the age of the last commit that was replayed, as long as something received is not replayed. In
 * a quiet cluster that is old when the next record comes, and wrong for the moment until it is replayed.
 */
function timely(found: NodeState, before: NodeState | undefined): NodeState {
  if (!seemsLate(found) || found.is !== 'standby' || before?.is !== 'standby') return found;
  const [replayed, received] = [found.replayed, before.received];
  const moved = replayed !== undefined && received !== undefined && atLeast(replayed, received);
  return moved ? { ...found, lagSeconds: 0 } : found;
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
