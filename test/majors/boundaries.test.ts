import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MAJORS } from '../../scripts/majors.js';
import * as version from '../../src/cluster/version.ts';
import { majorOf, type ServerVersion } from '../../src/cluster/version.ts';
import { scratch } from '../e2e/support/scratch.ts';
import { bareServer, programOf, said } from './support.ts';

const dir = scratch();
const described = new Map<number, ReadonlyMap<string, string>>();
const made = new Map<number, string>();

/** Every setting of a major with its context, as the server itself describes them. */
function settingsOf(major: number): ReadonlyMap<string, string> {
  const known = described.get(major);
  if (known !== undefined) return known;
  const lines = said([programOf(major, 'postgres'), '--describe-config']).split('\n');
  const settings = new Map(
    lines.map((line) => [line.split('\t')[0] ?? '', line.split('\t')[1] ?? ''] as const),
  );
  described.set(major, settings);
  return settings;
}

function dataOf(major: number): string {
  const known = made.get(major);
  if (known !== undefined) return known;
  const pgdata = join(dir, String(major));
  bareServer(major, pgdata);
  made.set(major, pgdata);
  return pgdata;
}

/** A server without a postmaster answers a question. */
function single(major: number, sql: string): string {
  return said([programOf(major, 'postgres'), '--single', '-D', dataOf(major), 'postgres'], `${sql}\n`);
}

type Has = (major: number) => boolean;
const setting =
  (name: string, context?: string): Has =>
  (major) =>
    context === undefined ? settingsOf(major).has(name) : settingsOf(major).get(name) === context;

/** Whether a server of a major is on the newer side of each boundary, as it shows itself. */
const BOUNDARIES: Readonly<Record<string, Has | 'client' | 'oldest'>> = {
  OLDEST: 'oldest',
  // 11 grants what was a superuser's: the functions have an acl from the start.
  REWIND_WITHOUT_SUPERUSER: (major) =>
    /acl = "t"/.test(
      single(
        major,
        "SELECT proacl IS NOT NULL AS acl FROM pg_proc WHERE oid = 'pg_ls_dir(text)'::regprocedure",
      ),
    ),
  GROUP_ACCESS: (major) => said([programOf(major, 'initdb'), '--help']).includes('--allow-group-access'),
  RECOVERY_IN_SETTINGS: setting('primary_conninfo'),
  CONNINFO_BY_RELOAD: setting('primary_conninfo', 'sighup'),
  WAL_KEEP_SIZE: setting('wal_keep_size'),
  SLOT_KEEP_LIMIT: setting('max_slot_wal_keep_size'),
  REWIND_NO_SYNC: 'client',
  REWIND_RECOVERS: 'client',
  PAUSES_ON_LOW_SETTINGS: (major) =>
    !said([programOf(major, 'postgres'), '-D', dataOf(major), '-C', 'in_hot_standby']).includes(
      'unrecognized',
    ),
  REWIND_CONFIG_FILE: 'client',
  NO_EXCLUSIVE_BACKUP: (major) =>
    /gone = "t"/.test(single(major, "SELECT to_regprocedure('pg_is_in_backup()') IS NULL AS gone")),
  NO_TRIGGER_FILE: (major) => major >= 12 && !settingsOf(major).has('promote_trigger_file'),
  CHECKSUMS_BY_DEFAULT: (major) =>
    said([programOf(major, 'initdb'), '-D', join(dir, `sums${major}`), '--no-sync', '-A', 'trust']).includes(
      'checksums are enabled',
    ),
};

const boundaries = Object.entries(version).filter(
  (entry): entry is [string, ServerVersion] => typeof entry[1] === 'number',
);

test('every boundary is looked at here', () => {
  expect(Object.keys(BOUNDARIES).sort()).toEqual(boundaries.map(([name]) => name).sort());
});

test.each(boundaries)('servers on both sides of %s say so', (name, boundary) => {
  const major = majorOf(boundary);
  const has = BOUNDARIES[name];
  if (has === 'oldest') return expect(MAJORS[0]).toBe(major);
  expect(MAJORS).toEqual(expect.arrayContaining([major - 1, major]));
  // The packages hold no client programs: what pg_rewind takes is tested where it is installed.
  if (typeof has === 'function') expect([has(major - 1), has(major)]).toEqual([false, true]);
});
