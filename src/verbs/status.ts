import { withRefusedPasswords } from '../ask/refused.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import { failure, together } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { observe, tell } from '../observe/observe.ts';
import type { Action, Flags } from './action.ts';
import { assess } from '../report/health.ts';
import { nodeRows } from '../report/rows.ts';
import type { Look } from '../report/tree.ts';
import { outcomeOf, statusText } from '../report/statusText.ts';
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
    return withRefusedPasswords(cluster, state);
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
      text: async () => statusText(cluster, state, findings, await lookOf()),
    },
    json,
  );
}

async function lookOf(): Promise<Look> {
  const [{ colorOf }, { isUnicode, width }] = await Promise.all([
    import('../talk.ts'),
    import('../report/terminal.ts'),
  ]);
  return { width: width(), color: colorOf(process.stdout), unicode: isUnicode() };
}
