import { has, REWIND_WITHOUT_SUPERUSER } from '../../cluster/version.ts';
import type { Problem } from '../../errors.ts';
import { atLeast, bytesOf, distance, type Lsn } from '../../facts/lsn.ts';
import { floorGates, slotGates, walGates, type Wal } from '../attach.ts';
import { eightDigits, segmentOf, segmentOfName } from '../divergence.ts';
import { effective } from '../effective.ts';
import { isUp, type Seen, type Up } from '../steps.ts';
import { canRestore, restoreCommand, restores, type Rewind } from './rewindCase.ts';

/** Everything that pg_rewind needs, each with a sentence of its own. */
export function rewindGates(input: Rewind): readonly Problem[] {
  const { found, primary, link, fork } = input;
  return [
    // Before an earlier try it had them; what pg_control says now may be the source's.
    ...(input.past.rewinding === undefined ? pageGates(found) : []),
    ...fullPageGates(found, primary),
    ...programGates(found),
    ...(input.rewinder === undefined || byTheSocket(input)
      ? []
      : [
          {
            message: `${found.node}: ${link.role} at ${primary.node} ${input.rewinder}, and pg_rewind needs it`,
            hint: has(primary.server.version, REWIND_WITHOUT_SUPERUSER)
              ? `pgrepl init-primary ${primary.node} --allow ADDRESS grants it and lets the role in.`
              : `Before 11 no grant helps: from another host pg_rewind reads as a superuser or not at all.`,
          },
        ]),
    ...diskGates(input),
    ...ownWalGates(input),
    ...walGates(found, primary, input.wal, fork.from),
    ...floorGates(found, primary),
    ...slotGates(primary, input.node),
  ];
}

/** Where all was copied: what remains is to start it, and to stream from the end of what was copied. */
export function cutGates({ found, primary, wal, node }: Rewind, position: Lsn): readonly Problem[] {
  return [
    ...walGates(found, primary, wal, position),
    ...floorGates(found, primary),
    ...slotGates(primary, node),
  ];
}

/** Without either, a change of a hint bit leaves no trace in WAL (app-pgrewind). */
function pageGates(found: Seen): readonly Problem[] {
  const control = found.is === 'stopped' ? found.control : undefined;
  const on = (name: string): boolean => effective(found, name)?.value === 'on';
  const enough = isUp(found)
    ? on('data_checksums') || on('wal_log_hints')
    : control?.checksums === true || control?.walLogHints === true;
  if (enough) return [];
  return [
    {
      message: `${found.node}: has neither data checksums nor wal_log_hints, and without one of them pg_rewind cannot tell which pages changed`,
      hint: 'Setting wal_log_hints now helps the next time; pgrepl init-primary sets it.',
    },
  ];
}

function fullPageGates(found: Seen, primary: Up): readonly Problem[] {
  return [found, primary]
    .filter((each) => effective(each, 'full_page_writes')?.value === 'off')
    .map((each) => ({
      message: `${each.node}: full_page_writes is off, and pg_rewind needs it on`,
      hint: `Set full_page_writes = on on ${each.node} and reload.`,
    }));
}

function programGates(found: Seen): readonly Problem[] {
  return (['pg_rewind', 'postgres'] as const)
    .filter((name) => found.machine.programs[name] === undefined)
    .map((name) => ({
      message: `${found.node}: no ${name} is there`,
      hint: 'Install the PostgreSQL server of its major, or name its programs with --bindir.',
    }));
}

/**
 * pg_rewind reads the node's WAL from the last checkpoint before the fork on (findLastCheckpoint of parsexlog.c). Which
 * one that is only pg_control tells, and not always; but the segment before the fork is read in any case.
 */
function ownWalGates({ found, primary, fork, wal, past }: Rewind): readonly Problem[] {
  if (past.rewinding !== undefined || past.oldest === undefined || restores(found)) return [];
  if (segmentOfName(past.oldest, wal.segmentBytes) <= firstRead(found, fork.from, wal)) return [];
  return [
    {
      message: `${found.node}: pg_rewind needs WAL of it from before ${fork.from} on, where ${primary.node} left timeline ${fork.timeline}, and it has that no longer`,
      hint: missingHint(found, primary),
    },
  ];
}

/** From where a checkpoint began the server replays: the primary may have that still, and then it is copied. */
function firstRead(found: Seen, fork: Lsn, { segmentBytes, oldest }: Wal): bigint {
  const control = found.is === 'stopped' ? found.control : undefined;
  if (control === undefined || atLeast(control.checkpoint, fork))
    return (bytesOf(fork) - 1n) / BigInt(segmentBytes);
  const redo = segmentOf(control.redo, segmentBytes);
  const isThere = oldest !== undefined && segmentOfName(oldest, segmentBytes) <= redo;
  return isThere ? segmentOf(control.checkpoint, segmentBytes) : redo;
}

/** Where the WAL of the node is to come from that pg_rewind wants, or what helps without it. */
export function missingHint(found: Seen, primary: Up): string {
  const copy = `pgrepl clone-standby ${found.node} --from ${primary.node} --replace copies it anew and keeps the old directory.`;
  const set = restoreCommand(found);
  if (set === undefined && canRestore(found))
    return `Set restore_command on ${found.node} if an archive has it, then run this again; else ${copy}`;
  if (set === undefined || !restores(found)) return copy;
  const where = set.file === undefined ? '' : ` (${set.file} line ${set.line ?? '?'})`;
  return `The restore_command of ${found.node}${where} does not fetch it; mend that, then run this again; else ${copy}`;
}

const MB = 1024 * 1024;

/** What is kept aside may be a copy; what changed on the primary is not known before. */
function diskGates(input: Rewind): readonly Problem[] {
  const { found, fork, last } = input;
  const lost = last === undefined || !isCopied(input) ? 0 : Math.max(0, distance(last, fork.from));
  const needed = lost + 64 * MB;
  if (found.place.freeBytes >= needed) return [];
  return [
    {
      message: `${found.node}: ${Math.ceil(needed / MB)} MB are needed to keep the WAL that is lost, and ${Math.floor(found.place.freeBytes / MB)} MB are free`,
      hint: 'Make room.',
    },
  ];
}

/**
 * A second link is enough where the primary has no segment of that timeline, and pg_wal is no other file system; for
 * another try all of it is copied.
 */
function isCopied({ found, fork, wal, past }: Rewind): boolean {
  const timeline = eightDigits(fork.timeline);
  return (
    past.rewinding !== undefined ||
    found.place.walLink !== undefined ||
    wal.segments?.every(([first]) => !first.startsWith(timeline)) !== true
  );
}

/** On one host the owner of both servers is superuser by the socket, and needs no grant. */
function byTheSocket({ found, primary }: Rewind): boolean {
  return (
    found.machine.hostname === primary.machine.hostname &&
    found.machine.become === primary.machine.become &&
    found.machine.login === primary.machine.login &&
    primary.server.superuser &&
    primary.server.socketDir.startsWith('/')
  );
}
