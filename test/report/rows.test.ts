import { expect, test } from 'vitest';
import { nodeRows } from '../../src/report/rows.ts';
import {
  attachedPrimary,
  CLUSTER,
  detached,
  empty,
  foreign,
  HEALTHY,
  lsn,
  MB,
  mute,
  setting,
  slot,
  standby,
  stateWith,
  stopped,
  unreachable,
  walsender,
} from './fixtures.ts';

test('a primary and a standby, whole', () => {
  const state = stateWith(
    attachedPrimary(
      { settings: { wal_level: setting('replica', { pendingRestart: true }) } },
      { current: lsn('0/5004000') },
    ),
    standby('pg2', { lagSeconds: 0.5 }),
  );
  expect(nodeRows(CLUSTER, state)).toEqual([
    {
      name: 'pg1',
      role: 'primary',
      state: 'running',
      upstream: null,
      timeline: 1,
      systemIdentifier: '7412',
      version: '17.11',
      receivedLsn: '0/5004000',
      replayedLsn: '0/5004000',
      lagBytes: 0,
      lagSeconds: 0,
      slot: null,
      sync: null,
      pendingRestart: ['wal_level'],
      slots: [
        { name: 'pg2', active: true, heldBytes: 0, walStatus: 'reserved' },
        { name: 'pg3', active: true, heldBytes: 0, walStatus: 'reserved' },
      ],
      problems: ['pg1: waits for a restart: wal_level'],
    },
    {
      name: 'pg2',
      role: 'standby',
      state: 'streaming',
      upstream: 'pg1',
      timeline: 1,
      systemIdentifier: '7412',
      version: '17.11',
      receivedLsn: '0/5000000',
      replayedLsn: '0/5000000',
      lagBytes: 16384,
      lagSeconds: 0.5,
      slot: 'pg2',
      sync: 'async',
      pendingRestart: [],
      slots: [],
      problems: [],
    },
  ]);
});

const brief = (state: Parameters<typeof nodeRows>[1]) =>
  nodeRows(CLUSTER, state).map(({ name, role, state: word, upstream, lagBytes, version }) =>
    [name, role, word, upstream, lagBytes, version].join(' '),
  );

test('every state has its word', () => {
  expect(brief(HEALTHY)).toEqual([
    'pg1 primary running  0 17.11',
    'pg2 standby streaming pg1 0 17.11',
    'pg3 standby streaming pg1 0 17.11',
  ]);
  expect(brief(stateWith(stopped('pg1', false), mute('pg2', true), mute('pg3', false)))).toEqual([
    'pg1 primary stopped   17',
    'pg2 unknown starting   ',
    'pg3 unknown unreachable   ',
  ]);
  expect(brief(stateWith(empty('pg1'), foreign('pg2'), stopped('pg3', true)))).toEqual([
    'pg1 none empty   ',
    'pg2 none foreign   ',
    'pg3 standby stopped   17',
  ]);
  expect(brief(stateWith(unreachable('pg1'), detached('pg2')))).toEqual([
    'pg1 unknown unreachable   ',
    'pg2 standby not streaming pg1  17.11',
  ]);
});

test('lag is never negative, and unknown across systems', () => {
  const state = stateWith(
    attachedPrimary(),
    standby('pg2', { received: lsn('0/6000000'), replayed: lsn('0/6000000') }),
    standby('pg3', {}, { systemIdentifier: '99' }),
  );
  expect(nodeRows(CLUSTER, state).map((row) => row.lagBytes)).toEqual([0, 0, null]);
});

test('a standby that catches up, and one that only its upstream sees', () => {
  const senders = [
    walsender('pg2', { state: 'catchup', sync: 'potential' }),
    walsender('pg3', { flushed: lsn('0/4F00000'), replayed: lsn('0/4E00000'), sync: 'sync' }),
  ];
  const state = stateWith(attachedPrimary({ walsenders: senders }), standby('pg2'), unreachable('pg3'));
  const [, pg2, pg3] = nodeRows(CLUSTER, state);
  expect(pg2).toMatchObject({ state: 'catchup', sync: 'potential' });
  expect(pg3).toMatchObject({
    role: 'unknown',
    state: 'unreachable',
    upstream: 'pg1',
    receivedLsn: '0/4F00000',
    replayedLsn: '0/4E00000',
    lagBytes: 2 * MB,
    slot: 'pg3',
    sync: 'sync',
  });
});

test('slots that hold WAL', () => {
  const state = stateWith(
    attachedPrimary({ slots: [slot('x', { active: false, held: 5, walStatus: 'lost' })] }),
  );
  expect(nodeRows(CLUSTER, state)[0]?.slots).toEqual([
    { name: 'x', active: false, heldBytes: 5, walStatus: 'lost' },
  ]);
});
