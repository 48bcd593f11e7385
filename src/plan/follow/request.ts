import type { Node } from '../../cluster/types.ts';
import type { Problem } from '../../errors.ts';
import type { Secret } from '../../tools/words.ts';
import type { Wal } from '../attach.ts';
import type { History } from '../divergence.ts';

export type FollowRequest = {
  node: Node;
  upstream: Node;
  /** What the upstream is reached by. */
  host: string;
  role: string;
  /** The node's own addresses, for pg_hba.conf of the upstream. */
  allow?: readonly string[];
  password?: Secret;
  seconds: number;
  /** Its password file holds another password than the wanted one; what stands against a login with that. */
  stalePassword?: { problems: readonly Problem[] };
  /** What was asked outside of the planner; absent where it was not worth asking. */
  asked?: FollowAsked;
};

export type FollowAsked = {
  /** What stood against the login at the upstream, tried from the standby's host. */
  login: { problems: readonly Problem[]; unreachable: boolean };
  /** The upstream's history and oldest WAL, or why it did not tell. */
  wal: Wal | { said: string };
  /** The history of the standby's own timeline. */
  history: History;
  /** All that the standby received is replayed. */
  caughtUp: boolean;
};
