import type { Node } from '../../cluster/types.ts';
import type { Secret } from '../../tools/words.ts';
import type { Wal } from '../attach.ts';
import type { CloneRequest } from '../clone/cloneRequest.ts';
import type { NodePast } from './past.ts';

export type RejoinRequest = {
  node: Node;
  allowReclone: boolean;
  role: string;
  password?: Secret;
  addressOf: (node: Node) => string;
  /** For the names of what is kept: `20261130T101500`. */
  stamp: string;
  seconds: number;
  /** What was asked outside of the planner; absent where it was not worth asking. */
  asked?: RejoinAsked;
};

export type RejoinAsked = {
  /** What the primary said to the replication role, asked from the node's host; or why it said nothing. */
  source: CloneRequest['source'];
  /** Why the role may not read there what pg_rewind reads; absent where it may. */
  rewinder?: string;
  wal: Wal | { said: string };
  past: NodePast;
  /** A running standby has replayed all that it received. */
  caughtUp: boolean;
};
