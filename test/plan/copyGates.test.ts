import { expect, test } from 'vitest';
import type { ServerVersion } from '../../src/cluster/version.ts';
import type { Lsn } from '../../src/facts/lsn.ts';
import type { CloneRequest } from '../../src/plan/clone/cloneRequest.ts';
import { copyGates } from '../../src/plan/clone/copyGates.ts';
import type { Source } from '../../src/plan/source.ts';
import type { Seen } from '../../src/plan/steps.ts';

const MB = 1024 * 1024;

const found = {
  node: 'pg2',
  is: 'empty',
  machine: {
    major: 15,
    libc: 'glibc 2.36',
    programs: { postgres: '/pg/15/bin/postgres', pg_basebackup: '/pg/15/bin/pg_basebackup' },
    bindirs: { 15: '/pg/15/bin' },
  },
  place: { pgdata: '/data', real: '/data', freeBytes: 200 * MB },
} as unknown as Seen;

const source: Source = {
  name: 'pg1',
  version: 150004 as ServerVersion,
  systemIdentifier: '1',
  timeline: 1,
  position: '0/3000000' as Lsn,
  isStandby: false,
  walLevel: 'replica',
  floors: {},
};

const request = { upstream: 'pg1', link: { slot: 'pg2' }, tablespaces: {} } as unknown as CloneRequest;

function refusals(there: Partial<Source>, wanted: Partial<CloneRequest> = {}, at = found): readonly string[] {
  return copyGates(at, { ...request, ...wanted }, { ...source, ...there }).refusals.map(
    ({ message }) => message,
  );
}

const slot = { name: 'pg2', reserved: true, lost: false };

test.each<[string, Partial<Source>, readonly string[]]>([
  ['all is well', {}, []],
  ['nothing can be seen', { walLevel: 'logical' }, []],
  [
    'another major',
    { version: 160001 as ServerVersion },
    ['pg2: pg1 is PostgreSQL 16, and here is 15; a standby is of the same major'],
  ],
  ['too little WAL', { walLevel: 'minimal' }, ['pg1: wal_level is minimal, and a standby needs replica']],
  ['two walsenders', { senders: { free: 2, most: 3 } }, []],
  [
    'one walsender',
    { senders: { free: 1, most: 3 } },
    ['pg1: 1 of 3 walsenders is free, and a copy needs two'],
  ],
  ['its own slot, none free', { slots: { free: 0, most: 1, known: [slot] } }, []],
  [
    'its own slot, in use',
    { slots: { free: 0, most: 1, known: [{ ...slot, activePid: 7 }] }, earlier: [8] },
    ['pg1: the slot pg2 is in use by the process 7'],
  ],
  [
    'its own slot, in use by a copy cut short',
    { slots: { free: 0, most: 1, known: [{ ...slot, activePid: 7 }] }, earlier: [7] },
    [],
  ],
  ['no slot', { slots: { free: 0, most: 1, known: [] } }, ['pg1: all 1 replication slots are taken']],
  [
    'its slot is used',
    { slots: { free: 9, most: 10, known: [{ ...slot, activePid: 7 }] } },
    ['pg1: the slot pg2 is in use by the process 7'],
  ],
  ['the last byte of disk', { dataBytes: 136 * MB }, []],
  [
    'a byte more',
    { dataBytes: 136 * MB + 1 },
    ['pg2: 201 MB are needed for the copy of pg1, and 200 MB are free for /data'],
  ],
])('%s', (_, there, said) => {
  expect(refusals(there)).toEqual(said);
});

test('every file system by itself', () => {
  const tablespaces = [{ name: 'big', location: '/big', bytes: 500 * MB }];
  const target = (path: string, device: string, free: number, is: 'empty' | 'used' | 'ours' = 'empty') => ({
    path,
    device,
    freeBytes: free * MB,
    is,
    nearest: path,
  });
  const there = { dataBytes: 100 * MB, tablespaces };
  const apart = [target('/data', '1', 200), target('/big', '2', 500), target('/wal', '3', 64)];
  expect(refusals({ ...there, targets: apart }, { waldir: '/wal' })).toEqual([]);
  const together = [target('/data', '1', 600), target('/big', '1', 600)];
  expect(refusals({ ...there, targets: together })).toEqual([
    'pg2: 664 MB are needed for the copy of pg1, and 600 MB are free for /data and /big',
  ]);
  const used = [target('/data', '1', 900), target('/big', '1', 900, 'used')];
  expect(refusals({ ...there, targets: used })).toEqual([
    'pg2: /big, which the tablespace big is to go to, is not empty',
  ]);
  const ours = [target('/data', '1', 900), target('/big', '1', 900, 'ours')];
  expect(refusals({ ...there, targets: ours })).toEqual([]);
});

test('no pg_basebackup, no server', () => {
  const bare = {
    ...found,
    machine: { ...found.machine, major: undefined, programs: {}, bindirs: {} },
  } as never;
  expect(refusals({}, {}, bare)).toEqual([
    'pg2: pg1 is PostgreSQL 15, and no server is installed here; a standby is of the same major',
    'pg2: no pg_basebackup is there',
  ]);
});

test('another C library is asked about', () => {
  expect(copyGates(found, request, { ...source, collation: '2.36' }).confirm).toEqual([]);
  expect(copyGates(found, request, { ...source, collation: '2.28' }).confirm[0]).toContain(
    'collations of glibc 2.28 under glibc 2.36 of pg2',
  );
});
