import type { Node } from '../../cluster/types.ts';
import { RECOVERY_IN_SETTINGS } from '../../cluster/version.ts';
import type { Problem } from '../../errors.ts';
import { stop } from '../../tools/service.ts';
import type { Demands } from '../demands.ts';
import type { Link } from '../link.ts';
import { streamingStep } from '../streaming.ts';
import type { Step } from '../plan.ts';
import type { Source } from '../source.ts';
import { isUp, service, type Seen } from '../steps.ts';

export type CloneRequest = {
  node: Node;
  /** A node's name, or host:port. */
  upstream: string;
  link: Link;
  /** What the upstream said to the replication role, asked from the standby's host; or why it did not. */
  source: Source | { problems: readonly Problem[]; unreachable: boolean } | 'not asked';
  /** The password file of the standby, which streams, holds another password than the wanted one. */
  stalePassword?: boolean;
  replace: boolean;
  waldir?: string;
  tablespaces: Readonly<Record<string, string>>;
  maxRate?: string;
  /** The port that an earlier run named, whose copy was cut short, where this one names none. */
  earlierPort?: number;
  /** What flags alone say: of a standby that is there it must hold already. */
  demands?: Demands;
  /** For the name of what --replace moves aside: `20261130T101500`. */
  stamp: string;
  seconds: number;
  /** Addresses of those who will follow it when it is the primary. */
  allow?: readonly string[];
};

/** The proof of a clone: it streams, and its position is past the one noted before the copy. */
export function proof(
  found: Seen,
  request: CloneRequest,
  socket: Parameters<typeof streamingStep>[2],
  past: boolean,
): Step {
  const { source, link, node } = request;
  const known = typeof source === 'object' && 'version' in source ? source : undefined;
  const version = known?.version ?? (isUp(found) ? found.server.version : undefined);
  return streamingStep(node.name, `it streams from ${request.upstream}`, socket, {
    host: link.host,
    port: link.port,
    slot: link.slot,
    lsn: known?.position ?? '0/0',
    past: past && known?.isStandby === false,
    version: version ?? RECOVERY_IN_SETTINGS,
    seconds: request.seconds,
  });
}

export function stopFirst(found: Seen): readonly Step[] {
  return isUp(found)
    ? [service(found.node, 'stop the server that is there', stop(found.machine, found.place))]
    : [];
}
