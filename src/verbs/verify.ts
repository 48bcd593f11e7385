import { flyCanary, hasReceived, type Seen } from '../observe/canary.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import type { Problem } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { primariesOf, stateOf, viewOf, type PrimaryState } from '../facts/view.ts';
import type { DeepCheck } from '../observe/deep.ts';
import { observe, tell } from '../observe/observe.ts';
import type { Action, Flags } from './action.ts';
import { nodeRows } from '../report/rows.ts';
import { isUnicode } from '../report/terminal.ts';
import { colorOf } from '../talk.ts';
import { findTarget } from '../cluster/target.ts';
import { havePort, modeOf, targetFlags } from './modes.ts';

/** Seconds that the row may take to a standby. */
const PATIENCE = 30;

export const verify: Action = async (_, flags) => {
  const { cluster, node } = await findTarget(undefined, targetFlags(flags), 'cluster');
  return () => verified(cluster, node, flags);
};

async function verified(cluster: Cluster, node: Node | undefined, flags: Flags): Promise<void> {
  const { json, timeout = PATIENCE } = modeOf(flags);
  const state = await observe(cluster);
  await havePort(flags, node, state);
  const primary = viewOf(cluster, state).primary;
  const problems: Problem[] = [...noPrimary(cluster, state, primary)];
  const flown =
    primary === undefined || problems.length > 0
      ? undefined
      : await flyCanary(cluster, state, primary, timeout);
  if (flown !== undefined && flown.written === undefined)
    problems.push({ message: `${primary?.node ?? ''}: the row could not be written: ${flown.because}` });
  const seen = [
    ...(await withReceived(cluster, flown?.written, flown?.seen ?? [])),
    ...silent(cluster, state),
  ];
  const deep =
    flags['deep'] === true ? await (await import('../observe/deep.ts')).lookDeep(cluster, state) : [];
  problems.push(...seen.filter(isBad).map(({ message }) => ({ message })));
  problems.push(
    ...deep.filter(({ is }) => is === 'bad').map(({ node, message }) => ({ message: `${node}: ${message}` })),
  );
  await tell(
    {
      command: 'verify',
      outcome: problems.length === 0 ? 'done' : 'degraded',
      nodes: nodeRows(cluster, state),
      problems,
      extra: { standbys: seen, ...(flags['deep'] === true ? { deep } : {}) },
      text: () => verifyText(primary, seen, deep, problems),
    },
    json,
  );
}

function isBad({ is }: Seen): boolean {
  return is === 'not read' || is === 'paused' || is === 'not asked';
}

function noPrimary(
  cluster: Cluster,
  state: ClusterState,
  primary: PrimaryState | undefined,
): readonly Problem[] {
  if (primary === undefined) {
    const alone = cluster.file === undefined;
    const hint = alone
      ? 'Name the primary with --pgdata, or the whole cluster with --config FILE.'
      : '`pgrepl status` shows what is there, and what to do.';
    return [{ message: `${cluster.name}: no node takes writes, so no row can be written`, hint }];
  }
  const system = primary.server.systemIdentifier;
  const rivals = primariesOf(state).filter(({ server }) => server.systemIdentifier === system);
  if (rivals.length < 2) return [];
  const names = rivals.map(({ node }) => node).join(' and ');
  return [{ message: `${names} both take writes: split brain`, hint: '`pgrepl status` says what to do.' }];
}

/** Those that replay late are looked at once more: whether they have the WAL of the row. */
async function withReceived(
  cluster: Cluster,
  written: string | undefined,
  seen: readonly Seen[],
): Promise<readonly Seen[]> {
  if (written === undefined || !seen.some(({ is }) => is === 'delayed')) return seen;
  const later = await observe(cluster, { brief: true });
  return seen.map((each) => {
    const found = stateOf(later, each.node);
    if (each.is !== 'delayed' || found?.is !== 'standby') return each;
    if (hasReceived(found, written)) return { ...each, message: `${each.message}; it received the row` };
    return { ...each, is: 'not read', message: `${each.message}; and it did not receive the row` };
  });
}

/** Nodes that are no running standby: of them nothing can be read. */
function silent(cluster: Cluster, state: ClusterState): readonly Seen[] {
  if (cluster.file === undefined) return [];
  return state.nodes
    .filter(({ is }) => is !== 'standby' && is !== 'primary')
    .map(({ node, is, ...rest }) => {
      const because = 'because' in rest ? `: ${rest.because.replace(`${node}: `, '')}` : '';
      const what = is === 'mute' ? 'does not answer' : `is ${is}`;
      return { node, is: 'not asked', ms: null, message: `${node}: ${what}${because}` };
    });
}

function verifyText(
  primary: PrimaryState | undefined,
  seen: readonly Seen[],
  deep: readonly DeepCheck[],
  problems: readonly Problem[],
): string {
  const color = colorOf(process.stdout);
  const [good, bad] = isUnicode() ? ['✓', '✗'] : ['+', 'x'];
  const known = new Set([
    ...seen.map(({ message }) => message),
    ...deep.map(({ node, message }) => `${node}: ${message}`),
  ]);
  const lines = [
    ...problems
      .filter(({ message }) => !known.has(message))
      .flatMap(({ message, hint }) => [
        `${color.red(bad ?? '')} ${message}`,
        ...(hint === undefined ? [] : [`    ${hint}`]),
      ]),
    ...seen.map(
      (each) => `${isBad(each) ? color.red(bad ?? '') : color.green(good ?? '')} ${said(each, primary)}`,
    ),
    ...deep.map(
      ({ node, check, is, message }) =>
        `${markOf(is)} ${node}: ${check}: ${is === 'skipped' ? 'skipped: ' : ''}${message}`,
    ),
  ];
  const none = seen.length === 0 && problems.length === 0 ? ['no standby is there to read from'] : [];
  return [...lines, ...none, ''].join('\n');

  function markOf(is: DeepCheck['is']): string {
    if (is === 'skipped') return color.yellow('-');
    return is === 'good' ? color.green(good ?? '') : color.red(bad ?? '');
  }
}

function said({ node, is, ms, message }: Seen, primary: PrimaryState | undefined): string {
  if (is === 'read')
    return `${node}: read the row that was written on ${primary?.node ?? ''}, after ${ms ?? '?'} ms`;
  return message;
}
