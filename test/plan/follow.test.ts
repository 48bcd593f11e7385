import { describe, expect, test } from 'vitest';
import type { NodeState } from '../../src/facts/state.ts';
import { planFollow } from '../../src/plan/follow/follow.ts';
import type { FollowAsked } from '../../src/plan/follow/request.ts';
import { planAsShell } from '../../src/report/planShell.ts';
import {
  clusterOf,
  lsn,
  nodeOf,
  place,
  primary,
  slot,
  standby,
  stopped,
  walsender,
} from './support/servers.ts';

const [a, b, c] = [nodeOf('a'), nodeOf('b', 'a'), nodeOf('c', 'a')];
const cluster = clusterOf(a, b, c);

const fromA = { conninfo: 'host=10.0.0.a port=5432 user=replicator', slot: 'c' };
const fromB = { conninfo: 'host=10.0.0.b port=5432 user=replicator', slot: 'c' };
const streams = { status: 'streaming', receivedTimeline: 1 };

const ASKED: FollowAsked = {
  login: { problems: [], unreachable: false },
  wal: { history: { timeline: 1, ended: [] }, oldest: '0000000000000003', segmentBytes: 16777216 },
  history: { timeline: 1, ended: [] },
  caughtUp: true,
};

const PRIMARY = primary('a', {
  slots: [slot('b', { active: true }), slot('c', { active: true })],
  walsenders: [walsender('b'), walsender('c')],
});
const B = standby('b', {
  conninfo: 'host=10.0.0.a port=5432 user=replicator',
  slot: 'b',
  streaming: streams,
});
const C = standby('c', { ...fromA, streaming: streams });

function plan(nodes: readonly NodeState[], asked: Partial<FollowAsked> = {}, upstream = b, node = c) {
  return planFollow(
    cluster,
    { nodes },
    {
      node,
      upstream,
      host: `10.0.0.${upstream.name}`,
      role: 'replicator',
      seconds: 60,
      asked: { ...ASKED, ...asked },
    },
  );
}

const sentences = (nodes: readonly NodeState[], asked: Partial<FollowAsked> = {}, upstream = b, node = c) =>
  plan(nodes, asked, upstream, node).refusals.map(({ message }) => message);

test('a slot there, its connection, the proof, and the old slot goes', () => {
  const made = plan([PRIMARY, B, C]);
  expect(made.refusals).toEqual([]);
  expect(made.steps.map(({ node, why }) => `${node}: ${why}`)).toEqual([
    'b: a slot for c',
    'c: it follows 10.0.0.b:5432',
    'c: when its files were read last',
    'c: reload',
    'c: the files are read anew',
    'b: b shows c streaming',
    'a: c has let go of a',
    'a: drop the slot c, which nobody uses here any more',
  ]);
  expect(planAsShell(made, (_, argv) => argv)).toContain('drop the slot c');
});

test('before 13 it takes a restart', () => {
  const old = standby('c', { ...fromA, server: { version: 120022 as never } });
  expect(plan([PRIMARY, B, old]).steps.map(({ why }) => why)).toContain(
    'restart: before 13 the upstream is read at the start alone',
  );
});

test('what is there already is left alone', () => {
  const there = standby('b', {
    ...B,
    server: { slots: [slot('c', { active: true })], walsenders: [walsender('c')] },
  });
  const there_ = [primary('a', {}), there, standby('c', { ...fromB, streaming: streams })];
  expect(plan(there_)).toMatchObject({ refusals: [], steps: [] });
  const forgotten = [
    primary('a', { slots: [slot('c')] }),
    there,
    standby('c', { ...fromB, streaming: streams }),
  ];
  expect(plan(forgotten).steps.map(({ why }) => why)).toEqual([
    'drop the slot c, which nobody uses here any more',
  ]);
});

test('a slot that is lost is made anew', () => {
  const lost = standby('b', { ...B, server: { slots: [slot('c', { walStatus: 'lost' })] } });
  expect(
    plan([PRIMARY, lost, C])
      .steps.slice(0, 2)
      .map(({ why }) => why),
  ).toEqual(['drop the slot c, which is lost', 'a slot for c']);
});

test('a last record that is not whole does not count, where all else is replayed', () => {
  const torn = standby('c', { ...fromA, received: lsn('0/5002000'), replayed: lsn('0/5000000') });
  const wal = { ...ASKED.wal, history: { timeline: 2, ended: [{ timeline: 1, end: lsn('0/5000000') }] } };
  expect(sentences([PRIMARY, B, torn], { wal: wal as FollowAsked['wal'] })).toEqual([]);
  expect(sentences([PRIMARY, B, torn], { wal: wal as FollowAsked['wal'], caughtUp: false })).toEqual([
    'c: has WAL of timeline 1 up to 0/5002000, and b left timeline 1 at 0/5000000: it is ahead',
  ]);
});

describe('every gate refuses, with a sentence of its own', () => {
  const unreachable: NodeState = { node: 'b', is: 'unreachable', because: 'b: ssh: no route to host' };
  const mute: NodeState = {
    node: 'b',
    is: 'mute',
    machine: B.machine,
    place: B.place,
    because: 'the database system is starting up',
    starting: true,
  };
  const cascade = standby('b', { ...B, conninfo: 'host=10.0.0.c port=5432', slot: 'b' });
  const cases: readonly [string, readonly NodeState[], Partial<FollowAsked>, RegExp][] = [
    ['no standby', [PRIMARY, B, primary('c')], {}, /^c: is no standby: it takes writes$/],
    ['stopped', [PRIMARY, B, stopped('c')], {}, /^c: does not run$/],
    [
      'empty',
      [PRIMARY, B, { node: 'c', is: 'empty', machine: C.machine, place: C.place }],
      {},
      /^c: \/pg\/c is no data/,
    ],
    ['upstream away', [PRIMARY, unreachable, C], {}, /^b: ssh: no route to host$/],
    ['upstream mute', [PRIMARY, mute, C], {}, /^b: a server runs and does not answer: /],
    ['upstream stopped', [PRIMARY, stopped('b'), C], {}, /^b: no server runs there$/],
    [
      'another cluster',
      [PRIMARY, standby('b', { server: { systemIdentifier: '1' } }), C],
      {},
      /^c: is of the cluster \d+, and b is of 1$/,
    ],
    [
      'a circle',
      [primary('a'), cascade, standby('c', { ...C, server: { walsenders: [walsender('b')] } })],
      {},
      /^b: streams from c: they would wait/,
    ],
    [
      'ahead',
      [PRIMARY, B, C],
      {
        wal: {
          history: { timeline: 2, ended: [{ timeline: 1, end: lsn('0/4FFFFF8') }] },
          segmentBytes: 16777216,
        },
      },
      /^c: has WAL of timeline 1 up to 0\/5000000, and b left timeline 1 at 0\/4FFFFF8: it is ahead$/,
    ],
    [
      'an older branch',
      [PRIMARY, B, C],
      { history: { timeline: 2, ended: [{ timeline: 1, end: lsn('0/4000000') }] } },
      /left timeline 1 at 0\/4000000: it is ahead$/,
    ],
    [
      'no timeline in common',
      [PRIMARY, B, C],
      { history: { timeline: 9, ended: [] } },
      /^c: has no timeline in common with b$/,
    ],
    [
      'behind for ever',
      [PRIMARY, standby('b', { replayed: lsn('0/4000000'), received: lsn('0/4000000') }), C],
      {},
      /^c: has WAL up to 0\/5000000, and b up to 0\/4000000 and gets no more: it is ahead$/,
    ],
    [
      'WAL gone',
      [PRIMARY, B, C],
      { wal: { history: { timeline: 1, ended: [] }, oldest: '0000000000000006', segmentBytes: 16777216 } },
      /^c: needs WAL from 0\/5000000 on, and b has it no longer$/,
    ],
    [
      'no history',
      [PRIMARY, B, C],
      { wal: { said: 'permission denied' } },
      /^b: does not tell its history: permission denied$/,
    ],
    [
      'a floor',
      [PRIMARY, standby('b', { ...B, server: { set: { max_connections: '300' } } }), C],
      {},
      /^c: max_connections is 100, and b has 300: a standby may not have less$/,
    ],
    [
      'slots taken',
      [
        PRIMARY,
        standby('b', { ...B, server: { slots: [slot('x')], set: { max_replication_slots: '1' } } }),
        C,
      ],
      {},
      /^b: all 1 replication slots are taken$/,
    ],
    [
      'walsenders taken',
      [
        PRIMARY,
        standby('b', { ...B, server: { walsenders: [walsender('x')], set: { max_wal_senders: '1' } } }),
        C,
      ],
      {},
      /^b: all 1 walsenders are taken$/,
    ],
    [
      'slot in use',
      [
        PRIMARY,
        standby('b', {
          ...B,
          server: { slots: [slot('c', { active: true })], walsenders: [walsender('x', { slot: 'c' })] },
        }),
        C,
      ],
      {},
      /^b: the slot c is in use by x$/,
    ],
    [
      'logical slot',
      [PRIMARY, standby('b', { ...B, server: { slots: [slot('c', { type: 'logical' })] } }), C],
      {},
      /^b: c is there as a logical slot/,
    ],
    [
      'login',
      [PRIMARY, B, C],
      { login: { problems: [{ message: 'c: b does not let replicator in' }], unreachable: false } },
      /^c: b does not let/,
    ],
  ];
  test.each(cases)('%s', (_, nodes, asked, said) => {
    const made = plan(nodes, asked);
    expect(made.steps).toEqual([]);
    expect(made.refusals.map(({ message }) => message)).toEqual([expect.stringMatching(said)]);
  });

  test('itself', () => {
    expect(sentences([PRIMARY, B, C], {}, c)).toEqual(['c: cannot follow itself']);
  });

  test('an archive helps where WAL is gone', () => {
    const archived = standby('c', {
      ...C,
      place: place('c'),
      server: { set: { restore_command: 'cp /archive/%f %p' } },
    });
    const wal = { history: { timeline: 1, ended: [] }, oldest: '0000000000000006', segmentBytes: 16777216 };
    expect(sentences([PRIMARY, B, archived], { wal })).toEqual([]);
  });

  test('who cannot be reached is another end than who is not fit', () => {
    expect(plan([PRIMARY, unreachable, C]).unreachable).toBe(true);
    expect(plan([PRIMARY, unreachable, stopped('c')]).unreachable).toBe(false);
  });
});
