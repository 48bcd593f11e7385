import { timelineOf, type PrimaryState } from '../../facts/view.ts';
import type { Problem } from '../../errors.ts';
import { bytesOf, distance } from '../../facts/lsn.ts';
import { divergenceOf, type Divergence, type Past } from '../divergence.ts';
import { keptDirectory } from './rewindPlaces.ts';
import { rewindGates } from './rewindGates.ts';
import { rewindPlan } from './rewind.ts';
import type { Rewind } from './rewindCase.ts';
import { isKnown, pastOf, type Known } from './past.ts';
import type { Seen } from '../steps.ts';

import type { Climb, Rung } from './rung.ts';

export function rungOfRewind(climb: Climb): Rung {
  const { found, primary, past, wal, request } = climb;
  if (!isKnown(found)) return { why: [] };
  if (past.rewinding === 'stuck')
    return {
      why: [
        {
          message: `${found.node}: was left half rewound, and cannot be rewound again: its WAL is not all there`,
        },
      ],
    };
  const mine = pastOf(found, climb);
  const divergence = divergenceOf(mine, wal.history);
  const copied = past.rewinding !== undefined && isRewound(found, primary);
  const rewound =
    past.rewinding === 'done' ? found.is === 'stopped' || copied : copied && past.sameBoot === true;
  if (divergence.is !== 'diverged' && divergence.is !== 'unknown' && !rewound && !copied)
    return past.rewinding === undefined ? { why: [] } : { why: [notAgain(found)] };
  const input = rewindOf(climb, divergence, mine, rewound);
  const why = rewindGates(input);
  if (why.length > 0) return { why };
  const kept = keptDirectory(found.place, input.fork.timeline, request.stamp);
  return {
    plan: {
      ...rewindPlan(input),
      confirm:
        found.is === 'primary' ? [`stop ${found.node} and discard what it alone has: ${lostOf(input)}`] : [],
      notes: [`${found.node}: lost: ${lostOf(input)}; its segments are kept in ${kept}`],
    },
  };
}

function notAgain(found: Seen): Problem {
  return { message: `${found.node}: was left half rewound, and what it was is not known any more` };
}

/**
 * pg_rewind writes pg_control last, with the source's timeline: then every file of it was copied. Whether all of it came
 * to the disk nobody knows where the machine went down before a sync: then it is done again.
 */
function isRewound(found: Known, primary: PrimaryState): boolean {
  return (
    found.is === 'stopped' &&
    found.control?.state === 'in archive recovery' &&
    timelineOf(found) === primary.server.timeline
  );
}

function rewindOf(climb: Climb, divergence: Divergence, mine: Past, rewound: boolean): Rewind {
  const { found, primary, link, wal, past, request } = climb;
  const from = 'from' in divergence ? divergence.from : primary.current;
  const timeline = 'timeline' in divergence ? divergence.timeline : primary.server.timeline;
  const last = mine.record ?? mine.end;
  return {
    found,
    node: request.node,
    primary,
    link,
    wal,
    past: rewound ? { ...past, rewinding: 'done' } : past,
    fork: { timeline, from },
    ...(last === undefined ? {} : { last }),
    ...(climb.rewinder === undefined ? {} : { rewinder: climb.rewinder }),
    stamp: request.stamp,
    seconds: request.seconds,
  };
}

function lostOf({ fork, last }: Rewind): string {
  const range = `WAL of timeline ${fork.timeline} from ${fork.from}`;
  if (last === undefined || bytesOf(last) < bytesOf(fork.from)) return `${range} on`;
  return `${range} to ${last} (${distance(last, fork.from)} bytes)`;
}
