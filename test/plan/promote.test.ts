import { describe, expect, test } from 'vitest';
import type { ServerVersion } from '../../src/cluster/version.ts';
import type { NodeState } from '../../src/facts/state.ts';
import { planPromote } from '../../src/plan/promote/promote.ts';
import type { PromoteRequest } from '../../src/plan/promote/promoteGates.ts';
import {
  clusterOf,
  lsn,
  machine,
  nodeOf,
  place,
  primary,
  standby,
  stopped,
  walsender,
} from './support/servers.ts';
import { told } from './support/told.ts';

const [a, b, c, d] = [nodeOf('a'), nodeOf('b', 'a'), nodeOf('c', 'a'), nodeOf('d', 'c')];
const cluster = clusterOf(a, b, c, d);

const linkTo = (upstream: string) => `host=10.0.0.${upstream} port=5432 user=replicator`;
const B = standby('b', { conninfo: linkTo('a'), slot: 'b' });
const C = standby('c', { conninfo: linkTo('a'), slot: 'c' });
const D = standby('d', { conninfo: linkTo('c'), slot: 'd' });
const DOWN = stopped('a');
const silent = (name: string): NodeState => ({ node: name, is: 'unreachable', because: `${name}: no route` });
const mute = (name: string, signals: readonly string[] = []): NodeState => ({
  node: name,
  is: 'mute',
  machine: machine(),
  place: place(name, { signals }),
  because: 'too many clients',
  starting: false,
});
const bare = (is: 'empty' | 'foreign'): NodeState =>
  ({ node: 'b', is, machine: machine(), place: place('b'), found: ['x'] }) as NodeState;

function plan(nodes: readonly NodeState[], more: Partial<PromoteRequest> = {}, version?: number) {
  const as = (found: NodeState): NodeState =>
    version === undefined || !('server' in found)
      ? found
      : { ...found, server: { ...found.server, version: version as ServerVersion } };
  return planPromote(
    cluster,
    { nodes: nodes.map(as) },
    {
      node: b,
      primaryIsDead: false,
      acceptLoss: 0,
      allowDelayed: false,
      role: 'replicator',
      addressOf: ({ address = '' }) => address,
      seconds: 60,
      ...more,
    },
  );
}

const PROMOTION = ['b: promote', 'b: it takes writes'];
const CHECKPOINT = 'b: a checkpoint, for rejoining';
const moves = (name: string) => [
  `b: a slot for ${name}`,
  `${name}: it follows 10.0.0.b:5432`,
  `${name}: when its files were read last`,
  `${name}: reload`,
  `${name}: the files are read anew`,
  `${name}: it streams from b`,
];

describe('the node itself', () => {
  test.each<[string, readonly NodeState[], Partial<PromoteRequest>, readonly string[]]>([
    ['nobody looked', [], {}, ['! b: was not looked at']],
    ['it cannot be seen', [silent('b')], {}, ['! b: no route']],
    ['it is silent', [mute('b')], {}, ['! b: a server runs and does not answer: too many clients']],
    ['it has no data', [bare('empty')], {}, ['x b: /pg/b is no data directory']],
    ['it has other data', [bare('foreign')], {}, ['x b: /pg/b is no data directory']],
    ['it is stopped', [stopped('b', { standby: true })], {}, ['x b: does not run']],
    ['it is a stopped primary', [stopped('b')], {}, ['x b: does not run, and is no standby']],
    [
      'its disk is full',
      [{ ...B, place: place('b', { freeBytes: 31 * 1024 ** 2 }) } as NodeState, DOWN],
      {},
      ['x b: its disk is full: 31 MB are free at /pg/b'],
    ],
    [
      'the disk of its WAL is full',
      [{ ...B, place: place('b', { walLink: '/wal', walFreeBytes: 0 }) } as NodeState, DOWN],
      {},
      ['x b: its disk is full: 0 MB are free at /wal'],
    ],
    ['it is the primary', [primary('b'), DOWN], {}, []],
    [
      'it is one, and so is another, older one',
      [primary('b', { timeline: 2 }), primary('a')],
      {},
      ['x b: takes writes on timeline 2, and so does a on timeline 1'],
    ],
    [
      'the same, and that is fenced',
      [primary('b', { timeline: 2 }), primary('a')],
      { primaryIsDead: true },
      [],
    ],
    [
      'another was promoted later',
      [primary('b'), primary('a', { timeline: 2 })],
      { primaryIsDead: true },
      ['x b: takes writes on timeline 1, and so does a on timeline 2'],
    ],
    ['it is one, and the others do not follow yet', [primary('b', { timeline: 2 }), DOWN, C], {}, moves('c')],
    ['its replay is paused', [{ ...B, paused: true }, DOWN], {}, ['x b: its replay is paused']],
    [
      'it is late',
      [{ ...B, delayMs: 3600_000 }, DOWN],
      {},
      ['x b: it replays 3600 s late (recovery_min_apply_delay)'],
    ],
    [
      'both, and that is wanted',
      [{ ...B, paused: true, delayMs: 1 }, DOWN],
      { allowDelayed: true },
      ['b: go on replaying', ...PROMOTION, CHECKPOINT],
    ],
  ])('%s', (_, nodes, more, wanted) => {
    expect(told(plan(nodes, more))).toEqual(wanted);
  });
});

describe('the old primary', () => {
  const FENCED = { primaryIsDead: true };
  const outside = (is: 'primary' | 'standby' | 'alive' | 'not listening' | 'unknown') => ({
    outside: { name: 'x:5432', is, said: 'timeout' },
  });
  const DONE = [...PROMOTION, CHECKPOINT];

  test.each<[string, readonly NodeState[], Partial<PromoteRequest>, readonly string[]]>([
    ['is seen stopped', [B, DOWN], {}, DONE],
    ['takes writes', [B, primary('a')], {}, ['x a: is the primary and takes writes']],
    [
      'takes writes, and is said to be fenced',
      [B, primary('a')],
      FENCED,
      ['? promote b though a was seen to take writes just now: two primaries, unless it is fenced', ...DONE],
    ],
    ['is of another cluster', [B, primary('a', { systemIdentifier: '1' })], {}, DONE],
    ['cannot be seen', [B, silent('a')], {}, ['! a: no route: whether it takes writes is not known']],
    ['cannot be seen, and is fenced', [B, silent('a')], FENCED, DONE],
    [
      'is silent',
      [B, mute('a')],
      {},
      ['x a: a server runs there and does not answer (too many clients): it may take writes'],
    ],
    [
      'answers that it lets nobody in, and is fenced',
      [B, { ...mute('a'), serves: true } as NodeState],
      FENCED,
      [
        '? promote b though a server answers at a (too many clients): two primaries, unless it is fenced',
        ...DONE,
      ],
    ],
    [
      'is a standby that lets nobody in',
      [B, DOWN, { ...mute('c', ['standby.signal']), serves: true } as NodeState],
      FENCED,
      DONE,
    ],
    ['is seen stopped, and a standby cannot be seen', [B, DOWN, silent('c')], {}, DONE],
    [
      'cannot be seen, nor a standby',
      [B, silent('a'), silent('c')],
      {},
      [
        '! a: no route: whether it takes writes is not known',
        '! c: no route: whether it takes writes is not known',
      ],
    ],
    ['is seen stopped, and a standby is silent', [B, DOWN, mute('c', ['standby.signal'])], {}, DONE],
    [
      'is elsewhere, and takes writes',
      [B],
      outside('primary'),
      ['x x:5432: is the primary and takes writes'],
    ],
    [
      'is elsewhere, behind a standby',
      [B],
      outside('standby'),
      ['x x:5432: is a standby itself, and whether its primary takes writes is not known'],
    ],
    [
      'is elsewhere, and something answers',
      [B],
      outside('alive'),
      ['x x:5432: a server answers there (timeout): it may take writes'],
    ],
    ['is elsewhere, and nobody listens', [B], outside('not listening'), DONE],
    [
      'is elsewhere, and cannot be reached',
      [B],
      outside('unknown'),
      ['! x:5432: cannot be reached (timeout): whether it takes writes is not known'],
    ],
    [
      'cannot be seen, and the standby is late: that is refused, not unreachable',
      [{ ...B, delayMs: 1000 }, silent('a')],
      {},
      [
        'x a: no route: whether it takes writes is not known',
        'x b: it replays 1 s late (recovery_min_apply_delay)',
      ],
    ],
  ])('%s', (_, nodes, more, wanted) => {
    expect(told(plan(nodes, more))).toEqual(wanted);
  });
});

describe('the other standbys', () => {
  const ahead = { ...C, received: lsn('0/5000100') };

  test.each<[string, readonly NodeState[], Partial<PromoteRequest>, readonly string[]]>([
    ['follow', [B, DOWN, C], {}, [...PROMOTION, ...moves('c'), CHECKPOINT]],
    ['follow, and a cascade keeps its tree', [B, DOWN, C, D], {}, [...PROMOTION, ...moves('c'), CHECKPOINT]],
    [
      'follow, where what they followed is gone',
      [B, DOWN, D, silent('c')],
      {},
      [...PROMOTION, ...moves('d'), CHECKPOINT],
    ],
    ['one has more', [B, DOWN, ahead], {}, ['x b: c has 256 bytes of WAL more']],
    [
      'one has more, and too little loss is accepted',
      [B, DOWN, ahead],
      { acceptLoss: 255 },
      ['x b: c has 256 bytes of WAL more'],
    ],
    [
      'one has more, and that is accepted: it cannot follow',
      [B, DOWN, ahead],
      { acceptLoss: 256 },
      [...PROMOTION, CHECKPOINT],
    ],
    [
      'one of another cluster has more',
      [B, DOWN, { ...ahead, server: { ...ahead.server, systemIdentifier: '1' } }],
      {},
      [...PROMOTION, CHECKPOINT],
    ],
    [
      'one streams from it already',
      [
        { ...B, server: { ...B.server, walsenders: [walsender('c')] } },
        DOWN,
        { ...C, conninfo: linkTo('b') },
      ],
      {},
      [...PROMOTION, CHECKPOINT],
    ],
  ])('%s', (_, nodes, more, wanted) => {
    expect(told(plan(nodes, more))).toEqual(wanted);
  });

  test.each([
    ['of 11, its recovery.conf leads here and nobody saw it come', 110022, [], /^c: restart/],
    ['of 11, it streams', 110022, [walsender('c')], undefined],
    ['of 12, the server says whom it follows', 120022, [], undefined],
  ] as const)('when it is the primary already: %s', (_, version, walsenders, wanted) => {
    const steps = told(
      plan([primary('b', { walsenders }), DOWN, { ...C, conninfo: linkTo('b') }], {}, version),
    );
    if (wanted === undefined) expect(steps).toEqual([]);
    else expect(steps).toContainEqual(expect.stringMatching(wanted));
  });

  test('what is lost is said', () => {
    expect(plan([B, DOWN, ahead], { acceptLoss: 256 }).notes).toEqual([
      'b: c has 256 bytes of WAL more: that is lost',
    ]);
  });
});

describe('how it is promoted, and cleaned', () => {
  const first = (found: NodeState, version?: number) => {
    const step = plan([found, DOWN], {}, version).steps[0];
    return step?.do === 'write'
      ? `write ${step.path}`
      : step?.do === 'run'
        ? step.argv.join(' ') + String(step.stdin ?? '')
        : '';
  };
  const withTrigger = (trigger: string): NodeState => ({
    ...B,
    server: {
      ...B.server,
      settings: {
        promote_trigger_file: { value: trigger, unit: '', context: '', source: '', pendingRestart: false },
      },
    },
  });

  test.each([
    ['by SQL', B, undefined, 'pg_promote(false)'],
    ['by pg_ctl up to 11', B, 110022, 'pg_ctl -D /pg/b -W -s promote'],
    [
      'by pg_ctl without a superuser',
      { ...B, server: { ...B.server, superuser: false } },
      undefined,
      '-W -s promote',
    ],
    ['by its file', withTrigger('go'), undefined, 'write /pg/b/go'],
    ['by its file elsewhere', withTrigger('/run/go'), undefined, 'write /run/go'],
    [
      'by the file of recovery.conf',
      {
        ...B,
        place: place('b', {
          files: {
            recovery: { path: '/pg/b/recovery.conf', text: "trigger_file = '/run/old'\n" },
            included: [],
          },
        }),
      },
      110022,
      'write /run/old',
    ],
  ])('%s', (_, found, version, wanted) => {
    expect(first(found, version)).toContain(wanted);
  });

  test('what it was told as a standby goes', () => {
    const auto = {
      path: '/pg/b/postgresql.auto.conf',
      text: "primary_conninfo = 'host=a'\nwork_mem = '1MB'\n",
    };
    const found = { ...B, place: place('b', { files: { auto, included: [] } }) };
    expect(told(plan([found, DOWN]))).toEqual([
      ...PROMOTION,
      'b: nothing of the standby it was stays in its settings',
      'b: when its files were read last',
      'b: reload',
      'b: the files are read anew',
      CHECKPOINT,
    ]);
  });
});
