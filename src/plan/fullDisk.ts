import type { Problem } from '../errors.ts';
import type { Up } from './steps.ts';

const MB = 1024 ** 2;
/** Two segments of the usual size. */
const LEAST = 32 * MB;

/**
 * A server that changes its role needs room: for the files that are placed, and for the segment that a promotion begins
 * (XLogInitNewTimeline in xlog.c), without which it ends when there is no way back. 0 is a full disk: what is reserved
 * for root is not counted.
 */
export function fullDisk({ node, place }: Up): readonly Problem[] {
  const { pgdata, freeBytes, walLink, walFreeBytes } = place;
  const disks = [
    { at: pgdata, free: freeBytes },
    { at: walLink ?? '', free: walFreeBytes ?? LEAST },
  ];
  return disks
    .filter(({ free }) => free < LEAST)
    .map(({ at, free }) => ({
      message: `${node}: its disk is full: ${Math.floor(free / MB)} MB are free at ${at}`,
      hint: `Make room there, ${LEAST / MB} MB at least, and never by removing files of pg_wal.`,
    }));
}
