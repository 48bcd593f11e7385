import type { Problem } from '../../errors.ts';
import { atLeast, laterOf, type Lsn } from '../../facts/lsn.ts';
import { positionOf, timelineOf, type StandbyState } from '../../facts/view.ts';
import { walGates, type Wal } from '../attach.ts';
import { divergenceOf } from '../divergence.ts';
import type { Up } from '../steps.ts';
import type { FollowAsked } from './request.ts';

export function historyGates(
  found: StandbyState,
  upstream: Up,
  asked: FollowAsked & { wal: Wal },
): readonly Problem[] {
  const end = endOf(found, asked.caughtUp);
  const hint = `pgrepl rejoin ${found.node} rewinds it to the primary`;
  const divergence = divergenceOf(
    { history: asked.history, ...(end === undefined ? {} : { end }) },
    asked.wal.history,
  );
  switch (divergence.is) {
    case 'stranger':
      return [{ message: `${found.node}: has no timeline in common with ${upstream.node}`, hint }];
    case 'diverged':
    case 'unknown':
      return [
        {
          message: `${found.node}: has WAL of timeline ${timelineOf(found) ?? '?'} up to ${end ?? 'an unknown position'}, and ${upstream.node} left timeline ${divergence.timeline} at ${divergence.from}: it is ahead`,
          hint,
        },
      ];
    case 'same timeline':
    case 'none':
      if (end === undefined) return [];
      return [
        ...behindGates(found, upstream, end),
        ...walGates(found, upstream, asked.wal, found.replayed ?? end),
      ];
  }
}

/** A standby that streams itself will catch up; one that does not may never have what is asked of it. */
function behindGates(found: StandbyState, upstream: Up, end: Lsn): readonly Problem[] {
  const has = positionOf(upstream);
  const catchesUp = upstream.is === 'primary' || upstream.streaming?.status === 'streaming';
  if (catchesUp || has === undefined || atLeast(has, end)) return [];
  return [
    {
      message: `${found.node}: has WAL up to ${end}, and ${upstream.node} up to ${has} and gets no more: it is ahead`,
      hint: `Bring ${upstream.node} to stream first, or name another upstream.`,
    },
  ];
}

/** Of what was received and not replayed, a last record that is not whole does not count. */
export function endOf(found: StandbyState, caughtUp: boolean): Lsn | undefined {
  const { received, replayed } = found;
  if (received === undefined || replayed === undefined) return replayed ?? received;
  return caughtUp ? replayed : laterOf(received, replayed);
}
