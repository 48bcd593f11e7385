import type { Problem } from '../../errors.ts';
import { bytesOf, distance, type Lsn } from '../../facts/lsn.ts';
import { divergenceOf } from '../divergence.ts';
import { cutGates, rewindGates } from './rewindGates.ts';
import { keptDirectory } from './rewindPlaces.ts';
import { rewindPlan } from './rewind.ts';
import type { Rewind } from './rewindCase.ts';
import { cutShort } from './cutShort.ts';
import { isKnown, pastOf, type Known } from './past.ts';

import type { Climb, Rung } from './rung.ts';

export function rungOfRewind(climb: Climb): Rung {
  const { found, past } = climb;
  if (!isKnown(found)) return { why: [] };
  return past.rewinding === undefined ? rungOfFirst(climb, found) : rungOfCut(climb, found);
}

/** It is what it was: all that it has beyond the primary's history is in its own WAL. */
function rungOfFirst(climb: Climb, found: Known): Rung {
  const mine = pastOf(found, climb);
  const divergence = divergenceOf(mine, climb.wal.history);
  if (divergence.is !== 'diverged' && divergence.is !== 'unknown') return { why: [] };
  if (climb.past.short === true) return { why: [short(found)] };
  const { timeline, from } = divergence;
  const input = rewindOf(climb, { timeline, from }, mine.record ?? mine.end);
  const why = rewindGates(input);
  return why.length > 0 ? { why } : planned(input, []);
}

/** pg_rewind goes by the WAL of the node: of changes whose WAL it has not it would leave the pages as they are. */
function short(found: Known): Problem {
  const end = found.is === 'stopped' ? found.control?.minRecoveryEnd : undefined;
  return {
    message: `${found.node}: cannot be rewound: its data have changes of up to ${end ?? '?'}, and it has no WAL of all of them`,
  };
}

/** An earlier rewind is ended, or begun again from what was kept for it. */
function rungOfCut(climb: Climb, found: Known): Rung {
  const cut = cutShort(climb, found);
  if (cut.is === 'lost') return { why: [cut.why] };
  const { fork, last } = cut;
  const rewinding = cut.is === 'ended' ? 'done' : 'begun';
  const input = rewindOf({ ...climb, past: { ...climb.past, rewinding } }, fork, last);
  const why = cut.is === 'ended' ? cutGates(input, cut.position) : rewindGates(input);
  return why.length > 0 ? { why } : planned(input, cut.notes);
}

function planned(input: Rewind, notes: readonly string[]): Rung {
  const { found, fork, stamp } = input;
  const kept = keptDirectory(found.place, fork.timeline, stamp);
  const lost = lostOf(input);
  return {
    plan: {
      ...rewindPlan(input),
      confirm: found.is === 'primary' ? [`stop ${found.node} and discard what it alone has: ${lost}`] : [],
      notes: [...notes, `${found.node}: lost: ${lost}; its segments are kept in ${kept}`],
    },
  };
}

function rewindOf(climb: Climb, fork: Rewind['fork'], last: Lsn | undefined): Rewind {
  const { found, primary, link, wal, past, request, rewinder } = climb;
  const { node, stamp, seconds } = request;
  return {
    ...{ found, node, primary, link, wal, past, fork, stamp, seconds },
    ...(last === undefined ? {} : { last }),
    ...(rewinder === undefined ? {} : { rewinder }),
  };
}

function lostOf({ fork, last }: Rewind): string {
  const range = `WAL of timeline ${fork.timeline} from ${fork.from}`;
  if (last === undefined || bytesOf(last) < bytesOf(fork.from)) return `${range} on`;
  return `${range} to ${last} (${distance(last, fork.from)} bytes)`;
}
