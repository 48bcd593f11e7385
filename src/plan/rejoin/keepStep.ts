import { atLeast, bytesOf } from '../../facts/lsn.ts';
import { KEEP } from '../../tools/rewind.ts';
import { script } from '../../tools/shell.ts';
import { segmentName, segmentOf } from '../divergence.ts';
import type { Step } from '../plan.ts';
import { run } from '../steps.ts';
import { waldumpOf, workingDirectory } from './rewindPlaces.ts';
import { endedCleanly } from './past.ts';
import { logDirectory, type Rewind } from './rewindCase.ts';

/** So many segments are searched for a checkpoint: with the usual max_wal_size there is one in them. */
const SEGMENTS_BEFORE = 64n;

/**
 * The segments that pg_rewind may read again if it is killed, from that of the last checkpoint before the fork, which is
 * known where the node made none after it, to that of the fork.
 */
function segmentsBefore({ found, fork, wal }: Rewind): readonly [at: bigint, oldest: bigint] {
  const at = segmentOf(fork.from, wal.segmentBytes);
  const control = found.is === 'stopped' ? found.control : undefined;
  const known = control !== undefined && !atLeast(control.checkpoint, fork.from);
  if (known) return [at, segmentOf(control.redo, wal.segmentBytes)];
  return [at, at > SEGMENTS_BEFORE ? at - SEGMENTS_BEFORE : 0n];
}

/** The last record, whose beginning is known, may go on in the next segment. */
const RECORD_MOST = 8192n;

/** A segment more where the node is yet to write its last checkpoint. */
function lastKept({ found, last, wal }: Rewind): bigint | undefined {
  if (last === undefined) return undefined;
  const segment = (bytesOf(last) + RECORD_MOST) / BigInt(wal.segmentBytes);
  const over = found.is === 'stopped' && found.control !== undefined && endedCleanly(found.control);
  return over ? segment : segment + 1n;
}

export function keepStep(input: Rewind): Step {
  const { found, fork, wal } = input;
  const name = (segment: bigint): string => segmentName(fork.timeline, segment, wal.segmentBytes);
  const last = lastKept(input);
  const words = [workingDirectory(found.place), found.place.real, logDirectory(found)];
  const end = last === undefined ? '' : name(last).slice(8);
  const waldump = waldumpOf(found.machine);
  const theirs = (wal.segments ?? []).map((ends) => ends.join('-')).join(' ');
  const parted = [String(input.past.history.timeline), fork.from, input.last ?? ''].join(' ').trimEnd();
  const range = [name(0n).slice(0, 8), end, fork.from, theirs, waldump, ...segmentsBefore(input).map(name)];
  return run(
    found.node,
    'keep what will be lost, and what is its own',
    script(KEEP, 'keep', ...words, ...range, parted),
    { seconds: 3600 },
  );
}
