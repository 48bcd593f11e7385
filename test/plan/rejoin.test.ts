import { describe, expect, test } from 'vitest';
import type { ServerVersion } from '../../src/cluster/version.ts';
import type { NodeState } from '../../src/facts/state.ts';
import { planRejoin } from '../../src/plan/rejoin/rejoin.ts';
import type { RejoinAsked } from '../../src/plan/rejoin/request.ts';
import type { Wal } from '../../src/plan/attach.ts';
import type { Source } from '../../src/plan/source.ts';
import { planAsShell } from '../../src/report/planShell.ts';
import {
  clusterOf,
  lsn,
  machine,
  nodeOf,
  place,
  primary,
  slot,
  standby,
  stopped,
  SYSTEM,
  walsender,
} from './support/servers.ts';

const [a, b, c] = [nodeOf('a'), nodeOf('b', 'a'), nodeOf('c', 'a')];
const cluster = clusterOf(a, b, c);

const SOURCE: Source = {
  name: 'b',
  version: 150018 as ServerVersion,
  systemIdentifier: SYSTEM,
  timeline: 2,
  position: lsn('0/5000000'),
  isStandby: false,
  walLevel: 'replica',
  floors: {},
};

const FORK = lsn('0/4000100');
const FIRST = { timeline: 1, ended: [] };
const SECOND = { timeline: 2, ended: [{ timeline: 1, end: FORK }] };
const WAL = { history: SECOND, oldest: '0000000000000003', segmentBytes: 16777216 };
const ASKED: RejoinAsked = {
  source: SOURCE,
  wal: WAL,
  past: { history: FIRST, busy: false },
  caughtUp: true,
};

const B = primary('b', { timeline: 2 });
const C = standby('c', { conninfo: 'host=10.0.0.b port=5432 user=replicator', slot: 'c' });
/** Its shutdown checkpoint is before the fork, or behind it. */
const CLEAN = stopped('a', { control: { checkpoint: lsn('0/4000028') } });
const AHEAD = stopped('a', { control: { checkpoint: lsn('0/4000200'), redo: lsn('0/4000200') } });
const CRASHED = stopped('a', { control: { state: 'in production', redo: lsn('0/3000028') } });

type More = Partial<RejoinAsked> & { allowReclone?: boolean };

function plan(found: NodeState, more: More = {}, others: readonly NodeState[] = [B, C]) {
  const { allowReclone = false, ...asked } = more;
  return planRejoin(
    cluster,
    { nodes: [found, ...others] },
    {
      node: a,
      allowReclone,
      role: 'replicator',
      addressOf: ({ address }) => address ?? '',
      stamp: '20261130T101500',
      seconds: 60,
      asked: { ...ASKED, ...asked },
    },
  );
}

const whys = (found: NodeState, more: More = {}) =>
  plan(found, more).steps.map(({ node, why }) => `${node}: ${why}`);

const past = (more: Partial<RejoinAsked['past']>): More => ({ past: { ...ASKED.past, ...more } });

const STARTED = [
  'b: a slot for a',
  'a: it follows 10.0.0.b:5432, and nothing of a past life',
  'a: it is a standby',
  'a: start it as a standby',
  'b: b shows a streaming',
];
const AFTER = [
  'a: its own files again, and a standby it is',
  'a: it follows 10.0.0.b:5432, and nothing of a past life',
  'a: it is rewound',
  'a: start it as a standby',
  'b: b shows a streaming',
];
const KEPT = ['a: keep what will be lost, and what is its own', 'a: rewind it to b', ...AFTER];
const CHECKPOINT = 'b: a checkpoint, so that its timeline can be seen';
const RECOVERED = 'a: it crashed: recover it, alone';

describe('the first rung that will do', () => {
  test('nothing, where it streams already, by whatever standbys are between', () => {
    const home = standby('a', { streaming: { status: 'streaming', receivedTimeline: 2 } });
    const direct = primary('b', { timeline: 2, walsenders: [walsender('a')] });
    expect(plan(home, {}, [direct, C])).toMatchObject({ refusals: [], steps: [] });
    const byC = [
      primary('b', { timeline: 2, walsenders: [walsender('c')] }),
      standby('c', { server: { walsenders: [walsender('a')] } }),
    ];
    expect(plan(home, {}, byC)).toMatchObject({ refusals: [], steps: [] });
  });

  test.each([
    ['stopped cleanly before the fork', CLEAN, {}],
    ['crashed before the fork', CRASHED, past({ record: lsn('0/40000C8') })],
    [
      'a standby that was stopped',
      stopped('a', { standby: true, control: { state: 'shut down in recovery' } }),
      past({ record: lsn('0/40000C8') }),
    ],
    [
      'rewound already and not started',
      stopped('a', { standby: true, control: { state: 'in archive recovery', timeline: 2 } }),
      past({ history: SECOND }),
    ],
  ])('a start: %s', (_, found, more) => {
    expect(whys(found, more)).toEqual(STARTED);
    expect(plan(found, more).undo).toBeUndefined();
  });

  test('another connection, for a standby that runs', () => {
    const lost = standby('a', { replayed: FORK, received: FORK });
    expect(whys(lost)).toEqual([
      'b: a slot for a',
      'a: it follows 10.0.0.b:5432',
      'a: when its files were read last',
      'a: reload',
      'a: the files are read anew',
      'b: b shows a streaming',
    ]);
  });

  test.each([
    ['stopped cleanly behind the fork', AHEAD, {}, KEPT],
    ['crashed behind the fork', CRASHED, past({ record: lsn('0/4000100') }), [RECOVERED, ...KEPT]],
    ['crashed nobody knows where', CRASHED, {}, [RECOVERED, ...KEPT]],
    [
      'a standby ahead',
      standby('a', { received: lsn('0/4000200'), replayed: lsn('0/4000200') }),
      {},
      ['a: stop it', ...KEPT],
    ],
    ['a second primary', primary('a'), {}, ['a: it cannot come back as a primary', 'a: stop it', ...KEPT]],
    [
      'promoted itself under the same number',
      AHEAD,
      past({ history: { timeline: 2, ended: [{ timeline: 1, end: lsn('0/4000180') }] } }),
      KEPT,
    ],
  ])('a rewind: %s', (_, found, more, steps) => {
    const made = plan(found, more);
    expect(made.refusals).toEqual([]);
    expect(made.steps.map(({ node, why }) => `${node}: ${why}`)).toEqual([
      'b: a slot for a',
      CHECKPOINT,
      ...steps,
    ]);
    expect(made.notes?.join('\n')).toContain('a: lost: WAL of timeline 1 from 0/4000100');
    expect(made.notes?.join('\n')).toContain('/pg/a.pgrepl-lost-1-20261130T101500');
  });

  test('why each rung was skipped', () => {
    expect(plan(AHEAD).notes).toEqual([
      'a: does not run (shut down)',
      'a: cannot stream as it is: it has WAL past 0/4000100, where b left timeline 1',
      'a: lost: WAL of timeline 1 from 0/4000100 to 0/4000200 (256 bytes); its segments are kept in /pg/a.pgrepl-lost-1-20261130T101500',
    ]);
  });

  test('a new copy, only where it is allowed', () => {
    const found = stopped('a', { control: { checkpoint: lsn('0/4000200'), checksums: false } });
    const refused = plan(found);
    expect(refused.steps).toEqual([]);
    expect(refused.refusals.at(-1)).toEqual({
      message: 'a: only a new copy of b is left',
      hint: 'pgrepl rejoin a --allow-reclone copies it anew and keeps the old directory',
    });
    const copied = plan(found, { allowReclone: true });
    expect(copied.refusals).toEqual([]);
    expect(copied.confirm).toEqual([
      'copy b anew and move /pg/a of a aside to /pg/a.pgrepl-old-20261130T101500',
    ]);
    expect(copied.notes).toContainEqual(expect.stringContaining('neither data checksums nor wal_log_hints'));
    expect(plan(AHEAD, { allowReclone: true }).steps.map(({ why }) => why)).toContain('rewind it to b');
  });

  test('who is the root of the file follows who is the primary now', () => {
    expect(plan(CLEAN).title).toBe('make a a standby of b again');
  });
});

describe('the rewind', () => {
  const rewinding = (found: NodeState, more: More = {}): string =>
    planAsShell({ ...plan(found, more), undo: [], pointOfNoReturn: 0 }, (_, argv) => argv);

  test('can be undone until pg_rewind has written', () => {
    const made = plan(AHEAD);
    expect(made.pointOfNoReturn).toBe(4);
    expect(made.undo?.map(({ why }) => why)).toEqual([
      'nothing was rewound: its files as before',
      'drop the slot a again',
    ]);
    expect(plan(primary('a')).undo).toBeUndefined();
  });

  test('a second primary is stopped only when somebody says yes', () => {
    expect(plan(primary('a', {}, '0/4100000')).confirm).toEqual([
      'stop a and discard what it alone has: WAL of timeline 1 from 0/4000100 to 0/4100000 (1048320 bytes)',
    ]);
  });

  test('keeps the segments from the last checkpoint before the fork on', () => {
    const named = (...numbers: readonly number[]) =>
      numbers.map((number) => `00000001000000000000000${number}`).join(' ');
    const crashed = rewinding(CRASHED, past({ record: lsn('0/6000028') }));
    expect(crashed).toMatch(
      new RegExp(
        ` 00000001 0000000000000007 0/4000100 '' \\S*pg_waldump ${named(4, 3)} '1 0/4000100 0/6000028' <`,
        'm',
      ),
    );
    const clean = stopped('a', { control: { checkpoint: lsn('0/8000028') } });
    expect(rewinding(clean)).toMatch(
      new RegExp(
        ` 00000001 0000000000000008 0/4000100 '' \\S*pg_waldump ${named(4, 0)} '1 0/4000100 0/8000028' <`,
        'm',
      ),
    );
  });

  test('needs no room for WAL that a second link keeps', () => {
    const there = { ...AHEAD, place: place('a', { freeBytes: 64 * 1024 * 1024 }) };
    const wal = { ...WAL, segments: [['000000020000000000000004', '000000020000000000000006']] as const };
    expect(whys(there, { wal })).toContain('a: rewind it to b');
  });

  test('asks an archive, and names a configuration elsewhere', () => {
    const restores = {
      auto: { path: '/pg/a/postgresql.auto.conf', text: "restore_command = 'cp /a/%f %p'\n" },
    };
    const files = { included: [], conf: { path: '/etc/a/postgresql.conf', text: '' }, ...restores };
    const debian = stopped('a', { place: place('a', { files }), control: { checkpoint: lsn('0/4000200') } });
    expect(rewinding(debian)).toContain('--restore-target-wal --config-file=/etc/a/postgresql.conf');
    const old = { ...debian, version: 140000 as ServerVersion };
    expect(rewinding(old)).not.toMatch(/--restore-target-wal|--config-file/);
    expect(rewinding({ ...debian, version: 120000 as ServerVersion, place: place('a') })).not.toContain(
      '--restore-target-wal',
    );
  });

  describe('of a server that has its own WAL no longer', () => {
    const short = past({ oldest: '0000000000000005', record: lsn('0/6000028') });
    const SAID =
      'a: pg_rewind needs WAL of it from before 0/4000100 on, where b left timeline 1, and it has that no longer';
    const COPY = 'pgrepl clone-standby a --from b --replace copies it anew and keeps the old directory.';

    test.each([
      [
        150000,
        place('a'),
        `Set restore_command on a if an archive has it, then run this again; else ${COPY}`,
      ],
      [120000, place('a'), COPY],
    ])('is refused before anything is done, %i', (version, at, hint) => {
      const found = stopped('a', { ...CRASHED, version: version as ServerVersion, place: at });
      expect(plan(found, short).refusals).toContainEqual({ message: SAID, hint });
      const there = past({ oldest: '0000000000000004', record: lsn('0/6000028') });
      expect(plan(found, there).refusals.map(({ message }) => message)).not.toContain(SAID);
      const copied = plan(found, { ...short, allowReclone: true });
      expect(copied.refusals).toEqual([]);
      expect(copied.steps.map(({ why }) => why)).toContain('copy b');
    });

    test('is left to pg_rewind where there is a restore_command, and its failure names that', () => {
      const auto = { path: '/pg/a/postgresql.auto.conf', text: "restore_command = 'cp /a/%f %p'\n" };
      const found = stopped('a', { ...CRASHED, place: place('a', { files: { included: [], auto } }) });
      const step = plan(found, short).steps.find(({ why }) => why === 'rewind it to b');
      const hints = step?.do === 'run' ? step.hints : undefined;
      expect(hints?.[0]).toEqual([
        'could not find previous WAL record',
        `The restore_command of a (/pg/a/postgresql.auto.conf line 1) does not fetch it; mend that, then run this again; else ${COPY}`,
      ]);
    });
  });

  test('goes by the socket where the role may not read, and both are on one host', () => {
    expect(rewinding(AHEAD, { rewinder: 'may not execute pg_ls_dir' })).toMatch(
      /--source-server=host=\/tmp port=5432 user=postgres/,
    );
  });

  const KEPT_PAST = { history: FIRST, from: FORK, last: lsn('0/4000200'), conninfo: '', source: 'b' };
  const cut = (more: Partial<RejoinAsked['past']>): More => past({ kept: KEPT_PAST, ...more });
  const AGAIN = 'a: its WAL and pg_control as they were before the rewind that was cut short';
  const rewoundTo = (minRecoveryEnd: string) =>
    stopped('a', {
      control: {
        ...{ state: 'in archive recovery', timeline: 2, minRecoveryTimeline: 2 },
        minRecoveryEnd: lsn(minRecoveryEnd),
      },
    });

  test('that was begun is done again', () => {
    expect(whys(AHEAD, cut({ rewinding: 'begun' }))).toEqual([
      'b: a slot for a',
      CHECKPOINT,
      AGAIN,
      'a: rewind it to b',
      ...AFTER,
    ]);
  });

  test('that was done goes on after it', () => {
    const rewound = rewoundTo('0/4800000');
    const steps = ['b: a slot for a', ...AFTER];
    expect(whys(rewound, cut({ rewinding: 'done', history: SECOND }))).toEqual(steps);
    expect(whys(rewound, cut({ rewinding: 'begun', sameBoot: true, history: SECOND }))).toEqual(steps);
    expect(plan(rewound, cut({ rewinding: 'done', history: SECOND })).notes).toContainEqual(
      'a: lost: WAL of timeline 1 from 0/4000100 to 0/4000200 (256 bytes); its segments are kept in /pg/a.pgrepl-lost-1-20261130T101500',
    );
  });

  test('that was done goes on with what people put into its connection', () => {
    const kept = { ...KEPT_PAST, conninfo: 'host=old user=replicator sslmode=verify-full' };
    const script = rewinding(rewoundTo('0/4800000'), cut({ rewinding: 'done', history: SECOND, kept }));
    expect(script).toMatch(/primary_conninfo = .*host=10\.0\.0\.b .*sslmode=verify-full/);
  });

  test('that was done, and the machine went down before a sync, is done again', () => {
    const steps = whys(rewoundTo('0/4800000'), cut({ rewinding: 'begun', history: SECOND }));
    expect(steps).toContain(AGAIN);
    expect(steps).toContain('a: rewind it to b');
  });

  test('that found nothing to do goes on after it, though nothing is beyond the fork any more', () => {
    const none = cut({ rewinding: 'done', history: FIRST });
    const control = { state: 'shut down in recovery', timeline: 1, minRecoveryEnd: FORK };
    expect(whys(stopped('a', { control }), none)).toEqual(['b: a slot for a', ...AFTER]);
  });

  describe('that was done before another failover', () => {
    const third = (at: string): Wal => ({
      ...WAL,
      history: { timeline: 3, ended: [...SECOND.ended, { timeline: 2, end: lsn(at) }] },
    });

    test('goes on after it, where the new primary has all that was copied', () => {
      const steps = whys(rewoundTo('0/4800000'), {
        ...cut({ rewinding: 'done', history: SECOND }),
        wal: third('0/4800000'),
      });
      expect(steps).toEqual(['b: a slot for a', ...AFTER]);
    });

    test('is done again, where it has not, and says why', () => {
      const made = plan(rewoundTo('0/4800000'), {
        ...cut({ rewinding: 'done', history: SECOND, kept: { ...KEPT_PAST, source: 'c' } }),
        wal: third('0/47FFFF8'),
      });
      expect(made.steps.map(({ node, why }) => `${node}: ${why}`)).toContain(AGAIN);
      expect(made.notes).toContainEqual(
        'a: was rewound to c, which is not the primary any more, and b left it before that, at 0/47FFFF8 of timeline 2: it is rewound again, from what it was',
      );
    });

    test('is done again, where the new primary was promoted under the same number', () => {
      const kept = { ...KEPT_PAST, source: 'c' };
      const steps = whys(rewoundTo('0/4800000'), cut({ rewinding: 'done', history: SECOND, kept }));
      expect(steps).toContain(AGAIN);
    });

    test.each([
      ['later', { timeline: 2, ended: [{ timeline: 1, end: lsn('0/4000180') }] }],
      ['never', { timeline: 1, ended: [] }],
    ])('is not done again, where the new primary branched off %s', (_, history) => {
      const made = plan(rewoundTo('0/4800000'), {
        ...cut({ rewinding: 'done', history: SECOND }),
        wal: { ...WAL, history },
      });
      expect(made.refusals.map(({ message }) => message)).toContainEqual(
        expect.stringContaining('a: was left half rewound to a server that left timeline 1 at 0/4000100'),
      );
    });
  });

  test('is not of data whose WAL is not all there: only a new copy', () => {
    const made = plan(rewoundTo('0/4800000'), {
      ...past({ history: SECOND, record: lsn('0/4700000'), short: true }),
      wal: {
        ...WAL,
        history: { timeline: 3, ended: [...SECOND.ended, { timeline: 2, end: lsn('0/4600000') }] },
      },
    });
    expect(made.refusals.map(({ message }) => message)).toEqual([
      expect.stringContaining('it has WAL past 0/4600000'),
      'a: cannot be rewound: its data have changes of up to 0/4800000, and it has no WAL of all of them',
      'a: only a new copy of b is left',
    ]);
  });
});

describe('every gate refuses, with a sentence of its own', () => {
  const elsewhere = primary('b', { timeline: 2 });
  const far: NodeState = { ...elsewhere, machine: machine({ hostname: 'other' }) };
  const empty: NodeState = { node: 'a', is: 'empty', machine: machine(), place: place('a') };
  const foreign: NodeState = { ...empty, is: 'foreign', found: ['photos'] };
  const mute = (starting: boolean): NodeState => ({ ...empty, is: 'mute', because: 'no answer', starting });
  const away: NodeState = { node: 'a', is: 'unreachable', because: 'a: ssh: no route to host' };
  const bAway: NodeState = { node: 'b', is: 'unreachable', because: 'b: ssh: no route to host' };
  const own = (text: string) =>
    place('a', { files: { included: [], conf: { path: '/pg/a/postgresql.conf', text } } });
  const ahead = (more: Parameters<typeof stopped>[1] = {}) =>
    stopped('a', { ...more, control: { checkpoint: lsn('0/4000200'), ...more.control } });

  const cases: readonly [string, NodeState, RegExp, More?, (readonly NodeState[])?][] = [
    ['unreachable', away, /^a: ssh: no route to host$/],
    ['not a data directory', foreign, /^a: .*photos/],
    ['empty', empty, /^a: only a new copy of b is left$/],
    ['mute', mute(false), /^a: a server runs and does not answer: no answer$/],
    ['no primary', CLEAN, /^a: there is no primary that it could follow$/, {}, [standby('b'), C]],
    [
      'the primary cannot be seen',
      CLEAN,
      /no primary is seen .*, and b cannot be looked at$/,
      {},
      [bAway, C],
    ],
    ['it is the primary', primary('a'), /^a: is the primary, and there is no other/, {}, [standby('b'), C]],
    [
      'promoted later',
      primary('a', { timeline: 3 }),
      /^a: was promoted after b \(timeline 3, and b is on 2\)/,
    ],
    ['two other primaries', CLEAN, /^b and c: both take writes/, {}, [B, primary('c')]],
    [
      'another cluster',
      stopped('a', { control: { systemIdentifier: '1' } }),
      /^a: is of another cluster \(system 1\)/,
    ],
    [
      'a rewind still runs',
      CLEAN,
      /^a: a pg_rewind of an earlier run still works on it$/,
      past({ busy: true }),
    ],
    ['no history', CLEAN, /^b: does not tell its history: no$/, { wal: { said: 'no' } }],
    [
      'login',
      CLEAN,
      /^a: not let in$/,
      { source: { problems: [{ message: 'a: not let in' }], unreachable: false } },
    ],
    [
      'a floor',
      stopped('a', { place: own('max_connections = 50\n') }),
      /^a: max_connections is 50 \(\/pg\/a\/postgresql.conf line 1\), and b has 100/,
    ],
    [
      'the same timeline',
      stopped('a', { control: { timeline: 2 } }),
      /^a: took writes on timeline 2, as b does/,
      past({ history: SECOND }),
    ],
    [
      'ahead on the same timeline',
      stopped('a', { standby: true, control: { state: 'shut down in recovery', timeline: 2 } }),
      /^a: has WAL up to 0\/6000000 of timeline 2, and b only up to 0\/5000000$/,
      past({ history: SECOND, record: lsn('0/6000000') }),
    ],
    [
      'nothing in common',
      CLEAN,
      /^a: has no timeline in common with b$/,
      past({ history: { timeline: 7, ended: [] } }),
    ],
    [
      'WAL gone',
      CLEAN,
      /^a: needs WAL from 0\/4000028 on, and b has it no longer$/,
      { wal: { ...WAL, oldest: '0000000000000005' } },
    ],
    [
      'WAL gone, diverged',
      AHEAD,
      /^a: needs WAL from 0\/4000100 on/,
      { wal: { ...WAL, oldest: '0000000000000005' } },
    ],
    [
      'no checksums',
      ahead({ control: { checksums: false } }),
      /^a: has neither data checksums nor wal_log_hints/,
    ],
    [
      'full_page_writes here',
      ahead({ place: own('full_page_writes = off\n') }),
      /^a: full_page_writes is off/,
    ],
    [
      'full_page_writes there',
      AHEAD,
      /^b: full_page_writes is off/,
      {},
      [primary('b', { timeline: 2, set: { full_page_writes: 'off' } }), C],
    ],
    [
      'no pg_rewind',
      ahead({ machine: machine({ programs: { postgres: '/p', psql: '/psql' } }) }),
      /^a: no pg_rewind is there$/,
    ],
    [
      'privileges',
      AHEAD,
      /^a: replicator at b may not execute pg_ls_dir, and pg_rewind needs it$/,
      { rewinder: 'may not execute pg_ls_dir' },
      [far, C],
    ],
    [
      'disk',
      ahead({ place: place('a', { freeBytes: 1024 }) }),
      /^a: 65 MB are needed to keep the WAL that is lost, and 0 MB are free$/,
    ],
    [
      'disk for a copy, where the primary has segments of those names',
      ahead({ place: place('a', { freeBytes: 64 * 1024 * 1024 }) }),
      /^a: 65 MB are needed to keep the WAL that is lost, and 64 MB are free$/,
      { wal: { ...WAL, segments: [[`0000000100000000${'00000003'}`, `0000000100000000${'00000004'}`]] } },
    ],
    [
      'slots',
      AHEAD,
      /^b: all 1 replication slots are taken$/,
      {},
      [primary('b', { timeline: 2, slots: [slot('x')], set: { max_replication_slots: '1' } }), C],
    ],
    [
      'half rewound',
      AHEAD,
      /^a: was left half rewound, and cannot be rewound again/,
      past({ rewinding: 'stuck' }),
    ],
  ];
  test.each(cases)('%s', (_, found, said, more = {}, others = [B, C]) => {
    const made = plan(found, more, others);
    expect(made.steps).toEqual([]);
    expect(made.refusals.map(({ message }) => message)).toContainEqual(expect.stringMatching(said));
  });

  test('who cannot be reached is another end', () => {
    expect(plan(away).unreachable).toBe(true);
    expect(plan(CLEAN, {}, [bAway, C]).unreachable).toBe(true);
  });

  test('wal_log_hints is as good as checksums', () => {
    expect(plan(ahead({ control: { checksums: false, walLogHints: true } })).refusals).toEqual([]);
  });
});

test('slots of a past life go, and those of nobody are named', () => {
  const home = standby('a', {
    streaming: { status: 'streaming', receivedTimeline: 2 },
    server: { slots: [slot('b'), slot('c'), slot('report', { held: 42 })] },
  });
  const others = [
    primary('b', { timeline: 2, walsenders: [walsender('a'), walsender('c')] }),
    { ...C, streaming: { status: 'streaming', receivedTimeline: 2 } },
  ];
  const made = plan(home, {}, others);
  expect(made.steps.map(({ why }) => why)).toEqual([
    'drop the slot b, which nobody uses here any more',
    'drop the slot c, which nobody uses here any more',
  ]);
  expect(made.notes).toEqual([
    expect.stringContaining('a: the slot report is not in use and holds 42 bytes of WAL'),
  ]);
});
