import { describe, expect, test } from 'vitest';
import type { ServerVersion } from '../../src/cluster/version.ts';
import type { NodeState, Place } from '../../src/facts/state.ts';
import type { CloneRequest } from '../../src/plan/clone/cloneRequest.ts';
import { needsSource, planCloneStandby } from '../../src/plan/clone/cloneStandby.ts';
import type { Step } from '../../src/plan/plan.ts';
import type { Source } from '../../src/plan/source.ts';
import { Secret } from '../../src/tools/words.ts';
import { lsn, machine, nodeOf, place, primary, standby, stopped, SYSTEM } from './support/servers.ts';
import { told } from './support/told.ts';

const LINK = { host: '10.0.0.a', port: 5432, role: 'replicator', applicationName: 'b', slot: 'b' };
const CONNINFO = 'host=10.0.0.a port=5432 user=replicator';
const STREAMS = { status: 'streaming', receivedTimeline: 1 };

const SOURCE: Source = {
  name: 'a',
  version: 150018 as ServerVersion,
  systemIdentifier: SYSTEM,
  timeline: 1,
  position: lsn('0/3000000'),
  isStandby: false,
  walLevel: 'replica',
  floors: {},
};
const UNREACHABLE = { problems: [{ message: 'b: a cannot be reached' }], unreachable: true };
const REFUSED = { problems: [{ message: 'b: a does not let the role in' }], unreachable: false };

function plan(found: NodeState | undefined, more: Partial<CloneRequest> = {}) {
  return planCloneStandby(
    { nodes: found === undefined ? [] : [found] },
    {
      node: nodeOf('b', 'a'),
      upstream: 'a',
      link: LINK,
      source: SOURCE,
      replace: false,
      tablespaces: {},
      stamp: '20261130T101500',
      seconds: 60,
      ...more,
    },
  );
}

const at = (more: Partial<Place> = {}) => place('b', { exists: false, files: { included: [] }, ...more });
const empty = (more: Partial<Place> = {}): NodeState => ({
  node: 'b',
  is: 'empty',
  machine: machine(),
  place: at(more),
});
const foreign = (more: Partial<Place> = {}): NodeState => ({
  node: 'b',
  is: 'foreign',
  machine: machine(),
  place: at({ exists: true, ...more }),
  found: ['photo.jpg'],
});
const mute = (starting: boolean, auto = ''): NodeState => ({
  node: 'b',
  is: 'mute',
  machine: machine(),
  place: place('b', { files: { auto: { path: '/pg/b/postgresql.auto.conf', text: auto }, included: [] } }),
  because: 'the database system is starting up',
  starting,
});
const LINKED = `primary_conninfo = '${CONNINFO}'\nprimary_slot_name = 'b'\n`;
const down = (
  auto: string,
  isStandby: boolean,
  systemIdentifier = SYSTEM,
  more: Partial<Place> = {},
): NodeState => ({
  ...stopped('b', { standby: isStandby, control: { systemIdentifier } }),
  place: place('b', {
    files: { auto: { path: '/pg/b/postgresql.auto.conf', text: auto }, included: [] },
    ...more,
  }),
});
const there = standby('b', { conninfo: CONNINFO, slot: 'b' });
const streaming = { ...there, streaming: STREAMS };

const COPY = [
  'b: a place beside the target',
  'b: a slot at a that holds WAL from now on',
  'b: copy a',
  'b: nothing of the upstream that is its own',
  'b: a configuration, if the copy brought none',
  'b: the settings of this node',
  'b: postgresql.conf includes them',
  'b: it follows 10.0.0.a:5432, and nothing of a past life',
  'b: it is a standby',
];
const REAL = ['b: it becomes real', 'b: start the standby', 'b: it streams from a'];
const UNDO = ['undo b: remove the half-made copy', 'undo b: drop the slot b again'];
const ASIDE = '? move /pg/b of b aside to /pg/b.pgrepl-old-20261130T101500';

const slots = (more: { reserved: boolean; lost: boolean }) => ({
  ...SOURCE,
  slots: { free: 5, most: 10, known: [{ name: 'b', ...more }] },
});

test.each([
  ['replica', "wal_level = 'replica'"],
  ['logical', "wal_level = 'logical'"],
])('a copy of an upstream whose wal_level is %s', (walLevel, line) => {
  const { steps } = plan(empty(), { source: { ...SOURCE, walLevel } });
  const written = steps.find(({ why }) => why === 'the settings of this node');
  expect(written?.do === 'write' ? written.content.join('') : '').toContain(line);
});

describe('what is there, and what is done', () => {
  test.each<[string, NodeState | undefined, Partial<CloneRequest>, readonly string[]]>([
    ['nobody looked', undefined, {}, ['! b: was not looked at']],
    ['unreachable', { node: 'b', is: 'unreachable', because: 'b: no route' }, {}, ['! b: no route']],
    [
      'somebody else’s files',
      foreign(),
      { replace: true },
      ['x b: /pg/b is not empty and no data directory: photo.jpg is there'],
    ],
    ['a whole copy, half moved into a mount point', foreign({ complete: true }), {}, ['b: it becomes real']],
    [
      'a server that is silent',
      mute(false),
      {},
      ['! b: a server runs in /pg/b and does not answer: the database system is starting up'],
    ],
    [
      'another server that starts',
      mute(true),
      {},
      ['! b: a server runs in /pg/b and does not answer: the database system is starting up'],
    ],
    ['our standby that starts', mute(true, LINKED), {}, ['b: it streams from a']],
    [
      'our standby that starts, and nobody to ask',
      mute(true, LINKED),
      { source: 'not asked' },
      ['! b: a server runs in /pg/b and does not answer: the database system is starting up'],
    ],
    ['it streams', streaming, { source: 'not asked' }, []],
    [
      'it streams with the password of before',
      streaming,
      { stalePassword: true, link: { ...LINK, password: new Secret('x') } },
      ['b: the password, for the owner alone'],
    ],
    [
      'it streams, and the new password is not taken',
      streaming,
      { stalePassword: true, source: REFUSED },
      ['x b: a does not let the role in'],
    ],
    [
      'it streams, and a flag says otherwise',
      streaming,
      { demands: { port: 1 } },
      ['x b: --port 1 has no effect: the server listens on port 5432'],
    ],
    [
      'it does not stream',
      there,
      {},
      [
        'b: a slot at a that holds WAL from now on',
        'b: it follows 10.0.0.a:5432',
        'b: when its files were read last',
        'b: reload',
        'b: the files are read anew',
        'b: it streams from a',
      ],
    ],
    [
      'it does not stream, its slot is there',
      there,
      { source: slots({ reserved: true, lost: false }) },
      [
        'b: it follows 10.0.0.a:5432',
        'b: when its files were read last',
        'b: reload',
        'b: the files are read anew',
        'b: it streams from a',
      ],
    ],
    [
      'it does not stream, and its slot is lost',
      there,
      { source: slots({ reserved: false, lost: true }) },
      ['x b: its slot b at a is lost: WAL that it needs is gone'],
    ],
    ['it does not stream, and a is away', there, { source: UNREACHABLE }, ['! b: a cannot be reached']],
    ['it does not stream, and nobody asked', there, { source: 'not asked' }, ['b: it streams from a']],
    [
      'a standby of another upstream',
      { ...there, conninfo: 'host=elsewhere user=replicator' },
      {},
      ['x b: is a standby already, of another upstream or slot'],
    ],
    [
      'a standby of another slot',
      { ...there, slot: 'other' },
      {},
      ['x b: is a standby already, of another upstream or slot'],
    ],
    [
      'a standby of another cluster at that address',
      standby('b', { conninfo: CONNINFO, slot: 'b', server: { systemIdentifier: '1' } }),
      {},
      ['x b: is a standby already, of another upstream or slot'],
    ],
    [
      'a standby elsewhere, replaced',
      { ...there, slot: 'other' },
      { replace: true },
      [
        `${ASIDE}, after stopping its server`,
        ...COPY,
        'b: stop the server that is there',
        'b: move the old directory aside',
        ...REAL,
        ...UNDO,
      ],
    ],
    [
      'a primary of this cluster, by force',
      primary('b'),
      { replace: true },
      ['x b: takes writes, and is of the same cluster as a: two primaries'],
    ],
    [
      'a primary of another cluster',
      primary('b', { systemIdentifier: '1' }),
      {},
      ['x b: a server runs in /pg/b and takes writes (system 1)'],
    ],
    ['a stopped copy of ours', down(LINKED, true), {}, ['b: start the server', 'b: it streams from a']],
    [
      'a stopped copy of ours, its port taken',
      down(LINKED, true, SYSTEM, { listening: [5432] }),
      {},
      ['x b: port 5432 is taken', 'b: start the server', 'b: it streams from a'],
    ],
    [
      'a stopped copy of ours that has another port, in its files',
      down(`${LINKED}port = 5433\n`, true, SYSTEM, { listening: [5432] }),
      {},
      ['b: start the server', 'b: it streams from a'],
    ],
    [
      'a stopped copy of ours, with leftovers and a password',
      down(LINKED, true, SYSTEM, { staged: true }),
      { link: { ...LINK, password: new Secret('x') } },
      [
        'b: remove what an earlier run left half made',
        'b: the password, for the owner alone',
        'b: start the server',
        'b: it streams from a',
      ],
    ],
    [
      'a stopped copy of ours, and a flag says otherwise',
      down(LINKED, true),
      { demands: { waldir: '/wal' } },
      ['x b: --waldir /wal has no effect: the server is there already, with its WAL in /pg/b itself'],
    ],
    [
      'a stopped standby of somebody else',
      down('', true),
      {},
      ['x b: /pg/b is a stopped server of this cluster'],
    ],
    [
      'a stopped primary of this cluster',
      down(LINKED, false),
      {},
      ['x b: /pg/b is a stopped server of this cluster'],
    ],
    [
      'a data directory of another cluster',
      down('', false, '1'),
      {},
      ['x b: /pg/b is a data directory of another cluster (system 1)'],
    ],
    [
      'the same, replaced',
      down('', false, '1'),
      { replace: true },
      [ASIDE, ...COPY, 'b: move the old directory aside', ...REAL, ...UNDO],
    ],
    [
      'WAL elsewhere, replaced',
      down('', false, '1', { walLink: '/wal' }),
      { replace: true },
      ['x b: pg_wal of what is there is a link to /wal, which is kept with the old directory'],
    ],
    [
      'WAL elsewhere, replaced, and where to',
      down('', false, '1', { walLink: '/wal' }),
      { replace: true, waldir: '/wal2' },
      [ASIDE, ...COPY, 'b: move the old directory aside', ...REAL, ...UNDO],
    ],
    ['nothing', empty(), {}, [...COPY, ...REAL, ...UNDO]],
    ['nothing, and nobody asked', empty(), { source: 'not asked' }, ['x a: was not asked']],
    ['nothing, and a is away', empty(), { source: UNREACHABLE }, ['! b: a cannot be reached']],
    [
      'nothing, and the role is not let in',
      empty(),
      { source: REFUSED },
      ['x b: a does not let the role in'],
    ],
    [
      'nothing but what is in the way: all of it is told',
      empty({ obstacles: ['/pg/b.pgrepl-new'], listening: [5432] }),
      { source: { ...SOURCE, walLevel: 'minimal' } },
      [
        'x b: /pg/b.pgrepl-new is in the way: it has the name of our staging directory and was not made by pgrepl',
        'x b: port 5432 is taken',
        'x a: wal_level is minimal, and a standby needs replica',
      ],
    ],
    [
      'nothing, and its slot holds WAL: it stays when undone',
      empty(),
      { source: slots({ reserved: true, lost: false }) },
      [COPY[0] ?? '', ...COPY.slice(2), ...REAL, UNDO[0] ?? ''],
    ],
    [
      'nothing, and its slot holds nothing: undone, it is so again',
      empty(),
      { source: slots({ reserved: false, lost: false }) },
      [
        COPY[0] ?? '',
        'b: drop the slot b at a: it holds nothing',
        ...COPY.slice(1),
        ...REAL,
        ...UNDO,
        'undo b: the slot b as it was: it holds nothing',
      ],
    ],
    [
      'other collations',
      empty(),
      { source: { ...SOURCE, collation: '2.28' } },
      [
        '? read indexes that a built with the collations of glibc 2.28 under glibc 2.36 of b: text may sort otherwise, and a promoted standby would break its indexes',
        ...COPY,
        ...REAL,
        ...UNDO,
      ],
    ],
  ])('%s', (_, found, more, wanted) => {
    expect(told(plan(found, more))).toEqual(wanted);
  });
});

describe('the copy', () => {
  const argvOf = (step: Step | undefined): readonly string[] =>
    step === undefined || step.do === 'write' ? [] : step.argv.map(String);
  const backup = (more: Partial<CloneRequest>) =>
    argvOf(plan(empty(), more).steps.find(({ why }) => why === 'copy a'));

  test('is undone until the old directory is touched', () => {
    const { steps, pointOfNoReturn } = plan(empty());
    expect(steps[pointOfNoReturn ?? 0]?.why).toBe('it becomes real');
  });

  test('says where things go, how fast, and hands the password over by stdin', () => {
    const asked = { waldir: '/wal', tablespaces: { '/a=1': '/b' }, maxRate: '50M' };
    const words = backup({ ...asked, link: { ...LINK, password: new Secret('hush') } });
    expect(words).toEqual(expect.arrayContaining(['--waldir=/wal', '/a\\=1=/b', '--max-rate=50M']));
    expect(words.join(' ')).not.toContain('hush');
    expect(backup({})).not.toContain('with-password');
  });

  test.each([
    [undefined, [], 'postgres'],
    [undefined, ['admin', 'boss'], 'admin'],
    [undefined, ['admin', 'postgres'], 'postgres'],
    ['boss', ['admin', 'postgres'], 'boss'],
  ])('is asked as %s of %o: as %s', (superuser, superusers, wanted) => {
    const node = { ...nodeOf('b', 'a'), ...(superuser === undefined ? {} : { superuser }) };
    const { steps } = plan(empty(), { node, source: { ...SOURCE, superusers } });
    const argv = argvOf(steps.at(-1));
    expect(argv[argv.indexOf('-U') + 1]).toBe(wanted);
  });
});

test.each([
  ['it streams as it should', streaming, false],
  ['it does not stream', there, true],
  ['from elsewhere', { ...streaming, slot: 'other' }, true],
  ['nothing is there', empty(), true],
])('the upstream need be asked: %s', (_, found, wanted) => {
  expect(needsSource(found, LINK)).toBe(wanted);
});
