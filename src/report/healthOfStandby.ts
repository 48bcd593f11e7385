import type { Node } from '../cluster/types.ts';
import { FLOORS } from '../facts/floors.ts';
import type { NodeState, Slot } from '../facts/state.ts';
import { bytesOf } from '../facts/lsn.ts';
import type { Finding } from './finding.ts';
import { quoteWord } from '../tools/words.ts';
import { promotion } from './candidate.ts';
import { broken, COMMAND, warning } from './finding.ts';
import { serviceCommand } from './serviceCommand.ts';
import { humanBytes, humanSeconds } from './terminal.ts';
import { attachmentOf, endpointsOf, upstreamOf } from '../facts/upstream.ts';
import type { RunningState, StandbyState, View } from '../facts/view.ts';
import {
  isRunning,
  lagBytesOf,
  positionOf,
  stateOf,
  systemOf,
  timelineOf,
  wantedUpstream,
} from '../facts/view.ts';

/** Beyond these a standby is said to lag: 64 MB are four segments. */
const LAG_BYTES = 64 * 1024 * 1024;
const LAG_SECONDS = 60;

type Reason = { because: string; hint?: string };

export function standbyFindings(view: View, node: Node, standby: StandbyState): Finding[] {
  const streams = isStreaming(view, standby);
  return [
    ...(streams ? strayed(view, node, standby) : [detached(view, node, standby)]),
    ...(streams ? behindTimeline(view, standby) : []),
    ...paused(view, node, standby),
    ...lagging(view, standby),
  ];
}

export function isStreaming({ cluster, state }: View, standby: StandbyState): boolean {
  return (
    standby.streaming?.status === 'streaming' || attachmentOf(cluster, state, standby.node) !== undefined
  );
}

/** It streams, from another node than it was told to. */
function strayed(view: View, node: Node, standby: StandbyState): Finding[] {
  const real = upstreamOf(view.cluster, view.state, node.name);
  const wanted = wantedUpstream(view, node);
  if (real === undefined || wanted === undefined || real === wanted || view.primary === undefined) return [];
  return [
    warning(standby.node, `streams from ${real} instead of ${wanted}`, COMMAND.follow(node.name, wanted)),
  ];
}

function detached(view: View, node: Node, standby: StandbyState): Finding {
  const upstream = upstreamOf(view.cluster, view.state, node.name);
  const from = upstream === undefined ? '' : ` from ${upstream}`;
  const { because, hint } = whyDetached(view, node, standby, upstream);
  return broken(standby.node, `does not stream${from}: ${because}`, hint);
}

function whyDetached(view: View, node: Node, standby: StandbyState, upstream: string | undefined): Reason {
  const wanted = wantedUpstream(view, node);
  const follow = wayBack(view, node, wanted);
  if (upstream === undefined) {
    if (view.cluster.file === undefined) return pointsElsewhere(standby);
    return withHint(pointsNowhere(standby), follow);
  }
  const found = stateOf(view.state, upstream);
  if (!isRunning(found)) {
    return withHint(
      `${upstream} ${found === undefined ? 'is unknown' : whatIs(found)}`,
      wanted === upstream ? undefined : follow,
    );
  }
  return (
    otherSystem(standby, found) ??
    refusedReason(node, standby, upstream) ??
    aheadReason(view, standby, found) ??
    slotReason(view, node, standby, found) ??
    behindReason(view, standby, found) ??
    (wanted !== undefined && wanted !== upstream
      ? withHint(`it was to stream from ${wanted}`, follow)
      : withHint('its log says why', COMMAND.doctor(node.name)))
  );
}

/** The command that makes it stream again. Without a primary nobody can be followed: first one is to be promoted. */
function wayBack(view: View, node: Node, wanted: string | undefined): string | undefined {
  if (view.primary === undefined) return promotion(view);
  return wanted === undefined ? undefined : COMMAND.follow(node.name, wanted);
}

function withHint(because: string, hint: string | undefined): Reason {
  return hint === undefined ? { because } : { because, hint };
}

function refusal(upstream: string): string {
  return `${upstream} refuses the password in its password file`;
}

/** The cluster file has the password that is right, or is about to have it. */
function refusedReason(node: Node, standby: StandbyState, upstream: string): Reason | undefined {
  if (standby.passwordRefused !== true) return undefined;
  const brings = node.upstream === upstream ? COMMAND.clone(node.name) : COMMAND.follow(node.name, upstream);
  return {
    because: refusal(upstream),
    hint: `Its password was changed: ${brings} brings the one of the cluster file (docs/operations/rotate-password.md).`,
  };
}

/** Flags name this server alone: its upstream is somewhere, and what it says is not known. */
function pointsElsewhere(standby: StandbyState): Reason {
  const [endpoint] = endpointsOf(standby);
  if (endpoint === undefined) return { because: 'it has no primary_conninfo' };
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  const at = `${host}:${endpoint.port}`;
  if (standby.passwordRefused === true)
    return {
      because: refusal(at),
      hint: `Its password was changed: \`pgrepl follow -D ${quoteWord(standby.place.pgdata)} --upstream ${quoteWord(at)} --password-file FILE\` brings the new one (docs/operations/rotate-password.md).`,
    };
  return {
    because: `its upstream is ${at}, and its log says why`,
    hint: COMMAND.doctor(standby.node),
  };
}

function pointsNowhere(standby: StandbyState): string {
  const [endpoint] = endpointsOf(standby);
  if (endpoint === undefined) return 'it has no primary_conninfo';
  return `its primary_conninfo points to ${endpoint.host}:${endpoint.port}, which is no node of the cluster`;
}

function whatIs(found: NodeState): string {
  switch (found.is) {
    case 'mute':
      return 'does not answer';
    case 'empty':
    case 'foreign':
      return 'has no data';
    case 'unreachable':
    case 'stopped':
    case 'primary':
    case 'standby':
      return `is ${found.is}`;
  }
}

function otherSystem(standby: StandbyState, upstream: RunningState): Reason | undefined {
  return systemOf(standby) === systemOf(upstream)
    ? undefined
    : { because: `${upstream.node} is another system` };
}

function slotReason(
  view: View,
  node: Node,
  standby: StandbyState,
  upstream: RunningState,
): Reason | undefined {
  if (standby.slot === '') return undefined;
  const slot = upstream.server.slots.find((each) => each.name === standby.slot);
  if (slot === undefined) {
    return withHint(`its slot "${standby.slot}" is not there`, wayBack(view, node, upstream.node));
  }
  if (slot.walStatus === 'lost') {
    return {
      because: `its slot "${slot.name}" is lost, WAL that it needs is gone`,
      hint: COMMAND.cloneAgain(node.name),
    };
  }
  return slot.active
    ? { because: `its slot "${slot.name}" is in use by ${userOf(slot, upstream)}` }
    : undefined;
}

function userOf(slot: Slot, upstream: RunningState): string {
  const sender = upstream.server.walsenders.find(
    (each) => each.slot === slot.name || each.pid === slot.activePid,
  );
  return sender?.applicationName ?? `process ${slot.activePid ?? 'unknown'}`;
}

/** It has history that its upstream has not, and never will have. */
function aheadReason(view: View, standby: StandbyState, upstream: RunningState): Reason | undefined {
  const [here, there] = [timelineOf(standby) ?? 0, timelineOf(upstream) ?? 0];
  const hint = rejoining(view, standby);
  if (here > there) {
    return withHint(`it is on timeline ${here}, ${upstream.node} is older, on ${there}`, hint);
  }
  const [mine, theirs] = [positionOf(standby), positionOf(upstream)];
  if (here < there || mine === undefined || theirs === undefined || bytesOf(mine) <= bytesOf(theirs))
    return undefined;
  return withHint(`it has WAL up to ${mine}, ${upstream.node} only up to ${theirs}: they diverged`, hint);
}

/** Whether it left the upstream's history before or after the fork, only the history files tell. */
function behindReason(view: View, standby: StandbyState, upstream: RunningState): Reason | undefined {
  const [here, there] = [timelineOf(standby) ?? 0, timelineOf(upstream) ?? 0];
  if (here >= there) return undefined;
  const because = `it is on timeline ${here}, ${upstream.node} on ${there}; it may have diverged`;
  return withHint(because, rejoining(view, standby));
}

/** There must be a primary to rejoin. */
function rejoining(view: View, standby: StandbyState): string | undefined {
  return view.primary === undefined ? promotion(view) : COMMAND.rejoin(standby.node);
}

function behindTimeline({ primary }: View, standby: StandbyState): Finding[] {
  const [here, there] = [timelineOf(standby), timelineOf(primary)];
  if (primary === undefined || here === undefined || there === undefined || here >= there) return [];
  if (systemOf(primary) !== systemOf(standby)) return [];
  const what = `is on timeline ${here}, the primary ${primary.node} on ${there}`;
  return [warning(standby.node, what, COMMAND.follow(standby.node, primary.node))];
}

function paused({ primary }: View, node: Node, standby: StandbyState): Finding[] {
  if (!standby.paused) return [];
  const low = FLOORS.filter((name) => valueOf(standby, name) < valueOf(primary, name));
  if (primary === undefined || low.length === 0) {
    return [warning(standby.node, 'replay is paused', 'Go on: `select pg_wal_replay_resume()`.')];
  }
  const what = `replay is paused: lower than on ${primary.node}: ${low.join(', ')}`;
  return [warning(standby.node, what, `Raise them, then ${serviceCommand(node, standby, 'restart')}.`)];
}

function valueOf(found: NodeState | undefined, setting: string): number {
  return isRunning(found) ? Number(found.server.settings[setting]?.value ?? 0) : 0;
}

/** A delay that was asked for is no lag: of such a standby only what it has not received counts. */
function lagging(view: View, standby: StandbyState): Finding[] {
  const seen = standby.delayMs > 0 ? { ...standby, replayed: positionOf(standby) } : standby;
  const bytes = lagBytesOf(view, seen, upstreamOf(view.cluster, view.state, standby.node));
  const late = standby.lagSeconds > LAG_SECONDS + standby.delayMs / 1000;
  if (!late && (bytes ?? 0) <= LAG_BYTES) return [];
  const much = [
    bytes === undefined ? [] : humanBytes(bytes),
    late ? humanSeconds(standby.lagSeconds) : [],
  ].flat();
  return [warning(standby.node, `lags ${much.join(' and ')} behind`, COMMAND.doctor(standby.node))];
}
