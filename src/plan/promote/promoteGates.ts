import type { Cluster, Node } from '../../cluster/types.ts';
import type { Problem } from '../../errors.ts';
import { distance } from '../../facts/lsn.ts';
import { mayWrite, standsBy } from '../../facts/mute.ts';
import type { ClusterState, NodeState } from '../../facts/state.ts';
import { positionOf, systemOf, type StandbyState } from '../../facts/view.ts';
import type { Secret } from '../../tools/words.ts';

export type PromoteRequest = {
  node: Node;
  primaryIsDead: boolean;
  acceptLoss: number;
  allowDelayed: boolean;
  role: string;
  password?: Secret;
  /** What became of an upstream that is no node of the cluster, asked from the standby's host. */
  outside?: OutsideUpstream;
  addressOf: (node: Node) => string;
  /** Addresses of the nodes, for pg_hba.conf. */
  allow?: readonly string[];
  seconds: number;
};

export type OutsideUpstream = {
  name: string;
  is: 'primary' | 'standby' | 'alive' | 'not listening' | 'unknown';
  said: string;
};

type Gate = { refusals: readonly Problem[]; unreachable: boolean };

/** The old primary must be seen not to take writes, or be said to be fenced. */
export function primaryGates(
  cluster: Cluster,
  state: ClusterState,
  found: StandbyState,
  request: PromoteRequest,
): Gate & { confirm: readonly string[] } {
  const others = state.nodes.filter(({ node }) => node !== found.node);
  const writing = others.filter((other) => other.is === 'primary' && systemOf(other) === systemOf(found));
  if (request.primaryIsDead) {
    const confirm = writing.map(
      ({ node }) =>
        `promote ${found.node} though ${node} was seen to take writes just now: two primaries, unless it is fenced`,
    );
    const answering = others
      .filter(mayWrite)
      .map(
        ({ node, because }) =>
          `promote ${found.node} though a server answers at ${node} (${because}): two primaries, unless it is fenced`,
      );
    return { refusals: [], unreachable: false, confirm: [...confirm, ...answering] };
  }
  const switchover = `pgrepl switchover ${found.node} swaps them without losing anything; if it is fenced, say --primary-is-dead`;
  const alive = writing.map(({ node }) => ({
    message: `${node}: is the primary and takes writes`,
    hint: switchover,
  }));
  const unseen = others.flatMap((other) => unseenProblem(cluster, state, found, other));
  const outside = outsideGate(request.outside, switchover);
  const refusals = [...alive, ...others.flatMap(muteProblem), ...unseen, ...outside.refusals];
  const unreachable = unseen.length + (outside.unreachable ? outside.refusals.length : 0);
  return { refusals, unreachable: refusals.length > 0 && refusals.length === unreachable, confirm: [] };
}

function muteProblem(other: NodeState): readonly Problem[] {
  if (other.is !== 'mute' || standsBy(other)) return [];
  const message = `${other.node}: a server runs there and does not answer (${other.because}): it may take writes`;
  return [{ message, hint: 'Stop it, or fence it and say --primary-is-dead.' }];
}

const FENCE = 'When it is fenced (switched off, cut off), say --primary-is-dead.';

function unseenProblem(
  cluster: Cluster,
  state: ClusterState,
  found: StandbyState,
  other: NodeState,
): readonly Problem[] {
  if (other.is !== 'unreachable' || !mayBePrimary(cluster, state, found, other.node)) return [];
  return [{ message: `${other.because}: whether it takes writes is not known`, hint: FENCE }];
}

/** Any node that cannot be seen, unless another one is seen to be the stopped primary it follows. */
function mayBePrimary(cluster: Cluster, state: ClusterState, found: StandbyState, name: string): boolean {
  const node = cluster.nodes.find((each) => each.name === name);
  const stoppedPrimary = state.nodes.some(
    (other) => other.is === 'stopped' && !other.standby && systemOf(other) === found.server.systemIdentifier,
  );
  return !(node?.upstream !== undefined && stoppedPrimary);
}

function outsideGate(outside: OutsideUpstream | undefined, switchover: string): Gate {
  switch (outside?.is) {
    case undefined:
    case 'not listening':
      return { refusals: [], unreachable: false };
    case 'standby': {
      const message = `${outside.name}: is a standby itself, and whether its primary takes writes is not known`;
      return { refusals: [{ message, hint: FENCE }], unreachable: false };
    }
    case 'primary': {
      const message = `${outside.name}: is the primary and takes writes`;
      return { refusals: [{ message, hint: switchover }], unreachable: false };
    }
    case 'alive': {
      const message = `${outside.name}: a server answers there (${outside.said}): it may take writes`;
      const hint = 'Stop it first, or fence it and say --primary-is-dead.';
      return { refusals: [{ message, hint }], unreachable: false };
    }
    case 'unknown': {
      const message = `${outside.name}: cannot be reached (${outside.said}): whether it takes writes is not known`;
      return { refusals: [{ message, hint: FENCE }], unreachable: true };
    }
  }
}

/** A promotion replays everything that was held back: a delayed standby is no time machine then. */
export function delayGates(found: StandbyState, request: PromoteRequest): readonly Problem[] {
  if (request.allowDelayed) return [];
  const hint = 'With --allow-delayed all that it received is replayed first, and it is promoted then.';
  return [
    ...(found.paused ? [{ message: `${found.node}: its replay is paused`, hint }] : []),
    ...(found.delayMs > 0
      ? [
          {
            message: `${found.node}: it replays ${Math.round(found.delayMs / 1000)} s late (recovery_min_apply_delay)`,
            hint,
          },
        ]
      : []),
  ];
}

/** What it received counts, not what it replayed: the promotion replays the rest. */
export function behindGates(
  state: ClusterState,
  found: StandbyState,
  request: PromoteRequest,
): readonly Problem[] {
  const mine = positionOf(found);
  if (mine === undefined) return [];
  return state.nodes.flatMap((other) => {
    if (other.is !== 'standby' || other.node === found.node || systemOf(other) !== systemOf(found)) return [];
    const theirs = positionOf(other);
    const ahead = theirs === undefined ? 0 : distance(theirs, mine);
    if (ahead <= request.acceptLoss) return [];
    return [
      {
        message: `${found.node}: ${other.node} has ${ahead} bytes of WAL more`,
        hint: `pgrepl promote ${other.node} loses less; --accept-loss ${ahead} promotes ${found.node} all the same`,
      },
    ];
  });
}
