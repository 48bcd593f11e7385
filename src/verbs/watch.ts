import { createLogUpdate } from 'log-update';
import type { Cluster } from '../cluster/types.ts';
import { STATUS } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { assess } from '../report/health.ts';
import { nodeRows, type NodeRow } from '../report/rows.ts';
import { isTerminal, isUnicode, width } from '../report/terminal.ts';
import { outcomeOf, statusText } from '../report/statusText.ts';
import { colorOf } from '../talk.ts';

export type Watch = { cluster: Cluster; seconds: number; look: () => Promise<ClusterState> };

/** Samples that are kept of each node's lag. */
const KEPT = 120;

/** Draws the status again and again until it is interrupted; elsewhere than on a terminal, one frame below the other. */
export async function watch({ cluster, seconds, look }: Watch): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());
  // Whoever read the frames has gone.
  process.stdout.on('error', () => stop.abort());
  const screen = screenOf();
  const history = new Map<string, number[]>();
  while (!stop.signal.aborted) {
    const state = await look();
    if (stop.signal.aborted) break;
    const findings = assess(cluster, state);
    remember(history, nodeRows(cluster, state));
    const frame = { width: width(), color: colorOf(process.stdout), unicode: isUnicode(), history };
    screen.show(statusText(cluster, state, findings, frame));
    process.exitCode = STATUS[outcomeOf(findings)];
    await pause(seconds * 1000, stop.signal);
  }
  screen.end();
}

function screenOf(): { show: (frame: string) => void; end: () => void } {
  if (!isTerminal(process.stdout))
    return { show: (frame) => void process.stdout.write(`${frame}\n`), end: () => undefined };
  const update = createLogUpdate(process.stdout);
  return { show: (frame) => update(frame.trimEnd()), end: () => update.done() };
}

function remember(history: Map<string, number[]>, rows: readonly NodeRow[]): void {
  for (const { name, lagBytes } of rows) {
    if (lagBytes === null) continue;
    history.set(name, [...(history.get(name) ?? []), lagBytes].slice(-KEPT));
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
