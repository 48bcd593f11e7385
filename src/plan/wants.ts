import { has, SLOT_KEEP_LIMIT, WAL_KEEP_SIZE, type ServerVersion } from '../cluster/version.ts';
import { bytesOfSize } from '../render/conf.ts';
import { effective, ownSettings, UNITS } from './effective.ts';
import type { Seen } from './steps.ts';

/** A setting that replication needs: when it is good enough, and what to set where it is not. */
export type Want = {
  name: string;
  good: (value: string, unit: string) => boolean;
  value: string;
  why: string;
};

const MB = 1024 * 1024;
const SEGMENT = 16 * MB;

const isOn = (value: string): boolean => /^(on|true|yes|1)$/i.test(value);
const atLeast = (least: number) => (value: string) => Number(value) >= least;

/**
 * What a server needs to be a primary, and to be one again after it was a standby (runtime-config-replication,
 * app-pgrewind). Sizes come from the free disk: how much WAL is kept for rewinding and for standbys that lag, and how
 * much the slot of a dead standby may hold at most.
 */
export function replicationWants(input: {
  version: ServerVersion;
  standbys: number;
  checksums: boolean;
  freeBytes: number;
  listen: readonly string[];
}): readonly Want[] {
  const senders = Math.max(10, 2 * input.standbys + 4);
  const slots = Math.max(10, input.standbys + 4);
  return [
    {
      name: 'wal_level',
      good: (value) => value === 'replica' || value === 'logical' || value === 'hot_standby',
      value: 'replica',
      why: 'standbys need it',
    },
    {
      name: 'max_wal_senders',
      good: atLeast(input.standbys + 2),
      value: String(senders),
      why: 'one a standby, two a copy',
    },
    {
      name: 'max_replication_slots',
      good: atLeast(input.standbys + 1),
      value: String(slots),
      why: 'one a standby',
    },
    { name: 'hot_standby', good: isOn, value: 'on', why: 'a standby answers questions' },
    { name: 'full_page_writes', good: isOn, value: 'on', why: 'copies from a standby and rewinding need it' },
    ...(input.checksums
      ? []
      : [{ name: 'wal_log_hints', good: isOn, value: 'on', why: 'pg_rewind needs it without checksums' }]),
    { name: 'listen_addresses', good: listensTo(input.listen), value: '*', why: 'standbys connect to it' },
    ...keepWants(input.version, input.freeBytes),
    {
      name: 'wal_retrieve_retry_interval',
      good: isShort,
      value: '500ms',
      why: 'a standby comes back at once, not after 5 s',
    },
  ];
}

function isShort(value: string, unit: string): boolean {
  const match = /^(\d+)\s*(ms|s)?$/.exec(value);
  if (match === null) return false;
  return Number(match[1]) * ((match[2] ?? unit) === 's' ? 1000 : 1) <= 1000;
}

function listensTo(addresses: readonly string[]) {
  return (value: string): boolean => {
    const listening = value.split(',').map((part) => part.trim());
    if (listening.includes('*')) return true;
    const loopback = addresses.every((address) => /^(127\.|::1$|localhost$)/.test(address));
    if (loopback && listening.includes('localhost')) return true;
    return (
      addresses.length > 0 &&
      listening.includes('0.0.0.0') &&
      addresses.every((address) => !address.includes(':'))
    );
  };
}

/** min(1 GB, 5 % of the free disk) is kept for standbys without a slot and for rewinding; a slot holds at most a third. */
function keepWants(version: ServerVersion, freeBytes: number): readonly Want[] {
  const keep = Math.max(SEGMENT * 4, Math.min(1024 * MB, Math.floor(freeBytes / 20)));
  const limit = Math.max(keep * 2, Math.floor(freeBytes / 3 / (1024 * MB)) * 1024 * MB);
  const keepWhy = `5 % of ${gigabytes(freeBytes)} free disk, 1 GB at most: what pg_rewind and a standby without a slot need`;
  if (!has(version, WAL_KEEP_SIZE)) {
    return [
      { name: 'wal_keep_segments', good: atLeast(1), value: String(Math.ceil(keep / SEGMENT)), why: keepWhy },
    ];
  }
  const wants = [
    { name: 'wal_keep_size', good: positive, value: `${Math.floor(keep / MB)}MB`, why: keepWhy },
  ];
  if (!has(version, SLOT_KEEP_LIMIT)) return wants;
  const limitWhy = `a third of ${gigabytes(freeBytes)} free disk: a dead standby's slot cannot fill it`;
  return [
    ...wants,
    { name: 'max_slot_wal_keep_size', good: bounded, value: `${Math.floor(limit / MB)}MB`, why: limitWhy },
  ];
}

function gigabytes(bytes: number): string {
  return bytes < 1024 * MB ? `${Math.floor(bytes / MB)} MB` : `${(bytes / (1024 * MB)).toFixed(1)} GB`;
}

function positive(value: string, unit: string): boolean {
  return (bytesOfSize(value, unit) ?? 0) > 0;
}

function bounded(value: string, unit: string): boolean {
  return value !== '-1' && (bytesOfSize(value, unit) ?? -1) >= 0;
}

/** The settings of our file after this: what it has stays while it is good, and only what is missing is added. */
export function desiredOwn(
  state: Seen,
  wants: readonly Want[],
  fixed: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const own = ownSettings(state.place);
  const added = wants.flatMap((want) => {
    const mine = own[want.name];
    if (mine !== undefined && want.good(mine, UNITS[want.name] ?? '')) return [];
    const now = effective(state, want.name);
    const ours = now?.file !== undefined && now.file === state.place.files.own?.path;
    const comesFromElsewhere = mine === undefined || !ours;
    if (comesFromElsewhere && now !== undefined && want.good(now.value, now.unit)) return [];
    return [[want.name, want.value] as const];
  });
  const all = { ...own, ...Object.fromEntries(added), ...fixed };
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}
