import { expect, test } from 'vitest';
import type { NodeState } from '../../src/facts/state.ts';
import { FLOORS } from '../../src/facts/floors.ts';
import {} from '../../src/plan/switchover/switchoverGates.ts';
import {
  detached,
  lsn,
  primary,
  setting,
  slot,
  unreachable,
  walsender,
  empty,
  foreign,
  mute,
} from '../report/fixtures.ts';
import { cloned, pg1, pg2, pg3, planFor, settings, SETTINGS, shutDown, whole } from './support/switchover.ts';

const behind = (text: string) => ({ received: lsn(text), replayed: lsn(text) });

/** What is different from a healthy cluster, and why `switchover pg2` refuses then. */
const GATES: readonly (readonly [string, readonly NodeState[], readonly string[]])[] = [
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

test.each(GATES)('refused: %s', (_what, changed, said) => {
  const plan = planFor(whole(...changed));
  expect(plan.refusals.map(({ message }) => message)).toEqual(said);
  expect(plan.steps).toEqual([]);
  expect(plan.undo).toBeUndefined();
});

test('refused: a login that was tried, with its own words', () => {
  const logins = [{ message: 'pg1: pg2 does not let the role replicate', hint: 'Let it in.' }];
  expect(planFor(whole(), { logins })).toMatchObject({ refusals: logins, steps: [] });
});

test.each([
  ['a node that cannot be reached', [unreachable('pg2')], true],
  ['one that does not answer', [mute('pg2', false)], true],
  ['a gate', [pg2({ paused: true })], false],
])('%s has its own exit status', (_what, changed, unreachableToo) => {
  expect(planFor(whole(...changed)).unreachable ?? false).toBe(unreachableToo);
});

/** What looks like a gate and is none. */
const PASSED: readonly (readonly [string, readonly NodeState[]])[] = [
  ['lag at the limit', [pg1({}, { current: lsn('0/6000000') })]],
  ['archiving is off, whatever failed once', [pg1({ archiver: { failing: true } })]],
  ['some files wait', [pg1({ ...settings({ archive_mode: 'on' }), archiver: { failing: false, ready: 3 } })]],
  ['the candidate has less: its standbys have more', [pg2({}, settings({ max_connections: '50' }))]],
  ['its standbys are there', [pg2({}, settings({ synchronous_standby_names: 'ANY 1 (pg1, pg3)' }))]],
  ['anybody will do', [pg2({}, settings({ synchronous_standby_names: '*' }))]],
  ['a sibling is a little ahead', [pg3(behind('0/5000100'))]],
  ['a sibling is out of reach', [unreachable('pg3')]],
];

test.each(PASSED)('let through: %s', (_what, changed) => {
  const plan = planFor(whole(...changed));
  expect(plan.refusals).toEqual([]);
  expect(plan.steps.length).toBeGreaterThan(10);
});

test('a sibling that was restarted at the start of a segment is moved: it has replayed more than it received', () => {
  const restarted = pg3({ received: lsn('0/4000000'), replayed: lsn('0/5000000') });
  const moved = planFor(whole(restarted)).steps.filter(({ node }) => node === 'pg3');
  expect(moved).toEqual(planFor(whole()).steps.filter(({ node }) => node === 'pg3'));
  expect(moved.length).toBeGreaterThan(3);
});

test('a setting that is unknown counts as none', () => {
  const { max_connections: _gone, ...rest } = SETTINGS;
  const plan = planFor(whole(pg2({}, { settings: { ...rest, port: setting('5432') } })));
  expect(plan.refusals).toEqual([]);
});
