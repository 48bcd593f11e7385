import type { Node } from '../../cluster/types.ts';
import type { Problem } from '../../errors.ts';
import type { Secret } from '../../tools/words.ts';

export type SwitchoverRequest = {
  node: Node;
  maxLag: number;
  role: string;
  password?: Secret;
  addressOf: (node: Node) => string;
  /** Addresses of the nodes, for pg_hba.conf. */
  allow?: readonly string[];
  /** What stood against logging in at the candidate from each host, asked there. */
  logins: readonly Problem[];
  seconds: number;
};
