import type { Cluster, Node } from '../cluster/types.ts';
import type { Problem } from '../errors.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import type { PrimaryState } from '../facts/view.ts';

export type VerbName = 'init-primary' | 'clone-standby' | 'promote' | 'switchover' | 'rejoin';

/** One precondition of some verbs: whether it holds, and what to do where it does not. */
export type Check = {
  node: string;
  check: string;
  level: 'ok' | 'warning' | 'wrong';
  message: string;
  hint?: string;
  /** The verbs it stands in the way of. */
  verbs: readonly VerbName[];
  /** The other node, where it is about two. */
  about?: string;
};

/** What the servers cannot tell, asked of the hosts and of the network. */
export type Extra = {
  /** Whether a verifier is that of the password in the cluster file; absent where the file names none. */
  fits?: (verifier: string) => boolean;
  /** The addresses of each node, as numbers where they can be looked up. */
  addresses: ReadonlyMap<string, readonly string[]>;
  hosts: ReadonlyMap<string, HostFacts>;
  logins: readonly Login[];
};

export type HostFacts = {
  /** The password file of a standby's connection: octal mode and owner, or absent where there is no such file.
   * `stale` where it is ours and holds another password than the wanted one. */
  passfile?: { path: string; mode?: string; owner?: string; stale?: boolean };
  /** Whether the server starts with its host; absent where nobody knows. */
  starts?: boolean;
};

/** A replication login that was tried, from one node's host to another node. */
export type Login = { from: string; to: string; because?: string };

export type Case = {
  cluster: Cluster;
  state: ClusterState;
  primary: PrimaryState | undefined;
  extra: Extra;
};

export type Examiner = (the: Case, node: Node, found: NodeState) => readonly Check[];

/** A family of checks: what it is called, and which verbs need it. */
export function checking(
  check: string,
  verbs: readonly VerbName[],
): {
  ok: (node: string, message: string, about?: string) => Check;
  wrong: (node: string, message: string, hint?: string, about?: string) => Check;
  warning: (node: string, message: string, hint?: string, about?: string) => Check;
} {
  const made =
    (level: Check['level']) =>
    (node: string, message: string, hint?: string, about?: string): Check => ({
      node,
      check,
      level,
      message: `${node}: ${message}`,
      ...(hint === undefined ? {} : { hint }),
      verbs,
      ...(about === undefined ? {} : { about }),
    });
  return {
    ok: (node, message, about) => made('ok')(node, message, undefined, about),
    wrong: made('wrong'),
    warning: made('warning'),
  };
}

export const EVERY: readonly VerbName[] = [
  'init-primary',
  'clone-standby',
  'promote',
  'switchover',
  'rejoin',
];

export function problemOf({ message, hint }: Check): Problem {
  return hint === undefined ? { message } : { message, hint };
}
