import { userInfo, hostname } from 'node:os';
import type { Cluster, Node } from '../cluster/types.ts';
import { PgreplError } from '../errors.ts';
import { inspect, type Looked } from '../observe/inspect.ts';
import type { Look } from '../observe/looking.ts';
import type { ClusterState } from '../facts/state.ts';
import { hold } from '../run/hold.ts';
import { pauseFor } from '../run/pause.ts';
import type { Work } from './verb.ts';

type Looking = Pick<Work, 'verb' | 'mode'>;

/** The first look; it takes the locks of the verb's nodes if the verb is to write. Throws `locked`. */
export async function lookFirst(
  { verb, mode }: Looking,
  writes: boolean,
): Promise<ClusterState & { looked: readonly Looked[] }> {
  const who = `pgrepl ${verb.command}, pid ${process.pid} of ${userInfo().username} on ${hostname()}, since ${new Date().toISOString()}`;
  const how = lookOf({ verb, mode }, writes ? who : undefined);
  const looked = await contested((await inspect(verb.cluster, how)).looked, (nodes) =>
    inspect(only(verb.cluster, nodes), how),
  );
  const held = heldOf(looked);
  if (held.length === 0) return { nodes: looked.map(({ state }) => state), looked };
  await Promise.all(looked.map(({ release }) => release()));
  throw new PgreplError(
    'locked',
    held.map(({ node, lockedBy }) => ({
      message: `${node}: another pgrepl works on it: ${lockedBy}`,
      hint: 'Wait until it has ended; its lock goes with it.',
    })),
  );
}

function heldOf(looked: readonly Looked[]): readonly { node: string; lockedBy: string }[] {
  return looked.flatMap(({ lockedBy, state }) =>
    lockedBy === undefined ? [] : [{ node: state.node, lockedBy }],
  );
}

/** Milliseconds since when a holder began at the same instant as we, and for which it is waited for; and between looks. */
const CONTEST_MS = 5000;
const AGAIN_MS = 50;

/**
 * All locks are taken at once, so two that begin at the same instant may each have some. The lock of the first node, by
 * name, decides: who has not got it gives up, and who has it looks again at the nodes that the other will let go.
 */
async function contested(
  looked: readonly Looked[],
  lookAt: (nodes: readonly string[]) => Promise<{ looked: readonly Looked[] }>,
): Promise<readonly Looked[]> {
  const until = performance.now() + CONTEST_MS;
  let now = looked;
  for (;;) {
    const held = heldOf(now);
    const mayWin = isFirst(now) && held.every(({ lockedBy }) => beganJustNow(lockedBy));
    if (held.length === 0 || !mayWin || performance.now() > until) return now;
    await pauseFor(AGAIN_MS);
    const again = await lookAt(held.map(({ node }) => node));
    now = now.map((each) => again.looked.find(({ state }) => state.node === each.state.node) ?? each);
  }
}

/** Whether the first of the nodes that are locked, or were to be, is ours. */
function isFirst(looked: readonly Looked[]): boolean {
  const locks = looked.filter(({ lockedBy, shell }) => lockedBy !== undefined || shell !== undefined);
  const [first] = locks.toSorted((a, b) => (a.state.node < b.state.node ? -1 : 1));
  return first?.shell !== undefined;
}

function beganJustNow(holder: string): boolean {
  const since = Date.parse(/, since (\S+?)(,|$)/.exec(holder)?.[1] ?? '');
  return Math.abs(Date.now() - since) < CONTEST_MS;
}

/** Looks at these nodes once more, or at all; the locks are held since the first look. */
export function lookAgain({ verb, mode }: Looking, nodes?: readonly string[]): Promise<ClusterState> {
  return inspect(only(verb.cluster, nodes), lookOf({ verb, mode }));
}

/** Asks the servers alone: enough to see that nothing is left to do, and nothing can be planned from it. */
export function lookBriefly({ verb, mode }: Looking): Promise<ClusterState> {
  return inspect(verb.cluster, { ...lookOf({ verb, mode }), brief: true });
}

function only(cluster: Cluster, names?: readonly string[]): Cluster {
  return names === undefined
    ? cluster
    : { ...cluster, nodes: cluster.nodes.filter(({ name }) => names.includes(name)) };
}

function lookOf({ verb, mode }: Looking, lock?: string): Look {
  const locked = new Set(verb.nodes.map(({ name }) => name));
  return {
    hold,
    seconds: Math.min(20, mode.timeout ?? 20),
    ...(verb.sizes === true ? { sizes: true } : {}),
    ...(lock === undefined
      ? {}
      : { lock: (node: Node) => (locked.has(node.name) ? lock : undefined), isOver: isDead }),
  };
}

/** Whether the pgrepl of a lock ran on this machine and runs no more; of another machine's nothing is known. */
function isDead(holder: string): boolean {
  const match = /, pid (\d+) of \S+ on (\S+), since/.exec(holder);
  if (match?.[2] !== hostname()) return false;
  try {
    process.kill(Number(match[1]), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
