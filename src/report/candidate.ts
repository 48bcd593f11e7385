import type { ClusterState, NodeState } from '../facts/state.ts';
import { bytesOf } from '../facts/lsn.ts';
import { isStarting, mayWrite, standsBy, type MuteState } from '../facts/mute.ts';
import type { StandbyState, View } from '../facts/view.ts';
import { isRunning, positionOf, rootOf, stateOf, systemOf, timelineOf } from '../facts/view.ts';
import { COMMAND } from './finding.ts';

/** The standby that has the most; `newer` is a node on a later timeline, whose WAL its promotion would lose. */
type Candidate = { node: string; newer?: { node: string; timeline: number } };

/** What to do where no node takes writes: create a primary, start the one that is down, or promote who has the most. */
export function wayToPrimary({ cluster, state }: View, root: string): string {
  if (state.nodes.every((found) => found.is === 'empty' || found.is === 'foreign'))
    return `Create the primary: ${COMMAND.init(root)}.`;
  const down = state.nodes.filter((found) => !isRunning(found) && isPossiblyPrimary(found));
  const live = down.find(mayWrite);
  if (live !== undefined) return wayIn(live);
  const starting = down.find((found) => isStarting(found) && !standsBy(found));
  if (starting !== undefined) return `Wait: ${starting.node} is starting, and replays its WAL.`;
  const best = candidateOf(state, systemOf(stateOf(state, rootOf(cluster)?.name ?? root)));
  const names = down.map((found) => found.node).join(', ');
  if (best === undefined) return `Start ${names || root}.`;
  if (best.newer !== undefined) return startFirst(best, best.newer);
  if (down.length === 0) return `Promote the standby that has the most: ${COMMAND.promote(best.node)}.`;
  return `Start ${names} again; if it is gone for good, ${COMMAND.promoteDead(best.node)}.`;
}

/** The hint for a standby whose upstream is away with every primary: following anybody would not help. */
export function promotion(view: View): string | undefined {
  const { cluster, state, primary } = view;
  const isPossible = primary === undefined && cluster.file !== undefined;
  return isPossible && state.nodes.some((found) => found.is === 'standby')
    ? wayToPrimary(view, rootOf(cluster)?.name ?? '')
    : undefined;
}

/** Who is told to promote another one beside a server that takes writes gets two primaries. */
function wayIn({ node, hint }: MuteState): string {
  const stop = `Promote nobody as long as ${node} runs: it may take writes.`;
  return hint === undefined ? stop : `${stop} ${hint}`;
}

function startFirst(best: Candidate, newer: { node: string; timeline: number }): string {
  return `Start ${newer.node} again: no standby that runs has its timeline ${newer.timeline}, and promoting ${best.node} would lose what is on it.`;
}

function isPossiblyPrimary(found: NodeState): boolean {
  return found.is === 'unreachable' || found.is === 'mute' || (found.is === 'stopped' && !found.standby);
}

/** The highest timeline, then the most WAL; one that is late on purpose comes last. */
function candidateOf(state: ClusterState, system: string | undefined): Candidate | undefined {
  const kin = state.nodes.filter((found) => system === undefined || (systemOf(found) ?? system) === system);
  const standbys = kin.filter((found) => found.is === 'standby');
  const [best] = standbys.toSorted(
    (a, b) =>
      byTimeline(a, b) ||
      Number(a.delayMs > 0) - Number(b.delayMs > 0) ||
      Number(isFurther(b, a)) - Number(isFurther(a, b)),
  );
  if (best === undefined) return undefined;
  const newest = kin
    .map((found) => ({ node: found.node, timeline: timelineOf(found) ?? 0 }))
    .toSorted((a, b) => b.timeline - a.timeline)[0];
  return newest === undefined || newest.timeline <= (timelineOf(best) ?? 0)
    ? { node: best.node }
    : { node: best.node, newer: newest };
}

function byTimeline(a: StandbyState, b: StandbyState): number {
  return (timelineOf(b) ?? 0) - (timelineOf(a) ?? 0);
}

function isFurther(a: StandbyState, b: StandbyState): boolean {
  const [here, there] = [positionOf(a), positionOf(b)];
  return here !== undefined && (there === undefined || bytesOf(here) > bytesOf(there));
}
