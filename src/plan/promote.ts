import type { Cluster, Node } from '../cluster/types.ts';
import { has, RECOVERY_IN_SETTINGS } from '../cluster/version.ts';
import type { Problem } from '../errors.ts';
import { distance } from '../facts/lsn.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { positionOf, stateOf, systemOf } from '../facts/view.ts';
import { parseConf } from '../render/conf.ts';
import { PROMOTE } from '../tools/handover.ts';
import { script } from '../tools/shell.ts';
import type { Secret } from '../tools/words.ts';
import { leftovers, settingSteps } from './link.ts';
import { isMoved, moveSteps } from './move.ts';
import type { Plan, Step } from './plan.ts';
import { reloadSteps } from './reload.ts';
import { ask, isUp, run, socketOf, sql, write } from './steps.ts';

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
  seconds: number;
};

export type OutsideUpstream = {
  name: string;
  is: 'primary' | 'standby' | 'alive' | 'not listening' | 'unknown';
  said: string;
};

type Standby = Extract<NodeState, { is: 'standby' }>;

/**
 * Makes a standby the primary when the old one is gone, cleans what would haunt it, and moves the other standbys
 * to it. It never makes a second primary knowingly.
 */
export function planPromote(cluster: Cluster, state: ClusterState, request: PromoteRequest): Plan {
  const title = `promote ${request.node.name}`;
  const found = stateOf(state, request.node.name);
  const refuse = (message: string, hint?: string, unreachable = false): Plan => ({
    title,
    refusals: [hint === undefined ? { message } : { message, hint }],
    unreachable,
    steps: [],
  });
  if (found === undefined || found.is === 'unreachable') {
    return refuse(found?.because ?? `${request.node.name}: was not looked at`, found?.hint, true);
  }
  switch (found.is) {
    case 'primary':
      return planPrimary(cluster, state, found, request, title);
    case 'standby':
      return planStandby(cluster, state, found, request, title);
    case 'stopped':
      return refuse(
        `${found.node}: does not run${found.standby ? '' : ', and is no standby'}`,
        found.standby
          ? 'Start it first, so that it replays what it has.'
          : `pgrepl init-primary ${found.node} starts a primary`,
      );
    case 'mute':
      return refuse(`${found.node}: a server runs and does not answer: ${found.because}`, undefined, true);
    case 'empty':
    case 'foreign':
      return refuse(
        `${found.node}: ${found.place.pgdata} is no data directory`,
        `pgrepl clone-standby ${found.node} makes a standby`,
      );
  }
}

/** It is one already. What an earlier run left to do is done, unless another primary may be the one they follow. */
function planPrimary(
  cluster: Cluster,
  state: ClusterState,
  found: Extract<NodeState, { is: 'primary' }>,
  request: PromoteRequest,
  title: string,
): Plan {
  const refusals = state.nodes.flatMap((other) => {
    if (other.is !== 'primary' || other.node === found.node || systemOf(other) !== systemOf(found)) return [];
    const later = other.server.timeline > found.server.timeline;
    if (!later && request.primaryIsDead) return [];
    const message = `${found.node}: takes writes on timeline ${found.server.timeline}, and so does ${other.node} on timeline ${other.server.timeline}`;
    const hint = `Stop the one that is not to be the primary, and pgrepl rejoin makes a standby of it${later ? ` (${other.node} was promoted later)` : ''}.`;
    return [{ message, hint }];
  });
  return {
    title,
    refusals,
    steps: refusals.length > 0 ? [] : afterwards(cluster, state, found, request),
  };
}

function planStandby(
  cluster: Cluster,
  state: ClusterState,
  found: Standby,
  request: PromoteRequest,
  title: string,
): Plan {
  const primary = primaryGates(cluster, state, found, request);
  const refusals = [
    ...primary.refusals,
    ...delayGates(found, request),
    ...behindGates(state, found, request),
  ];
  if (refusals.length > 0)
    return {
      title,
      refusals,
      unreachable: primary.unreachable && refusals.length === primary.refusals.length,
      steps: [],
    };
  return {
    title,
    refusals: [],
    steps: [...promotionSteps(found, request), ...afterwards(cluster, state, found, request)],
    confirm: primary.confirm,
    notes: lossNotes(state, found, request),
  };
}

type PrimaryGates = { refusals: readonly Problem[]; unreachable: boolean; confirm: readonly string[] };

/** The old primary must be seen not to take writes, or be said to be fenced. */
function primaryGates(
  cluster: Cluster,
  state: ClusterState,
  found: Standby,
  request: PromoteRequest,
): PrimaryGates {
  const mine = found.server.systemIdentifier;
  const others = state.nodes.filter(({ node }) => node !== found.node);
  const writing = others
    .filter((other) => other.is === 'primary' && systemOf(other) === mine)
    .map(({ node }) => node);
  if (request.primaryIsDead) {
    const confirm = writing.map(
      (node) =>
        `promote ${found.node} though ${node} was seen to take writes just now: two primaries, unless it is fenced`,
    );
    return { refusals: [], unreachable: false, confirm };
  }
  const switchover = `pgrepl switchover ${found.node} swaps them without losing anything; if it is fenced, say --primary-is-dead`;
  const alive: Problem[] = writing.map((node) => ({
    message: `${node}: is the primary and takes writes`,
    hint: switchover,
  }));
  const mute: Problem[] = others.flatMap((other) =>
    other.is === 'mute' && !standsBy(other)
      ? [
          {
            message: `${other.node}: a server runs there and does not answer (${other.because}): it may take writes`,
            hint: 'Stop it, or fence it and say --primary-is-dead.',
          },
        ]
      : [],
  );
  const unseen: Problem[] = others.flatMap((other) =>
    other.is === 'unreachable' && mayBePrimary(cluster, state, found, other.node)
      ? [
          {
            message: `${other.because}: whether it takes writes is not known`,
            hint: 'When it is fenced (switched off, cut off), say --primary-is-dead.',
          },
        ]
      : [],
  );
  const outside = outsideGates(request.outside, switchover);
  const refusals = [...alive, ...mute, ...unseen, ...outside.refusals];
  return {
    refusals,
    unreachable:
      refusals.length > 0 &&
      refusals.length === unseen.length + (outside.unreachable ? outside.refusals.length : 0),
    confirm: [],
  };
}

/** A server that does not answer yet, and whose files make it a standby, takes no writes. */
function standsBy(other: Extract<NodeState, { is: 'mute' }>): boolean {
  return other.place.signals.includes('standby.signal') || other.place.files.recovery !== undefined;
}

/** Any node that cannot be seen, unless another one is seen to be the stopped primary it follows. */
function mayBePrimary(cluster: Cluster, state: ClusterState, found: Standby, name: string): boolean {
  const node = cluster.nodes.find((each) => each.name === name);
  const stoppedPrimary = state.nodes.some(
    (other) => other.is === 'stopped' && !other.standby && systemOf(other) === found.server.systemIdentifier,
  );
  return !(node?.upstream !== undefined && stoppedPrimary);
}

function outsideGates(
  outside: OutsideUpstream | undefined,
  switchover: string,
): { refusals: readonly Problem[]; unreachable: boolean } {
  switch (outside?.is) {
    case undefined:
    case 'not listening':
    case 'standby':
      return { refusals: [], unreachable: false };
    case 'primary':
      return {
        refusals: [{ message: `${outside.name}: is the primary and takes writes`, hint: switchover }],
        unreachable: false,
      };
    case 'alive':
      return {
        refusals: [
          {
            message: `${outside.name}: a server answers there (${outside.said}): it may take writes`,
            hint: 'Stop it first, or fence it and say --primary-is-dead.',
          },
        ],
        unreachable: false,
      };
    case 'unknown':
      return {
        refusals: [
          {
            message: `${outside.name}: cannot be reached (${outside.said}): whether it takes writes is not known`,
            hint: 'When it is fenced (switched off, cut off), say --primary-is-dead.',
          },
        ],
        unreachable: true,
      };
  }
}

/** A promotion replays everything that was held back: a delayed standby is no time machine then. */
function delayGates(found: Standby, request: PromoteRequest): readonly Problem[] {
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
function behindGates(state: ClusterState, found: Standby, request: PromoteRequest): readonly Problem[] {
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

function lossNotes(state: ClusterState, found: Standby, request: PromoteRequest): readonly string[] {
  if (request.acceptLoss === 0) return [];
  return behindGates(state, found, { ...request, acceptLoss: 0 }).map(
    ({ message }) => `${message}: that is lost`,
  );
}

/** The file that promotes, where a cluster was set up with one: recovery.conf up to 11, a setting from 12 to 15. */
function triggerFile(found: Standby): string | undefined {
  const { server, place } = found;
  const name = has(server.version, RECOVERY_IN_SETTINGS)
    ? server.settings['promote_trigger_file']?.value
    : parseConf(place.files.recovery?.text ?? '').settings.findLast(
        (setting) => setting.name === 'trigger_file',
      )?.value;
  if (name === undefined || name === '') return undefined;
  return name.startsWith('/') ? name : `${place.real}/${name}`;
}

export function promotionSteps(found: Standby, request: { seconds: number }): readonly Step[] {
  const { node, machine, place } = found;
  const trigger = triggerFile(found);
  const socket = socketOf(found);
  return [
    ...(found.paused ? [sql(node, 'go on replaying', socket, ['SELECT pg_wal_replay_resume();'])] : []),
    // pg_ctl would poll ten times a second; we ask more often.
    trigger === undefined
      ? run(
          node,
          'promote',
          script(
            PROMOTE,
            'promote',
            place.real,
            machine.programs.pg_ctl ?? 'pg_ctl',
            '-D',
            place.real,
            '-W',
            '-s',
            'promote',
          ),
        )
      : write(node, `promote: ${trigger} tells it`, trigger, [''], '0600'),
    ask(node, 'it takes writes', socket, ['SELECT NOT pg_is_in_recovery();'], 't', request.seconds),
  ];
}

/** What has no hurry once writes are taken: the past is taken out of its settings, the others follow it. */
function afterwards(
  cluster: Cluster,
  state: ClusterState,
  found: Standby | Extract<NodeState, { is: 'primary' }>,
  request: PromoteRequest,
): readonly Step[] {
  return [...cleanSteps(found), ...siblingSteps(cluster, state, found, request), ...checkpointSteps(found)];
}

export function cleanSteps(found: Extract<NodeState, { server: unknown }>): readonly Step[] {
  const names = leftovers(found);
  if (names.length === 0) return [];
  const settings = Object.fromEntries(names.map((name) => [name, null]));
  return [
    ...settingSteps(found, settings, 'nothing of the standby it was stays in its settings'),
    ...reloadSteps(found.node, socketOf(found)),
  ];
}

/** pg_rewind reads the timeline from the last checkpoint: a rejoin soon after must not wait for the next one. */
function checkpointSteps(found: NodeState): readonly Step[] {
  if (found.is !== 'standby') return [];
  return [sql(found.node, 'a checkpoint, for rejoining', socketOf(found), ['CHECKPOINT;'])];
}

function siblingSteps(
  cluster: Cluster,
  state: ClusterState,
  found: Extract<NodeState, { server: unknown }>,
  request: PromoteRequest,
): readonly Step[] {
  return state.nodes.flatMap((other) => {
    if (other.is !== 'standby' || other.node === found.node || !isUp(found)) return [];
    if (!isMoved(cluster, state, other, found)) return [];
    const node = cluster.nodes.find(({ name }) => name === other.node);
    const upstream = cluster.nodes.find(({ name }) => name === found.node);
    if (node === undefined || upstream === undefined) return [];
    return moveSteps(other, found, {
      node,
      host: request.addressOf(upstream),
      role: request.role,
      lane: other.node,
      seconds: request.seconds,
      ...(request.password === undefined ? {} : { password: request.password }),
    });
  });
}
