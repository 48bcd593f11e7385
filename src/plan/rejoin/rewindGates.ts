import type { Problem } from '../../errors.ts';
import { distance, type Lsn } from '../../facts/lsn.ts';
import { floorGates, slotGates, walGates } from '../attach.ts';
import { eightDigits } from '../divergence.ts';
import { effective } from '../effective.ts';
import { isUp, type Seen, type Up } from '../steps.ts';
import type { Rewind } from './rewindCase.ts';

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
            hint: `pgrepl init-primary ${primary.node} --allow ADDRESS grants it and lets the role in.`,
          },
        ]),
    ...diskGates(input),
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
