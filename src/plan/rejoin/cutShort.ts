import type { Problem } from '../../errors.ts';
import { atLeast, bytesOf, type Lsn } from '../../facts/lsn.ts';
import type { ControlData } from '../../facts/state.ts';
import { divergenceOf, forkOf, type Divergence, type Past } from '../divergence.ts';
import type { NodePast, Known } from './past.ts';
import type { Climb } from './rung.ts';

type Kept = NonNullable<NodePast['kept']>;

type Lost = { fork: { timeline: number; from: Lsn }; last?: Lsn; notes: readonly string[] };

/** What is to be done about a rewind that did not come to its end. */
export type Cut =
  /** All was copied, up to `position`, and the primary has all of it behind it. */
  | ({ is: 'ended'; position: Lsn } & Lost)
  /** It is to be done again, from what was kept. */
  | ({ is: 'again' } & Lost)
  | { is: 'lost'; why: Problem };

/**
 * There may have been another failover since: what the node was rewound to is then only a server of long ago, and the
 * primary may have left its timeline before the last of what was copied from it.
 */
export function cutShort(climb: Climb, found: Known): Cut {
  const { past, wal } = climb;
  if (past.rewinding === 'stuck')
    return lost(found, 'was left half rewound, and cannot be rewound again: its WAL is not all there');
  if (past.kept === undefined)
    return lost(found, 'was left half rewound, and what it was is not known any more');
  if (found.is !== 'stopped')
    return lost(found, 'was left half rewound, and was started all the same: what it is now is not known');
  const { kept } = past;
  const { control } = found;
  const notes: string[] = [];
  if (control !== undefined && isRewound(control, past)) {
    const data = dataOf(control, past);
    const now = divergenceOf(data.past, wal.history);
    const fork = { timeline: timelineAt(kept, kept.from), from: kept.from };
    // Of two servers that were promoted under one number nothing else tells which of them it was.
    if (now.is === 'none' || (now.is === 'same timeline' && kept.source === climb.primary.node))
      return { is: 'ended', position: data.position, fork, ...lastOf(kept), notes };
    notes.push(left(climb, kept, now));
  }
  return againOf(climb, found, kept, notes);
}

function lost({ node }: Known, what: string): Cut {
  return { is: 'lost', why: { message: `${node}: ${what}` } };
}

function lastOf({ last }: Kept): { last?: Lsn } {
  return last === undefined ? {} : { last };
}

/**
 * pg_rewind writes pg_control last, and no server that we let it work on is in archive recovery: then every file of it
 * was copied. Whether all of it came to the disk nobody knows where the machine went down before a sync: then it is done
 * again.
 */
function isRewound({ state }: ControlData, past: NodePast): boolean {
  return past.rewinding === 'done' || (past.sameBoot === true && state === 'in archive recovery');
}

/** How far the data of a rewound server go, as pg_rewind itself takes it of its target (main of pg_rewind.c). */
function dataOf({ checkpoint, minRecoveryEnd }: ControlData, { history }: NodePast): Data {
  return bytesOf(minRecoveryEnd) > bytesOf(checkpoint)
    ? { past: { history, end: minRecoveryEnd }, position: minRecoveryEnd }
    : { past: { history, record: checkpoint }, position: checkpoint };
}

type Data = { past: Past; position: Lsn };

/** The timeline on which a position of its own past lies. */
function timelineAt({ history }: Kept, position: Lsn): number {
  return history.ended.find(({ end }) => atLeast(end, position))?.timeline ?? history.timeline;
}

function left({ found, primary }: Climb, { source }: Kept, now: Divergence): string {
  const where =
    'from' in now
      ? `left it before that, at ${now.from} of timeline ${now.timeline}`
      : 'has the same timeline with WAL of its own';
  return `${found.node}: was rewound to ${source}, which is not the primary any more, and ${primary.node} ${where}: it is rewound again, from what it was`;
}

/**
 * Another try copies the pages that the node changed since the last checkpoint before the fork. Those that the first try
 * took from elsewhere must be among them: so the fork may be no later than that of the first.
 */
function againOf({ primary, wal }: Climb, found: Known, kept: Kept, notes: readonly string[]): Cut {
  const fork = forkOf(kept.history, wal.history);
  if (fork === undefined)
    return lost(found, `was left half rewound, and has no timeline in common with ${primary.node}`);
  const { timeline, end: from } = fork;
  if (from === undefined || !atLeast(kept.from, from))
    return lost(
      found,
      `was left half rewound to a server that left timeline ${timelineAt(kept, kept.from)} at ${kept.from}, and ${primary.node} left it later: what is missing between the two nobody knows`,
    );
  return { is: 'again', fork: { timeline, from }, ...lastOf(kept), notes };
}
