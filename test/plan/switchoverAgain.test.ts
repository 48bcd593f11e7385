import { describe, expect, test } from 'vitest';
import type { NodeState } from '../../src/facts/state.ts';
import { detached, empty, lsn, primary, slot, unreachable, walsender } from '../report/fixtures.ts';
import {
  cloned,
  follower,
  major,
  pg1,
  pg2,
  pg3,
  place,
  planFor,
  SETTINGS,
  shutDown,
  silent,
  TO_PG1,
  TO_PG2,
  whole,
  whys,
} from './support/switchover.ts';

const PROMOTED = [
  'pg2: promote',
  'pg2: it takes writes',
  'pg2: nothing of the standby it was stays in its settings',
  'pg2: when its files were read last',
  'pg2: reload',
  'pg2: the files are read anew',
];

/** What a run that was killed leaves, and what the next one does. */
const INTERRUPTED: readonly (readonly [string, ReturnType<typeof whole>, readonly string[]])[] = [
  [
    'stopped, and the candidate has everything: on',
    whole(shutDown('pg1', '0/4FFFF88', true, TO_PG2)),
    [
      'pg2: a slot for pg1',
      'pg1: nobody started it meanwhile',
      ...PROMOTED,
      'pg1: start it as a standby',
      'pg1: it streams from pg2',
    ],
  ],
  [
    'stopped by hand: it becomes a standby first',
    whole(shutDown('pg1', '0/4FFFF88', false)),
    [
      'pg2: a slot for pg1',
      'pg1: the password, for the owner alone',
      'pg1: it follows 10.0.0.2:5432, and nothing of a past life',
      'pg1: it is a standby',
      'pg1: nobody started it meanwhile',
      ...PROMOTED,
      'pg1: start it as a standby',
      'pg1: it streams from pg2',
    ],
  ],
  [
    'stopped, and bytes are missing: back',
    whole(shutDown('pg1', '0/5000000', true, TO_PG2)),
    ['pg1: it is no standby at its next start', 'pg1: start the primary again'],
  ],
  [
    'stopped by hand, and bytes are missing: back',
    whole(shutDown('pg1', '0/6000000', false)),
    ['pg1: start the primary again'],
  ],
  [
    'it is stopping: first that',
    whole(silent('pg1', 'FATAL:  the database system is shutting down')),
    ['pg1: it has stopped'],
  ],
  [
    'it is starting as a standby: first that',
    whole(silent('pg1', 'FATAL:  the database system is starting up', { signals: ['standby.signal'] })),
    ['pg1: it answers'],
  ],
  [
    'of 11, the promotion is at its end, and has taken recovery.conf away: first that',
    whole(shutDown('pg1', '0/4FFFF88', true, TO_PG2), pg2({}, major(11))),
    ['pg2: pg2 takes writes'],
  ],
  [
    'it came back, and the promotion did not happen: on',
    whole(follower('pg1', { conninfo: TO_PG2, slot: 'pg1' }), pg2({ conninfo: TO_PG1, slot: 'pg2' })),
    [...PROMOTED],
  ],
];

test.each(INTERRUPTED)('no primary: %s', (_what, state, wanted) => {
  const plan = planFor(state);
  expect(plan.refusals).toEqual([]);
  expect(whys(plan)).toEqual(wanted);
  expect(plan.undo).toBeUndefined();
});

/** Without a primary, and nothing that an earlier switchover explains. */
const STUCK: readonly (readonly [string, ReturnType<typeof whole>, string, boolean])[] = [
  [
    'it cannot be looked at',
    whole(unreachable('pg1')),
    'pg2: no primary is seen that it could swap with; pg1 cannot be looked at',
    true,
  ],
  [
    'it does not answer, and may be a primary',
    whole(silent('pg1', 'FATAL:  the database system is starting up')),
    'pg2: no primary is seen that it could swap with; pg1 cannot be looked at',
    true,
  ],
  ['it is gone', whole(empty('pg1')), 'pg2: no primary is seen that it could swap with', false],
  [
    'it crashed',
    whole({
      ...shutDown('pg1', '0/5000000', false),
      control: { systemIdentifier: '7412', state: 'in production' },
    } as NodeState),
    'pg2: no primary is seen that it could swap with',
    false,
  ],
  [
    'the candidate has more than it had',
    whole(shutDown('pg1', '0/4000000', false)),
    'pg2: has 16777216 bytes of WAL more than pg1, which it followed, had when it was shut down',
    false,
  ],
  [
    'they follow each other, and another one has more',
    whole(
      follower('pg1', { conninfo: TO_PG2, slot: 'pg1', received: lsn('0/5000100') }),
      pg2({ conninfo: TO_PG1, slot: 'pg2' }),
    ),
    'pg2: no primary runs, and pg1 has 256 bytes of WAL more',
    false,
  ],
];

test.each(STUCK)('no primary, and it is refused: %s', (_what, state, said, isUnreachable) => {
  const plan = planFor(state);
  expect(plan.refusals.map(({ message }) => message)).toEqual([said]);
  expect([plan.steps, plan.unreachable ?? false]).toEqual([[], isUnreachable]);
});

function after(...others: readonly NodeState[]): ReturnType<typeof whole> {
  const below = { walsenders: [walsender('pg1'), walsender('pg3')], slots: [slot('pg1'), slot('pg3')] };
  const done = primary('pg2', { settings: SETTINGS, timeline: 2, ...below }, { place: place() });
  const named = new Map(others.map((each) => [each.node, each]));
  const rest = [
    follower('pg1', { conninfo: TO_PG2, slot: 'pg1' }),
    done,
    follower('pg3', { conninfo: TO_PG2, slot: 'pg3' }),
  ];
  return { nodes: rest.map((each) => named.get(each.node) ?? each) };
}

/** The node is the primary: what is left of an earlier run. */
const SETTLED: readonly [string, ReturnType<typeof whole>, readonly string[], string?][] = [
  ['nothing', after(), []],
  [
    'slots of before',
    after(
      follower(
        'pg1',
        { conninfo: TO_PG2 },
        {
          slots: [
            slot('pg2', { active: false }),
            slot('pg3', { active: false }),
            slot('mine', { active: false }),
          ],
        },
      ),
    ),
    ['pg1: drop the slots pg2 and pg3, which nobody uses here any more'],
  ],
  [
    'a standby that was to start',
    after(shutDown('pg1', '0/4FFFF88', true, TO_PG2)),
    ['pg1: start it as a standby', 'pg1: it streams from pg2'],
  ],
  [
    'a standby of somebody else that is stopped stays so',
    after(shutDown('pg3', '0/4FFFF88', true, TO_PG1)),
    [],
  ],
  [
    'a standby that is starting',
    after(silent('pg1', 'FATAL:  the database system is starting up', { signals: ['standby.signal'] })),
    ['pg1: it answers'],
  ],
  [
    'one that is stopping still, and is to be a standby: it is started when it has stopped',
    after({
      ...silent('pg1', 'FATAL:  the database system is shutting down'),
      place: place({
        signals: ['standby.signal'],
        files: {
          auto: {
            path: '/pg/data/postgresql.auto.conf',
            text: `primary_conninfo = '${TO_PG2}'\nprimary_slot_name = 'pg1'\n`,
          },
          included: [],
        },
      }),
    } as NodeState),
    ['pg1: it has stopped'],
  ],
  [
    'one that somebody stops: it is left alone',
    after(silent('pg3', 'FATAL:  the database system is shutting down')),
    [],
  ],
  [
    'a standby that streams from the old primary still: it was not moved, or was out of reach',
    {
      nodes: [
        follower(
          'pg1',
          { conninfo: TO_PG2, slot: 'pg1' },
          { walsenders: [walsender('pg3')], slots: [slot('pg3')] },
        ),
        primary(
          'pg2',
          { settings: SETTINGS, timeline: 2, walsenders: [walsender('pg1')], slots: [slot('pg1')] },
          { place: place() },
        ),
        // It is asked a moment after the primary, which writes on.
        follower('pg3', { conninfo: TO_PG1, slot: 'pg3', received: lsn('0/5000100') }),
      ],
    },
    [
      'pg2: a slot for pg3',
      'pg3: the password, for the owner alone',
      'pg3: it follows 10.0.0.2:5432',
      'pg3: when its files were read last',
      'pg3: reload',
      'pg3: the files are read anew',
      'pg3: it streams from pg2',
    ],
  ],
  [
    'a cascade that somebody made keeps its tree',
    {
      nodes: [
        detached('pg1', { place: cloned(), conninfo: 'host=10.0.0.3 port=5432', slot: 'pg1' }),
        primary(
          'pg2',
          { settings: SETTINGS, timeline: 2, walsenders: [walsender('pg3')] },
          { place: place() },
        ),
        follower('pg3', { conninfo: TO_PG2, slot: 'pg3' }, { walsenders: [walsender('pg1')] }),
      ],
    },
    [],
  ],
  [
    'a standby that leads there and is between two attempts to connect',
    {
      nodes: [
        follower('pg1', { conninfo: TO_PG2, slot: 'pg1' }),
        primary(
          'pg2',
          {
            settings: SETTINGS,
            timeline: 2,
            walsenders: [walsender('pg1')],
            slots: [slot('pg1'), slot('pg3', { active: false })],
          },
          { place: place() },
        ),
        detached('pg3', { place: cloned(), conninfo: TO_PG2, slot: 'pg3' }),
      ],
    },
    ['pg3: it streams from pg2'],
  ],
  [
    'a primary that was marked and never stopped',
    whole(pg1({}, { place: place({ signals: ['standby.signal'] }) })),
    ['pg1: it is no standby at its next start'],
    'pg1',
  ],
  [
    'and its sibling was moved',
    whole(
      pg1({ walsenders: [walsender('pg2')] }, { place: place({ signals: ['standby.signal'] }) }),
      pg2({}, { walsenders: [walsender('pg3')], slots: [slot('pg3')] }),
      pg3({ conninfo: TO_PG2 }),
    ),
    [
      'pg1: it is no standby at its next start',
      'pg3: the password, for the owner alone',
      'pg3: it follows 10.0.0.1:5432',
      'pg3: when its files were read last',
      'pg3: reload',
      'pg3: the files are read anew',
      'pg3: it streams from pg1',
    ],
    'pg1',
  ],
];

test.each(SETTLED)('it is the primary already: %s', (_what, state, wanted, to = 'pg2') => {
  const plan = planFor(state, { to });
  expect(plan.refusals).toEqual([]);
  expect(whys(plan)).toEqual(wanted);
});

test('what leads there already is not waited for as long as a switchover', () => {
  const [, state] = SETTLED.find(([what]) => what.startsWith('a standby that leads there')) ?? [];
  expect(state && planFor(state).steps).toMatchObject([{ do: 'expect', node: 'pg3', seconds: 20 }]);
});

describe('a primary that serves again after a switchover that was cut short', () => {
  const mine = pg2({ conninfo: TO_PG1, slot: 'pg2' });
  const marked = { place: place({ signals: ['standby.signal'] }) };

  test('its standby, which has not tried again yet, is waited for', () => {
    const plan = planFor(whole(pg1({ walsenders: [] }, marked), mine));
    expect(plan.refusals).toEqual([]);
    expect(whys(plan)).toEqual(['pg1: pg1 shows pg2 streaming']);
    expect(plan.steps[0]).toMatchObject({ do: 'expect', seconds: 20, goal: true });
  });

  test.each([
    ['one without a trace of a switchover', whole(pg1({ walsenders: [] }), mine)],
    ['a standby that leads elsewhere', whole(pg1({ walsenders: [] }, marked), pg2({ conninfo: TO_PG2 }))],
  ])('%s is refused at once', (_what, state) => {
    expect(planFor(state).refusals.map(({ message }) => message)).toEqual(['pg2: does not stream from pg1']);
  });
});
