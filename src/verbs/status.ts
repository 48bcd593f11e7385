import type { Cluster, Node } from '../cluster/types.ts';
import { failure, together, type Outcome } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { observe, tell } from '../observe/observe.ts';
import type { Action, Flags } from './action.ts';
import type { Finding } from '../report/finding.ts';
import { assess } from '../report/health.ts';
import { guestRows, nodeRows } from '../report/rows.ts';
import { statusTree } from '../report/tree.ts';
import { findTarget } from '../cluster/target.ts';
import { havePort, modeOf, number, targetFlags } from './modes.ts';

/** Seconds between two frames where --watch names none. */
const EVERY = 2;

export const status: Action = async (_, flags) => {
  const [{ cluster, node }] = await together(
    findTarget(undefined, targetFlags(flags), 'cluster'),
    framesOrDocument(flags),
  );
  return () => shown(cluster, node, flags);
};

async function framesOrDocument(flags: Flags): Promise<void> {
  if (isWatch(flags) && flags['json'] === true)
    throw failure(
      'usage',
      '--json and --watch exclude each other',
      'Run `pgrepl status --json` again and again.',
    );
}

function isWatch({ watch }: Flags): boolean {
  return watch !== undefined && watch !== false;
}

async function shown(cluster: Cluster, node: Node | undefined, flags: Flags): Promise<void> {
  const { json, timeout } = modeOf(flags);
  const how = { brief: true, ...(timeout === undefined ? {} : { timeout }) };
  const look = async (): Promise<ClusterState> => {
    const state = await observe(cluster, how);
    await havePort(flags, node, state);
    return state;
  };
  if (isWatch(flags)) {
    const { watch } = await import('./watch.ts');
    return watch({ cluster, seconds: number(flags, 'watch') ?? EVERY, look });
  }
  await tellStatus(cluster, await look(), json);
}

async function tellStatus(cluster: Cluster, state: ClusterState, json: boolean): Promise<void> {
  const findings = assess(cluster, state);
  const rows = nodeRows(cluster, state);
  const problems = findings.map(({ message, hint }) =>
    hint === undefined ? { message } : { message, hint },
  );
  await tell(
    {
      command: 'status',
      outcome: outcomeOf(findings),
      nodes: rows,
      problems,
      extra: { cluster: cluster.name, findings },
      text: () => statusText(cluster, state, findings),
    },
    json,
  );
}

export function outcomeOf(findings: readonly Finding[]): Outcome {
  if (findings.some(({ level }) => level === 'split-brain')) return 'split-brain';
  return findings.length > 0 ? 'degraded' : 'done';
}

export async function statusText(
  cluster: Cluster,
  state: ClusterState,
  findings: readonly Finding[],
  history?: ReadonlyMap<string, readonly number[]>,
): Promise<string> {
  const [{ colorOf }, { isUnicode, width }] = await Promise.all([
    import('../talk.ts'),
    import('../report/terminal.ts'),
  ]);
  const look = { width: width(), color: colorOf(process.stdout), unicode: isUnicode() };
  const rows = [...nodeRows(cluster, state), ...guestRows(cluster, state)];
  return statusTree(rows, findings, { ...look, ...(history === undefined ? {} : { history }) });
}
