import type { Cluster } from '../../cluster/types.ts';
import { has, RECOVERY_IN_SETTINGS } from '../../cluster/version.ts';
import type { ClusterState, NodeState } from '../../facts/state.ts';
import { attachmentOf, upstreamOf } from '../../facts/upstream.ts';
import { stateOf, systemOf, type StandbyState } from '../../facts/view.ts';
import { parseConf } from '../../render/conf.ts';
import { PROMOTE } from '../../tools/handover.ts';
import { script } from '../../tools/shell.ts';
import { fullDisk } from '../fullDisk.ts';
import { letInSteps } from '../letIn.ts';
import { leftovers, settingSteps } from '../link.ts';
import { isMoved, moveSteps } from '../move.ts';
import type { Plan, Step } from '../plan.ts';
import { behindGates, delayGates, primaryGates, type PromoteRequest } from './promoteGates.ts';
import { refuse, unseen, type Refused } from '../refusal.ts';
import { reloadSteps } from '../reload.ts';
import { ask, isUp, run, socketOf, sql, write, type Up } from '../steps.ts';

/**
 * Makes a standby the primary when the old one is gone, cleans what would haunt it, and moves the other standbys
 * to it. It never makes a second primary knowingly.
 */
export function planPromote(cluster: Cluster, state: ClusterState, request: PromoteRequest): Plan {
  const title = `promote ${request.node.name}`;
  const found = stateOf(state, request.node.name);
  if (found?.is === 'primary') return planPrimary(cluster, state, found, request, title);
  if (found?.is === 'standby') return planStandby(cluster, state, found, request, title);
  return { title, steps: [], ...whyNot(found, request.node.name) };
}

/** Of what is no running server, nothing can be promoted. */
function whyNot(found: Exclude<NodeState, { is: 'primary' | 'standby' }> | undefined, name: string): Refused {
  switch (found?.is) {
    case undefined:
    case 'unreachable':
      return unseen(found, name);
    case 'stopped':
      return refuse(
        `${found.node}: does not run${found.standby ? '' : ', and is no standby'}`,
        found.standby
          ? 'Start it first, so that it replays what it has.'
          : `pgrepl init-primary ${found.node} starts a primary`,
      );
    case 'mute':
      return refuse(`${found.node}: a server runs and does not answer: ${found.because}`, found.hint, true);
    case 'empty':
    case 'foreign':
      return refuse(
        `${found.node}: ${found.place.pgdata} is no data directory`,
        `pgrepl clone-standby ${found.node} makes a standby`,
      );
  }
}

/** It is a primary already: what an earlier run left to do is done, unless another node may be the true primary. */
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
  found: StandbyState,
  request: PromoteRequest,
  title: string,
): Plan {
  const primary = primaryGates(cluster, state, found, request);
  const refusals = [
    ...primary.refusals,
    ...delayGates(found, request),
    ...behindGates(state, found, request),
    ...fullDisk(found),
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

function lossNotes(state: ClusterState, found: StandbyState, request: PromoteRequest): readonly string[] {
  if (request.acceptLoss === 0) return [];
  return behindGates(state, found, { ...request, acceptLoss: 0 }).map(
    ({ message }) => `${message}: that is lost`,
  );
}

/** The file that promotes, where a cluster was set up with one: recovery.conf up to 11, a setting from 12 to 15. */
function triggerFile(found: StandbyState): string | undefined {
  const { server, place } = found;
  const name = has(server.version, RECOVERY_IN_SETTINGS)
    ? server.settings['promote_trigger_file']?.value
    : parseConf(place.files.recovery?.text ?? '').settings.findLast(
        (setting) => setting.name === 'trigger_file',
      )?.value;
  if (name === undefined || name === '') return undefined;
  return name.startsWith('/') ? name : `${place.real}/${name}`;
}

export function promotionSteps(found: StandbyState, request: { seconds: number }): readonly Step[] {
  const { node } = found;
  const socket = socketOf(found);
  return [
    ...(found.paused ? [sql(node, 'go on replaying', socket, ['SELECT pg_wal_replay_resume();'])] : []),
    promoteStep(found),
    ask(node, 'it takes writes', socket, ['SELECT NOT pg_is_in_recovery();'], 't', request.seconds),
  ];
}

/** By pg_promote() where there is one (12): its session is open already. Else by pg_ctl, which is not waited for. */
function promoteStep(found: StandbyState): Step {
  const { node, machine, place, server } = found;
  const trigger = triggerFile(found);
  if (trigger !== undefined) return write(node, `promote: ${trigger} tells it`, trigger, [''], '0600');
  if (has(server.version, RECOVERY_IN_SETTINGS) && server.superuser)
    return sql(node, 'promote', socketOf(found), [
      'SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(false) END;',
    ]);
  const pgCtl = [machine.programs.pg_ctl ?? 'pg_ctl', '-D', place.real, '-W', '-s', 'promote'];
  return run(node, 'promote', script(PROMOTE, 'promote', place.real, ...pgCtl));
}

/** What has no hurry once writes are taken: the past is taken out of its settings, the others follow it. */
function afterwards(
  cluster: Cluster,
  state: ClusterState,
  found: StandbyState | Extract<NodeState, { is: 'primary' }>,
  request: PromoteRequest,
): readonly Step[] {
  const siblings = siblingSteps(cluster, state, found, request);
  const letIn = siblings.length === 0 ? [] : letInSteps(found, request.role, request.allow ?? []);
  return [...cleanSteps(found), ...letIn, ...siblings, ...checkpointSteps(found)];
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
    if (!isMoved(cluster, state, other, found) && !isWrittenAlone(cluster, state, other, found)) return [];
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

/**
 * Before 12 nobody can be asked whom a standby follows but its recovery.conf, which counts from the next start on: one that
 * leads here and is not seen here was written by a run that was killed before the restart.
 */
function isWrittenAlone(cluster: Cluster, state: ClusterState, standby: StandbyState, upstream: Up): boolean {
  return (
    upstream.is === 'primary' &&
    !has(standby.server.version, RECOVERY_IN_SETTINGS) &&
    systemOf(standby) === systemOf(upstream) &&
    attachmentOf(cluster, state, standby.node) === undefined &&
    upstreamOf(cluster, state, standby.node) === upstream.node
  );
}
