import type { Cluster } from '../cluster/types.ts';
import { majorOf } from '../cluster/version.ts';
import type { Problem } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import type { CloneRequest } from './cloneRequest.ts';
import type { Source } from './source.ts';
import { isSeen, type Seen } from './steps.ts';

export type Gates = { refusals: readonly Problem[]; confirm: readonly string[]; notes: readonly string[] };

/** Everything that is checked before a copy, each with a sentence of its own. */
export function copyGates(
  cluster: Cluster,
  state: ClusterState,
  found: Seen,
  request: CloneRequest,
  source: Source,
): Gates {
  const refusals = [
    ...sameMajor(found, source),
    ...programs(found, source),
    ...walLevel(source),
    ...senders(source),
    ...slots(request, source),
    ...disk(found, source),
    ...tablespaces(cluster, state, found, request, source),
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

function programs(found: Seen, source: Source): readonly Problem[] {
  if (found.machine.programs.pg_basebackup !== undefined) return [];
  return [
    {
      message: `${found.node}: no pg_basebackup is there`,
      hint: `Install the client programs of PostgreSQL ${majorOf(source.version)} or newer.`,
    },
  ];
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

function slots(request: CloneRequest, source: Source): readonly Problem[] {
  if (source.slots === undefined) return [];
  const mine = source.slots.known.find(({ name }) => name === request.link.slot);
  if (mine?.activePid !== undefined) {
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

/** The data, its tablespaces as if they were beside it, and WAL that is written meanwhile. */
function disk(found: Seen, source: Source): readonly Problem[] {
  if (source.dataBytes === undefined) return [];
  const here = (source.tablespaces ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
  const needed = source.dataBytes + here + 64 * MB;
  if (found.place.freeBytes >= needed) return [];
  return [
    {
      message: `${found.node}: ${Math.ceil(needed / MB)} MB are needed for the copy of ${source.name}, and ${Math.floor(found.place.freeBytes / MB)} MB are free beside ${found.place.pgdata}`,
      hint: 'Make room, or name a directory on a larger disk.',
    },
  ];
}

function tablespaces(
  cluster: Cluster,
  state: ClusterState,
  found: Seen,
  request: CloneRequest,
  source: Source,
): readonly Problem[] {
  const known = source.tablespaces;
  if (known === undefined) return [];
  const unknown = Object.keys(request.tablespaces)
    .filter((location) => !known.some((space) => space.location === location))
    .map((location) => ({
      message: `${source.name}: has no tablespace at ${location}`,
      hint:
        known.length === 0
          ? 'It has no tablespaces.'
          : `Its tablespaces are at ${known.map((space) => space.location).join(', ')}.`,
    }));
  const other = state.nodes.find(({ node }) => node === request.upstream);
  const upstream = cluster.nodes.find(({ name }) => name === request.upstream);
  const sameHost =
    other !== undefined &&
    isSeen(other) &&
    other.machine.hostname === found.machine.hostname &&
    upstream?.host.via === request.node.host.via;
  const clashing = !sameHost
    ? []
    : known
        .filter(({ location }) => request.tablespaces[location] === undefined)
        .map(({ name, location }) => ({
          message: `${found.node}: the tablespace ${name} is at ${location}, where ${source.name} on the same host has it`,
          hint: `--tablespace-mapping ${location}=DIR puts it elsewhere`,
        }));
  return [...unknown, ...clashing];
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
