import { atLeast, bytesOf, type Lsn } from '../facts/lsn.ts';

/** A timeline that ended: where the next one of its history branched off. */
export type Ended = { timeline: number; end: Lsn };

/** The timelines that lead to one, oldest first, and the one itself, which goes on. */
export type History = { timeline: number; ended: readonly Ended[] };

/** Where two histories part: on which timeline, and at what position; `end` is absent where both go on there. */
export type Fork = { timeline: number; end?: Lsn };

/** As findCommonAncestorTimeline() of pg_rewind; undefined where not even the first timeline is the same. */
export function forkOf(ours: History, theirs: History): Fork | undefined {
  const [mine, other] = [branchesOf(ours), branchesOf(theirs)];
  let fork: Fork | undefined;
  for (const [at, branch] of mine.entries()) {
    const same = other[at];
    if (same === undefined || same.timeline !== branch.timeline || same.begin !== branch.begin) break;
    fork = { timeline: branch.timeline, ...earlier(branch.end, same.end) };
  }
  return fork;
}

type Branch = { timeline: number; begin: Lsn | undefined; end: Lsn | undefined };

function branchesOf({ timeline, ended }: History): readonly Branch[] {
  return [...ended, { timeline, end: undefined }].map((each, at) => ({
    timeline: each.timeline,
    begin: ended[at - 1]?.end,
    end: each.end,
  }));
}

function earlier(a: Lsn | undefined, b: Lsn | undefined): { end?: Lsn } {
  if (a === undefined) return b === undefined ? {} : { end: b };
  return { end: b === undefined || atLeast(b, a) ? a : b };
}

/**
 * The last thing a server wrote or received. `record` is where its last whole record begins, `end` where the WAL
 * that it has ends: whichever is known.
 */
export type Past = { history: History; record?: Lsn; end?: Lsn };

export type Divergence =
  /** All that it has is in the other's history: it can stream from there. */
  | { is: 'none'; timeline: number }
  /** It has what the other's history does not: from `from` on. */
  | { is: 'diverged'; timeline: number; from: Lsn }
  /** Where its WAL ends is not known; if it goes past `from`, it has diverged. */
  | { is: 'unknown'; timeline: number; from: Lsn }
  /** Both go on along the same timeline. */
  | { is: 'same timeline'; timeline: number }
  | { is: 'stranger' };

/**
 * Whether a server can follow another one. A record that begins before the place where the other branched off is
 * in the other's history whole, since that place is the end of a record; one that begins there or later is not.
 */
export function divergenceOf(past: Past, other: History): Divergence {
  const fork = forkOf(past.history, other);
  if (fork === undefined) return { is: 'stranger' };
  const { timeline, end: from } = fork;
  if (from === undefined) return { is: 'same timeline', timeline };
  if (past.history.timeline !== timeline) return { is: 'diverged', timeline, from };
  if (past.record !== undefined)
    return { is: atLeast(past.record, from) ? 'diverged' : 'none', timeline, from };
  if (past.end !== undefined)
    return { is: bytesOf(past.end) > bytesOf(from) ? 'diverged' : 'none', timeline, from };
  return { is: 'unknown', timeline, from };
}

/** The number of the segment that holds a position, as in the names of files: XLByteToSeg. */
export function segmentOf(position: Lsn, segmentBytes: number): bigint {
  return bytesOf(position) / BigInt(segmentBytes);
}

/** A segment's number from the last sixteen digits of its file's name. */
export function segmentOfName(name: string, segmentBytes: number): bigint {
  const perLog = 0x100000000n / BigInt(segmentBytes);
  return BigInt(`0x${name.slice(-16, -8)}`) * perLog + BigInt(`0x${name.slice(-8)}`);
}

/** The name of the file that holds a segment: XLogFileName. */
export function segmentName(timeline: number, segment: bigint, segmentBytes: number): string {
  const perLog = 0x100000000n / BigInt(segmentBytes);
  return [timeline, segment / perLog, segment % perLog].map(eightDigits).join('');
}

/** A timeline, or a part of a segment's number, as the names of files in pg_wal have it. */
export function eightDigits(value: number | bigint): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}
