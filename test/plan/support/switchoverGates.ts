import type { NodeState } from '../../../src/facts/state.ts';
import { FLOORS } from '../../../src/facts/floors.ts';
import {
  detached,
  empty,
  foreign,
  lsn,
  mute,
  primary,
  setting,
  slot,
  unreachable,
  walsender,
} from '../../report/fixtures.ts';
import { cloned, pg1, pg2, pg3, settings, SETTINGS, shutDown } from './switchover.ts';

/** What is different from a healthy cluster, and why `switchover pg2` refuses then. */
export const GATES: readonly (readonly [string, readonly NodeState[], readonly string[]])[] = [
  [
    'two primaries',
    [primary('pg3', { settings: SETTINGS })],
    ['pg1 and pg3: both take writes, and belong to one cluster'],
  ],
  ['the node has no server', [empty('pg2')], ['pg2: is no running standby (empty)']],
  ['the node is no data directory', [foreign('pg2')], ['pg2: is no running standby (foreign)']],
  ['the node is stopped', [shutDown('pg2', '0/3000000', true)], ['pg2: is no running standby (stopped)']],
  [
    'the node does not answer',
    [mute('pg2', true)],
    ['pg2: a server runs and does not answer: the database system is starting up'],
  ],
  ['the node cannot be reached', [unreachable('pg2')], ['connection timed out']],
  [
    'another system',
    [pg2({}, { systemIdentifier: '1' })],
    ['pg2: no primary is seen that it could swap with'],
  ],
  [
    'not streaming',
    [detached('pg2', { place: cloned() }, { settings: SETTINGS })],
    ['pg2: does not stream from pg1'],
  ],
  [
    'streaming from elsewhere',
    [pg1({ walsenders: [walsender('pg3')], slots: [slot('pg3')] })],
    ['pg2: does not stream from pg1'],
  ],
  [
    'catching up',
    [pg1({ walsenders: [walsender('pg2', { state: 'catchup' }), walsender('pg3')] })],
    ['pg2: is not up to date with pg1 yet (catchup)'],
  ],
  [
    'a port that waits for a restart',
    [pg1({ settings: { ...SETTINGS, port: setting('5432', { pendingRestart: true }) } })],
    ['pg1: port waits for a restart, and after the switchover it would be elsewhere'],
  ],
  [
    'a floor that its next start lowers',
    [
      pg1({
        settings: { ...SETTINGS, max_connections: setting('100', { pendingRestart: true }) },
        fileSettings: [
          { file: '/pg/postgresql.conf', line: 1, name: 'max_connections', value: '100', applied: false },
          { file: '/pg/postgresql.conf', line: 9, name: 'max_connections', value: '50', applied: false },
        ],
      }),
    ],
    ['pg1: max_connections is 50, and pg2 has 100: it could not be its standby'],
  ],
  [
    'a full disk at the primary',
    [pg1({}, { place: { ...cloned(), freeBytes: 0 } })],
    ['pg1: its disk is full: 0 MB are free at /pg/data'],
  ],
  [
    'late',
    [pg1({}, { current: lsn('0/7000001') })],
    ['pg2: is 33554433 bytes behind pg1, and the limit is 16777216'],
  ],
  [
    'received, and not replayed',
    [pg1({}, { current: lsn('0/9000000') }), pg2({ received: lsn('0/9000000') })],
    ['pg2: is 67108864 bytes behind pg1, and the limit is 16777216'],
  ],
  ['paused', [pg2({ paused: true })], ['pg2: its replay is paused']],
  ['delayed', [pg2({ delayMs: 3_600_000 })], ['pg2: it replays 3600 s late (recovery_min_apply_delay)']],
  ...FLOORS.filter((name) => name !== 'max_wal_senders').flatMap(
    (name): readonly (readonly [string, readonly NodeState[], readonly string[]])[] =>
      (['pg1', 'pg3'] as const).map((node) => {
        const value = Number(SETTINGS[name]?.value) + 5;
        const said = `${node}: ${name} is ${value - 5}, and pg2 has ${value}: it could not be its standby`;
        const other =
          node === 'pg1'
            ? pg3({}, settings({ [name]: String(value) }))
            : pg1(settings({ [name]: String(value) }));
        return [`${name} at ${node}`, [pg2({}, settings({ [name]: String(value) })), other], [said]];
      }),
  ),
  [
    'max_wal_senders at both',
    [pg2({}, settings({ max_wal_senders: '12' }))],
    [
      'pg1: max_wal_senders is 10, and pg2 has 12: it could not be its standby',
      'pg3: max_wal_senders is 10, and pg2 has 12: it could not be its standby',
    ],
  ],
  [
    'walsenders',
    [pg2({}, settings({ max_wal_senders: '1' }))],
    ['pg2: 1 walsenders are free, and 2 are needed'],
  ],
  [
    'slots',
    [pg2({}, { ...settings({ max_replication_slots: '2' }), slots: [slot('x')] })],
    ['pg2: 1 replication slots are free, and 2 are needed'],
  ],
  [
    'an archiver that fails',
    [
      pg1({
        ...settings({ archive_mode: 'on' }),
        archiver: { failing: true, lastFailed: '000000010000000000000007' },
      }),
    ],
    ['pg1: archive_command fails (last for 000000010000000000000007)'],
  ],
  [
    'an archiver that is late',
    [pg1({ ...settings({ archive_mode: 'on' }), archiver: { failing: false, ready: 65 } })],
    ['pg1: 65 WAL files wait to be archived'],
  ],
  ['a backup of the primary', [pg1({ backups: 1 })], ['pg1: a base backup is running and would be lost']],
  ['a backup of the standby', [pg2({}, { backups: 1 })], ['pg2: a base backup is running and would be lost']],
  [
    'commits would hang',
    [pg2({}, settings({ synchronous_standby_names: 'FIRST 2 (pg1, pg9)' }))],
    [
      'pg2: its synchronous_standby_names wants 2 of pg1, pg9, and 1 would follow it: every commit would hang',
    ],
  ],
  [
    'no superuser',
    [pg1({ superuser: false, user: 'app' }), pg3({}, { superuser: false, user: 'app' })],
    [
      'pg1: app is no superuser, and a switchover needs one on every node',
      'pg3: app is no superuser, and a switchover needs one on every node',
    ],
  ],
  [
    'a target of a restore',
    [pg1(settings({ recovery_target_time: '2026-01-01' }))],
    ['pg1: recovery_target_time is set, and as a standby it would stop there'],
  ],
  [
    'the old primary could not be asked',
    [pg1(settings({ hot_standby: 'off' }))],
    ['pg1: hot_standby is off, and as a standby it could not be asked whether it streams'],
  ],
  [
    'a timeline that is not followed',
    [pg3({}, settings({ recovery_target_timeline: 'current' }))],
    ['pg3: recovery_target_timeline is current, and it would not follow the new timeline'],
  ],
  [
    'several at once',
    [pg1({ backups: 1 }), pg2({ paused: true })],
    ['pg2: its replay is paused', 'pg1: a base backup is running and would be lost'],
  ],
];
