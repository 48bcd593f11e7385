import { describe, expect, test } from 'vitest';
import type { Extra } from '../../src/doctor/check.ts';
import { examine } from '../../src/doctor/examine.ts';
import type { ClusterState, Machine, NodeState, Place, Program, Server } from '../../src/facts/state.ts';
import type { PrimaryState, StandbyState } from '../../src/facts/view.ts';
import { GATES } from '../plan/support/switchoverGates.ts';
import { whole } from '../plan/support/switchover.ts';
import {
  CLUSTER,
  empty,
  foreign,
  MB,
  mute,
  place,
  primary,
  setting,
  slot,
  standby,
  stateWith,
  unreachable,
  walsender,
} from '../report/fixtures.ts';

/** Everything that a check looks at, as it should be. */
const NAMES: readonly Program[] = [
  'postgres',
  'initdb',
  'pg_ctl',
  'psql',
  'pg_basebackup',
  'pg_controldata',
  'pg_rewind',
];
const MACHINE: Machine = {
  login: 'postgres',
  by: 'self',
  hostname: 'h',
  os: 'Linux',
  libc: 'glibc 2.36',
  major: 17,
  programs: Object.fromEntries(NAMES.map((name) => [name, `/bin/${name}`])),
  bindirs: { '17': '/bin' },
  systemd: true,
  postgresqlCommon: false,
};
const HBA = 'host replication replicator 10.0.0.0/24 scram-sha-256\n';
const PLACE: Place = place({
  service: { by: 'systemd', unit: 'postgresql-17.service' },
  freeBytes: 100 * 1024 * MB,
  signals: [],
  obstacles: [],
  files: { included: [], hba: { path: '/pg/hba', text: HBA } },
});
const SETTINGS = {
  wal_level: 'replica',
  max_wal_senders: '10',
  max_replication_slots: '10',
  hot_standby: 'on',
  full_page_writes: 'on',
  data_checksums: 'on',
  listen_addresses: '*',
  wal_keep_size: '1024',
  max_slot_wal_keep_size: '4096',
  wal_retrieve_retry_interval: '500',
  max_connections: '100',
  max_worker_processes: '8',
  max_prepared_transactions: '0',
  max_locks_per_transaction: '64',
};
const UNITS: Readonly<Record<string, string>> = {
  wal_keep_size: 'MB',
  max_slot_wal_keep_size: 'MB',
  wal_retrieve_retry_interval: 'ms',
};

function settings(more: Readonly<Record<string, string>> = {}): Server['settings'] {
  return Object.fromEntries(
    Object.entries({ ...SETTINGS, ...more }).map(([name, value]) => [
      name,
      setting(value, { unit: UNITS[name] ?? '' }),
    ]),
  );
}

const ROLE = {
  name: 'replicator',
  login: true,
  replication: true,
  superuser: false,
  verifier: 'right',
  rewinds: true,
};
const WHERE = { machine: MACHINE, place: PLACE };
const SERVER = { settings: settings(), roles: [ROLE], dataBytes: 1024 * MB };

const pg1 = (more: Partial<Server> = {}, rest: Partial<PrimaryState> = {}): PrimaryState =>
  primary(
    'pg1',
    {
      ...SERVER,
      walsenders: [walsender('pg2'), walsender('pg3')],
      slots: [slot('pg2'), slot('pg3')],
      ...more,
    },
    { ...WHERE, ...rest },
  );
const standbyOf =
  (name: string) =>
  (rest: Partial<StandbyState> = {}, more: Partial<Server> = {}): StandbyState =>
    standby(name, { ...WHERE, ...rest }, { ...SERVER, ...more });
const [pg2, pg3] = [standbyOf('pg2'), standbyOf('pg3')];

const EXTRA: Extra = {
  fits: (verifier) => verifier === 'right',
  addresses: new Map(['pg1', 'pg2', 'pg3'].map((name) => [name, [`10.0.0.${name.slice(2)}`]])),
  hosts: new Map(),
  logins: [{ from: 'pg2', to: 'pg1' }],
};

function told(state: ClusterState, extra: Partial<Extra> = {}): string[] {
  return examine(CLUSTER, state, { ...EXTRA, ...extra })
    .filter(({ level }) => level !== 'ok')
    .map(({ level, check, message }) => `${level} | ${check} | ${message}`);
}

test('a cluster as it should be: every check is told, and nothing but ok', () => {
  const checks = examine(CLUSTER, stateWith(pg1(), pg2(), pg3()), EXTRA);
  expect(told(stateWith(pg1(), pg2(), pg3()))).toEqual([]);
  const names = [...new Set(checks.map(({ check }) => check))];
  expect(names).toEqual([
    ...['reach', 'programs', 'service', 'settings', 'configuration', 'free', 'floors', 'role', 'rewind'],
    ...['pg_hba.conf', 'backup', 'version', 'disk', 'collation', 'login', 'slot', 'replay'],
  ]);
  expect(
    checks.every(({ message, node, verbs }) => message.startsWith(`${node}: `) && verbs.length > 0),
  ).toBe(true);
});

const hba = (text: string): PrimaryState =>
  pg1({}, { place: { ...PLACE, files: { included: [], hba: { path: '/pg/hba', text } } } });
const files = (more: Partial<Place['files']>): Partial<PrimaryState> => ({
  place: { ...PLACE, files: { ...PLACE.files, ...more } },
});
const role = (more: Partial<Server['roles'][number]>): PrimaryState => pg1({ roles: [{ ...ROLE, ...more }] });

/** One node that is not as it should be, and what is said of it; the other nodes are well. */
const ofPrimary: [string, PrimaryState, string[]][] = [
  [
    'more WAL than its standbys have',
    pg1({ settings: settings({ wal_level: 'logical' }) }),
    ['pg2', 'pg3'].map(
      (name) =>
        `warning | logical | ${name}: wal_level is replica, and pg1 has logical: as the primary it would have no subscribers`,
    ),
  ],
  [
    'no superuser',
    pg1({ superuser: false }),
    ['wrong | reach | pg1: postgres is no superuser, and settings and roles need one'],
  ],
  [
    'a setting',
    pg1({ settings: settings({ wal_level: 'minimal' }) }),
    ['wrong | settings | pg1: wal_level is minimal: standbys need it'],
  ],
  [
    'no bound',
    pg1({ settings: settings({ max_slot_wal_keep_size: '-1' }) }),
    [expect.stringMatching(/^warning \| sizes \| pg1: max_slot_wal_keep_size is -1: /) as string],
  ],
  [
    'no rewinding',
    pg1({ settings: settings({ data_checksums: 'off', wal_log_hints: 'off' }) }),
    ['wrong | settings | pg1: wal_log_hints is off: pg_rewind needs it without checksums'],
  ],
  [
    'walsenders',
    pg1({ walsenders: Array.from({ length: 9 }, () => walsender('pg2')) }),
    ['wrong | free | pg1: 1 of 10 walsenders are free, and a copy takes two'],
  ],
  [
    'slots',
    pg1({ slots: Array.from({ length: 10 }, (_, at) => slot(`other${at}`)) }),
    [
      'wrong | free | pg1: 0 of 10 slots are free, and 2 are still needed',
      'wrong | slot | pg2: its slot pg2 is not at pg1',
      'wrong | slot | pg3: its slot pg3 is not at pg1',
    ],
  ],
  ['no role', pg1({ roles: [] }), ['wrong | role | pg1: there is no role replicator that may replicate']],
  ['no login', role({ login: false }), ['wrong | role | pg1: the role replicator may not log in']],
  [
    'password',
    role({ verifier: 'SCRAM' }),
    ['wrong | role | pg1: the password of the cluster file is not that of the role replicator'],
  ],
  [
    'md5',
    role({ verifier: 'md5abc' }),
    ['warning | role | pg1: the password of replicator is kept as md5, and cannot be compared'],
  ],
  [
    'grants',
    role({ rewinds: false }),
    ['warning | rewind | pg1: the role replicator may not read what pg_rewind reads'],
  ],
  [
    'no line',
    hba('host all all all trust\n'),
    [
      'wrong | pg_hba.conf | pg1: no line of /pg/hba lets pg2 (10.0.0.2) in for replication as replicator',
      'wrong | pg_hba.conf | pg1: no line of /pg/hba lets pg3 (10.0.0.3) in for replication as replicator',
    ],
  ],
  [
    'a reject',
    hba(`host replication all 10.0.0.3/32 reject\n${HBA}`),
    ['wrong | pg_hba.conf | pg1: /pg/hba line 1 turns pg3 (10.0.0.3) away'],
  ],
  [
    'trust',
    hba(`host replication all 10.0.0.3/32 trust\n${HBA}`),
    ['warning | pg_hba.conf | pg1: /pg/hba line 1 lets pg3 (10.0.0.3) in without a password'],
  ],
  [
    'file error',
    pg1({ fileErrors: [{ file: '/pg/conf', line: 3, name: 'x', error: 'unrecognized' }] }),
    ['wrong | configuration | pg1: /pg/conf line 3: unrecognized'],
  ],
  [
    'overridden',
    pg1(
      {},
      files({
        conf: { path: '/pg/postgresql.conf', text: "include_if_exists = 'pgrepl.conf'\n" },
        own: { path: '/pg/pgrepl.conf', text: "wal_level = 'replica'\n" },
        auto: { path: '/pg/postgresql.auto.conf', text: "wal_level = 'logical'\n" },
      }),
    ),
    [
      'warning | configuration | pg1: wal_level of /pg/pgrepl.conf is beaten by /pg/postgresql.auto.conf line 1: logical',
    ],
  ],
  [
    'pending',
    pg1({ settings: { ...settings(), wal_level: setting('replica', { pendingRestart: true }) } }),
    ['warning | configuration | pg1: waits for a restart: wal_level'],
  ],
  [
    'standby.signal',
    pg1({}, { place: { ...PLACE, signals: ['standby.signal'] } }),
    [
      'warning | configuration | pg1: standby.signal lies in the data directory of a primary: at its next start it is a standby',
    ],
  ],
  [
    'stale',
    pg1({}, files({ auto: { path: '/pg/postgresql.auto.conf', text: "primary_slot_name = 'x'\n" } })),
    ['warning | configuration | pg1: left over in postgresql.auto.conf: primary_slot_name'],
  ],
  [
    'archiver',
    pg1({
      settings: settings({ archive_mode: 'on' }),
      archiver: { failing: true, lastFailed: '00000001', ready: 3 },
    }),
    ['wrong | archiver | pg1: archiving fails, last at 00000001, and 3 segments wait'],
  ],
  ['backup', pg1({ backups: 1 }), ['wrong | backup | pg1: 1 backup runs on it']],
  [
    'synchronous',
    pg1({ settings: settings({ synchronous_standby_names: 'FIRST 2 (pg2, ghost)' }) }),
    [
      'wrong | synchronous | pg1: synchronous_standby_names (FIRST 2 (pg2, ghost)) wants 2, and only 1 of them can be there',
    ],
  ],
  [
    'collation',
    pg1({ collations: [{ database: 'shop', recorded: '2.31', actual: '2.36' }] }),
    ['warning | collation | pg1: the database shop was made with collation 2.31, and the system has 2.36'],
  ],
  [
    'no service',
    pg1({}, { place: { ...PLACE, service: { by: 'pg_ctl' } } }),
    ['warning | service | pg1: no service owns the server: it does not start again with its host'],
  ],
];

const ofStandby: [string, NodeState, string[], Partial<Extra>?][] = [
  ['unreachable', unreachable('pg2'), ['wrong | reach | pg2: connection timed out'], { logins: [] }],
  [
    'starting',
    { ...mute('pg2', true), ...WHERE } as NodeState,
    ['wrong | reach | pg2: its server is starting: the database system is starting up'],
    { logins: [], hosts: new Map([['pg2', { starts: true }]]) },
  ],
  [
    'foreign',
    foreign('pg2'),
    ['wrong | reach | pg2: /pg/data is not empty and no data directory'],
    { logins: [] },
  ],
  [
    'no programs',
    pg2({ machine: { ...MACHINE, programs: {} } }),
    [
      'wrong | programs | pg2: these programs are not there: postgres, pg_ctl, psql, pg_basebackup, pg_controldata, pg_rewind',
    ],
  ],
  [
    'programs of another major',
    pg2({ machine: { ...MACHINE, major: 15, bindirs: { '15': '/bin' } } }),
    ['wrong | programs | pg2: the programs are of PostgreSQL 15, the data of 17'],
  ],
  [
    'another major',
    pg2({ machine: { ...MACHINE, major: 16 } }, { version: 160004 as Server['version'] }),
    ['wrong | version | pg2: is of PostgreSQL 16, and pg1 of 17'],
  ],
  [
    'another cluster',
    pg2({}, { systemIdentifier: '1' }),
    [
      `wrong | cluster | pg2: is of another cluster than pg1 (system 1, and ${pg1().server.systemIdentifier})`,
    ],
  ],
  [
    'left over from a restore',
    pg2({}, { settings: settings({ recovery_target_xid: '7', recovery_target_timeline: '2' }) }),
    [
      'wrong | restore | pg2: recovery_target_xid is set, and as a standby it would stop there',
      'wrong | restore | pg2: recovery_target_timeline is 2, and it would not follow the new timeline',
    ],
  ],
  [
    'disk',
    pg2({ place: { ...PLACE, freeBytes: 900 * MB } }),
    ['warning | disk | pg2: a copy of pg1 takes 1 GB, and 900 MB are free at /pg/data'],
  ],
  [
    'not enabled',
    pg2(),
    ['warning | service | pg2: postgresql-17.service is not enabled: it does not start with its host'],
    { hosts: new Map([['pg2', { starts: false }]]) },
  ],
  [
    'another C library',
    pg2({ machine: { ...MACHINE, libc: 'glibc 2.31' } }),
    [
      'warning | collation | pg2: sorts by glibc 2.31, and pg1 by glibc 2.36: after a promotion indexes of text may be wrong',
    ],
  ],
  [
    'a floor',
    pg2({}, { settings: settings({ max_connections: '50' }) }),
    ['wrong | floors | pg2: max_connections is 50, and 100 on pg1: as its standby it would stop'],
  ],
  [
    'login',
    pg2(),
    ['wrong | login | pg2: cannot log in to pg1 as replicator for replication: no route'],
    { logins: [{ from: 'pg2', to: 'pg1', because: 'no route' }] },
  ],
  [
    'password in the open',
    pg2({ conninfo: 'host=10.0.0.1 password=x' }),
    [
      'warning | password file | pg2: its password stands in primary_conninfo, where every superuser and every backup sees it',
    ],
  ],
  [
    'password file gone',
    pg2(),
    ['wrong | password file | pg2: its password file /f is not there'],
    { hosts: new Map([['pg2', { passfile: { path: '/f' } }]]) },
  ],
  [
    'password file of another',
    pg2(),
    ['wrong | password file | pg2: its password file /f belongs to root and not to postgres'],
    { hosts: new Map([['pg2', { passfile: { path: '/f', mode: '600', owner: 'root' } }]]) },
  ],
  [
    'password file for all',
    pg2(),
    [
      'wrong | password file | pg2: its password file /f may be read by others (mode 640), and libpq ignores it',
    ],
    { hosts: new Map([['pg2', { passfile: { path: '/f', mode: '640', owner: 'postgres' } }]]) },
  ],
  [
    'password file with the password of before',
    pg2(),
    [
      'wrong | password file | pg2: its password file /f holds another password than the cluster file: once its connection ends, it could not connect again',
    ],
    { hosts: new Map([['pg2', { passfile: { path: '/f', mode: '600', owner: 'postgres', stale: true } }]]) },
  ],
  [
    'no slot',
    pg2({ slot: '' }),
    ['warning | slot | pg2: uses no slot at pg1: it loses its place when it is away for long'],
  ],
  ['paused', pg2({ paused: true }), ['wrong | replay | pg2: its replay is paused']],
  [
    'late',
    pg2({ delayMs: 3_600_000 }),
    ['warning | replay | pg2: replays 1 h late, as it is told to: it is not for promoting'],
  ],
];

describe('one thing that is wrong', () => {
  test.each(ofPrimary)('on the primary: %s', (_, found, said) => {
    expect(told(stateWith(found, pg2(), pg3()))).toEqual(said);
  });
  test.each(ofStandby)('on a standby: %s', (_, found, said, extra = {}) => {
    const mine = told(stateWith(pg1(), found, pg3()), extra).filter((line) => line.includes('| pg2: '));
    expect(mine).toEqual(said);
  });
  test('a password file of before: what is typed after a switchover', () => {
    const extra = {
      hosts: new Map([['pg2', { passfile: { path: '/f', mode: '600', owner: 'postgres', stale: true } }]]),
    };
    const hints = examine(CLUSTER, stateWith(pg1(), pg2(), pg3()), { ...EXTRA, ...extra }).map(
      ({ hint }) => hint,
    );
    expect(hints).toContain(
      '`pgrepl init-primary pg1` gives the role the new password, then `pgrepl follow pg2 --upstream pg1` writes it here.',
    );
  });
  test('a lost slot', () => {
    const found = pg1({ slots: [slot('pg2', { active: false, walStatus: 'lost' }), slot('pg3')] });
    expect(told(stateWith(found, pg2(), pg3()))).toEqual(['wrong | slot | pg2: its slot pg2 at pg1 is lost']);
  });
  test('a lost slot of a node whose host is away', () => {
    const found = pg1({ slots: [slot('pg2', { active: false, walStatus: 'lost' }), slot('pg3')] });
    expect(told(stateWith(found, unreachable('pg2'), pg3()))).toContain(
      'wrong | slot | pg2: its slot pg2 at pg1 is lost, WAL that it needs is gone',
    );
  });
  test('a directory that cannot be made', () => {
    const found = {
      ...empty('pg2'),
      machine: MACHINE,
      place: { ...PLACE, exists: false, creatable: false },
    } as NodeState;
    expect(told(stateWith(pg1(), found, pg3()))).toContain(
      'wrong | directory | pg2: postgres may not create /pg/data',
    );
  });
});

describe('what a switchover refuses is told beforehand', () => {
  const usual = new Set(told(whole()));
  /** A moment's state, which `status` shows: how far a standby is. One whose primary still sends to it streams. */
  const MOMENTS = ['catching up', 'late', 'received, and not replayed', 'not streaming'];

  test.each(GATES.filter(([what]) => !MOMENTS.includes(what)))('%s', (_what, changed) => {
    expect(told(whole(...changed)).filter((each) => !usual.has(each))).not.toEqual([]);
  });
});
