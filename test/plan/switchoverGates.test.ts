import { expect, test } from 'vitest';
import type { NodeState } from '../../src/facts/state.ts';

import { lsn, setting, unreachable, mute } from '../report/fixtures.ts';
import { GATES } from './support/switchoverGates.ts';
import { pg1, pg2, pg3, planFor, settings, SETTINGS, whole } from './support/switchover.ts';

const behind = (text: string) => ({ received: lsn(text), replayed: lsn(text) });

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
