import type { Cluster } from '../cluster/types.ts';
import type { Outcome } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import type { Finding } from './finding.ts';
import { guestRows, nodeRows } from './rows.ts';
import { statusTree, type Look } from './tree.ts';

export function outcomeOf(findings: readonly Finding[]): Outcome {
  if (findings.some(({ level }) => level === 'split-brain')) return 'split-brain';
  return findings.length > 0 ? 'degraded' : 'done';
}

/** A cluster at one look, as `status` shows it. */
export function statusText(
  cluster: Cluster,
  state: ClusterState,
  findings: readonly Finding[],
  look: Look,
): string {
  return statusTree([...nodeRows(cluster, state), ...guestRows(cluster, state)], findings, look);
}
