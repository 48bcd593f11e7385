import type { Node } from '../cluster/types.ts';
import { attachmentOf, upstreamOf } from '../facts/upstream.ts';
import { lostAt } from '../facts/slots.ts';
import { isRunning, stateOf, type StandbyState, type View } from '../facts/view.ts';
import { comesBack, COMMAND } from '../report/finding.ts';
import { humanSeconds } from '../report/terminal.ts';
import { checking, type Case, type Check, type Examiner } from './check.ts';

const slots = checking('slot', ['switchover', 'rejoin']);

/** The slot a standby uses is at its upstream, and not lost. */
export const slotThere: Examiner = ({ cluster, state, primary }, node, found) => {
  if (found.is !== 'standby') return slotOfAbsent({ cluster, state, primary }, node);
  const upstream = upstreamOf(cluster, state, node.name);
  const above = upstream === undefined ? undefined : stateOf(state, upstream);
  if (upstream === undefined || !isRunning(above)) return [];
  if (found.slot === '')
    return [
      slots.warning(
        node.name,
        `uses no slot at ${upstream}: it loses its place when it is away for long`,
        COMMAND.follow(node.name, upstream),
        upstream,
      ),
    ];
  const there = above.server.slots.find(({ name }) => name === found.slot);
  if (there === undefined)
    return [
      slots.wrong(
        node.name,
        `its slot ${found.slot} is not at ${upstream}`,
        COMMAND.follow(node.name, upstream),
        upstream,
      ),
    ];
  if (there.walStatus === 'lost')
    return [
      slots.wrong(
        node.name,
        `its slot ${found.slot} at ${upstream} is lost`,
        COMMAND.cloneAgain(node.name),
        upstream,
      ),
    ];
  return [slots.ok(node.name, `its slot ${found.slot} is at ${upstream}`, upstream)];
};

/** Of a standby that does not run its upstream tells. */
function slotOfAbsent(view: View, node: Node): readonly Check[] {
  const upstream = lostAt(view, node);
  if (upstream === undefined) return [];
  const what = `its slot ${node.slot} at ${upstream} is lost, WAL that it needs is gone`;
  return [slots.wrong(node.name, what, comesBack(node.name), upstream)];
}

const replay = checking('replay', ['promote', 'switchover']);
/** Seconds of lag from which a switchover would take long. */
const LATE = 60;

/** A standby that can be promoted streams, is not told to be late, and replays. */
export const replays: Examiner = (the, { name }, found) => {
  if (found.is !== 'standby') return [];
  const wrong = [...late(name, found), ...still(the, name, found)];
  return wrong.length > 0 ? wrong : [replay.ok(name, 'streams, and replays what it receives')];
};

function late(name: string, { paused, delayMs, lagSeconds }: StandbyState): readonly Check[] {
  const resume = 'Go on: `select pg_wal_replay_resume()`.';
  return [
    ...(paused ? [replay.wrong(name, 'its replay is paused', resume)] : []),
    ...(delayMs > 0
      ? [
          replay.warning(
            name,
            `replays ${humanSeconds(delayMs / 1000)} late, as it is told to: it is not for promoting`,
            'Promote another one; --allow-delayed promotes it all the same.',
          ),
        ]
      : []),
    ...(delayMs === 0 && lagSeconds > LATE
      ? [
          replay.warning(
            name,
            `is ${humanSeconds(lagSeconds)} behind`,
            'Wait until it has caught up, or see what holds its replay up.',
          ),
        ]
      : []),
  ];
}

function still({ cluster, state }: Case, name: string, found: StandbyState): readonly Check[] {
  const streams = found.streaming?.status === 'streaming' || attachmentOf(cluster, state, name) !== undefined;
  return streams ? [] : [replay.wrong(name, 'does not stream', '`pgrepl status` says why.')];
}
