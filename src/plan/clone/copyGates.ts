import { majorOf } from '../../cluster/version.ts';
import type { Problem } from '../../errors.ts';
import type { CloneRequest } from './cloneRequest.ts';
import type { Source } from '../source.ts';
import type { Seen } from '../steps.ts';

export type Gates = { refusals: readonly Problem[]; confirm: readonly string[]; notes: readonly string[] };

/** Everything that is checked before a copy, each with a sentence of its own. */
export function copyGates(found: Seen, request: CloneRequest, source: Source): Gates {
  const refusals = [
    ...sameMajor(found, source),
    ...programs(found, source),
    ...walLevel(source),
    ...senders(source),
    ...slotGates(request.link.slot, source),
    ...disk(found, request, source),
    ...outsideGates(found, request, source),
  ];
  return { refusals, ...collation(found, source) };
}

/** The directory of the programs of the upstream's major, where the host has it. */
export function bindirFor(found: Seen, source: Source): string | undefined {
  const { machine } = found;
  if (machine.major === majorOf(source.version)) return machine.programs.postgres?.replace(/\/postgres$/, '');
  return machine.bindirs[String(majorOf(source.version))];
}

function sameMajor(found: Seen, source: Source): readonly Problem[] {
  const wanted = majorOf(source.version);
  if (bindirFor(found, source) !== undefined) return [];
  const there = [
    ...new Set([
      ...Object.keys(found.machine.bindirs),
      ...(found.machine.major === undefined ? [] : [String(found.machine.major)]),
    ]),
  ];
  return [
    {
      message: `${found.node}: ${source.name} is PostgreSQL ${wanted}, and ${there.length === 0 ? 'no server is installed here' : `here is ${there.join(', ')}`}; a standby is of the same major`,
      hint: `Install the server of PostgreSQL ${wanted}, or name its programs with --bindir.`,
    },
  ];
}

/** It copies from servers of its own major and of older ones (BaseBackup() in pg_basebackup.c). */
function programs(found: Seen, source: Source): readonly Problem[] {
  const wanted = majorOf(source.version);
  const hint = `Install the client programs of PostgreSQL ${wanted} or newer.`;
  const path = found.machine.programs.pg_basebackup;
  if (path === undefined) return [{ message: `${found.node}: no pg_basebackup is there`, hint }];
  const major = majorOfProgram(found, path);
  if (found.machine.major !== wanted || major === undefined || major >= wanted) return [];
  const message = `${found.node}: the newest pg_basebackup here is of PostgreSQL ${major}, and ${source.name} is ${wanted}`;
  return [{ message, hint }];
}

/** Of a program in a directory that tells; the wrappers of postgresql-common choose among those. */
function majorOfProgram(found: Seen, path: string): number | undefined {
  const major = Object.entries(found.machine.bindirs).find(([, dir]) => path === `${dir}/pg_basebackup`)?.[0];
  return major === undefined ? undefined : Number(major);
}

function walLevel(source: Source): readonly Problem[] {
  if (source.walLevel !== 'minimal') return [];
  return [
    {
      message: `${source.name}: wal_level is minimal, and a standby needs replica`,
      hint: `pgrepl init-primary ${source.name} sets it`,
    },
  ];
}

/** The copy uses two walsenders: one for the files, one for WAL (app-pgbasebackup, -X stream). */
function senders(source: Source): readonly Problem[] {
  if (source.senders === undefined || source.senders.free >= 2) return [];
  return [
    {
      message: `${source.name}: ${source.senders.free} of ${source.senders.most} walsenders ${source.senders.free === 1 ? 'is' : 'are'} free, and a copy needs two`,
      hint: `Raise max_wal_senders on ${source.name}.`,
    },
  ];
}

/** Its slot is free for it, or there is room for one. */
export function slotGates(slot: string, source: Source): readonly Problem[] {
  if (source.slots === undefined) return [];
  const mine = source.slots.known.find(({ name }) => name === slot);
  if (mine?.activePid !== undefined && source.earlier?.includes(mine.activePid) !== true) {
    return [
      {
        message: `${source.name}: the slot ${mine.name} is in use by the process ${mine.activePid}`,
        hint: 'Another standby uses it: name another one with --slot. If that is this node, it streams already, or its old connection is about to end.',
      },
    ];
  }
  if (mine !== undefined || source.slots.free >= 1) return [];
  return [
    {
      message: `${source.name}: all ${source.slots.most} replication slots are taken`,
      hint: `Raise max_replication_slots on ${source.name}, or drop a slot that nobody uses.`,
    },
  ];
}

const MB = 1024 * 1024;

/** What goes where: the data, each tablespace, and the WAL that is written meanwhile; each file system by itself. */
function disk(found: Seen, request: CloneRequest, source: Source): readonly Problem[] {
  if (source.dataBytes === undefined) return [];
  const { real, freeBytes } = found.place;
  const targets = source.targets ?? [{ path: real, device: 'here', freeBytes, is: 'empty' }];
  const spaces = (source.tablespaces ?? []).map(({ location, bytes }) => ({
    path: request.tablespaces[location] ?? location,
    bytes,
  }));
  const parts = [
    { path: real, bytes: source.dataBytes },
    { path: request.waldir ?? real, bytes: 64 * MB },
    ...spaces,
  ];
  const devices = [...new Set(targets.map(({ device }) => device))];
  return devices.flatMap((device) => {
    const here = targets.filter((target) => target.device === device);
    const bytes = parts
      .filter(({ path }) => here.some((target) => target.path === path))
      .reduce((sum, part) => sum + part.bytes, 0);
    return tooSmall(found, source, here, bytes);
  });
}

function tooSmall(
  found: Seen,
  source: Source,
  here: readonly { path: string; freeBytes: number }[],
  needed: number,
): readonly Problem[] {
  const free = Math.min(...here.map(({ freeBytes }) => freeBytes));
  if (free >= needed) return [];
  const where = here.map(({ path }) => (path === found.place.real ? found.place.pgdata : path)).join(' and ');
  return [
    {
      message: `${found.node}: ${Math.ceil(needed / MB)} MB are needed for the copy of ${source.name}, and ${Math.floor(free / MB)} MB are free for ${where}`,
      hint: 'Make room, or name a directory on a larger disk.',
    },
  ];
}

/** Directories outside the data: those named must be the upstream's, and none of them may hold anything. */
function outsideGates(found: Seen, request: CloneRequest, source: Source): readonly Problem[] {
  const known = source.tablespaces;
  const unknown = Object.keys(request.tablespaces)
    .filter((location) => known !== undefined && !known.some((space) => space.location === location))
    .map((location) => ({
      message: `${source.name}: has no tablespace at ${location}`,
      hint:
        known === undefined || known.length === 0
          ? 'It has no tablespaces.'
          : `Its tablespaces are at ${known.map((space) => space.location).join(', ')}.`,
    }));
  const used = (source.targets ?? [])
    .filter(({ path, is }) => is === 'used' && path !== found.place.real)
    .map(({ path }) => usedProblem(found, request, source, path));
  return [...unknown, ...used];
}

function usedProblem(found: Seen, request: CloneRequest, source: Source, path: string): Problem {
  if (path === request.waldir)
    return {
      message: `${found.node}: ${path}, which WAL is to go to, is not empty`,
      hint: 'Name another directory with --waldir, or empty it.',
    };
  const space = (source.tablespaces ?? []).find(
    ({ location }) => (request.tablespaces[location] ?? location) === path,
  );
  return {
    message: `${found.node}: ${path}, which the tablespace ${space?.name ?? ''} is to go to, is not empty`,
    hint: `--tablespace-mapping ${space?.location ?? path}=DIR puts it elsewhere.`,
  };
}

/** Indexes on text are in the order of the C library; another release may sort otherwise (glibc 2.28). */
function collation(found: Seen, source: Source): { confirm: readonly string[]; notes: readonly string[] } {
  const here = /^glibc (.+)$/.exec(found.machine.libc)?.[1];
  if (source.collation === undefined || here === undefined || here === source.collation)
    return { confirm: [], notes: [] };
  return {
    confirm: [
      `read indexes that ${source.name} built with the collations of glibc ${source.collation} under glibc ${here} of ${found.node}: text may sort otherwise, and a promoted standby would break its indexes`,
    ],
    notes: [],
  };
}
