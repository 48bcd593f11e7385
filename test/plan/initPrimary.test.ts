import { describe, expect, test } from 'vitest';
import { roleFault } from '../../src/cluster/role.ts';
import type { ConfigFile, NodeState } from '../../src/facts/state.ts';
import { fileSettings, fileSettingsWith } from '../../src/plan/effective.ts';
import { wantedHba } from '../../src/plan/configFiles.ts';
import { planInitPrimary } from '../../src/plan/initPrimary/initPrimary.ts';
import type { InitRequest } from '../../src/plan/initPrimary/initRequest.ts';
import { replicationWants } from '../../src/plan/wants.ts';
import { ofMajor } from '../../src/cluster/version.ts';
import { Secret } from '../../src/tools/words.ts';
import { CLUSTER, node, place, primary, standby, stopped } from '../report/fixtures.ts';

const file = (path: string, text: string): ConfigFile => ({ path, text });
const MINE = '/etc/pg/conf.d/50-mine.conf';

describe('which line of which file wins', () => {
  const CASES: readonly (readonly [string, string, readonly ConfigFile[], string])[] = [
    ['the last of a name', 'port = 1\nport = 2', [], '2 /etc/pg/postgresql.conf:2'],
    [
      'a line after an include',
      "include 'a'\nport = 2",
      [file('/etc/pg/a', 'port = 1')],
      '2 /etc/pg/postgresql.conf:2',
    ],
    ['an include after a line', "port = 2\ninclude 'a'", [file('/etc/pg/a', '\nport = 1')], '1 /etc/pg/a:2'],
    [
      'what is not included counts for nothing',
      'port = 2',
      [file(MINE, 'port = 1')],
      '2 /etc/pg/postgresql.conf:1',
    ],
    [
      'the last file of a directory, by bytes',
      "include_dir 'conf.d'",
      [
        file('/etc/pg/conf.d/a.conf', 'port = 4'),
        file('/etc/pg/conf.d/Z.conf', 'port = 3'),
        file('/etc/pg/conf.d/b.txt', 'port = 5'),
      ],
      '4 /etc/pg/conf.d/a.conf:1',
    ],
    [
      'an include of an include',
      "include 'a'",
      [file('/etc/pg/a', "include_if_exists 'sub/b'"), file('/etc/pg/sub/b', 'port = 6')],
      '6 /etc/pg/sub/b:1',
    ],
    [
      'files that include each other',
      "include 'a'\nport = 1",
      [file('/etc/pg/a', "include 'a'\nport = 2")],
      '1 /etc/pg/postgresql.conf:2',
    ],
  ];

  test.each(CASES)('%s', (_, conf, included, wins) => {
    const found = fileSettings(place({ files: { conf: file('/etc/pg/postgresql.conf', conf), included } }));
    const {
      value,
      file: path,
      line,
    } = found.findLast(({ name }) => name === 'port') ?? { value: '', file: '', line: 0 };
    expect(`${value} ${path}:${line}`).toBe(wins);
  });

  test('our file counts where it will stand', () => {
    const conf = file('/etc/pg/postgresql.conf', "include_dir 'conf.d'\n");
    const there = place({ files: { conf, included: [file('/etc/pg/conf.d/zz.conf', 'port = 2')] } });
    expect(fileSettingsWith(there, 'port = 1').at(-1)).toMatchObject({
      value: '2',
      file: '/etc/pg/conf.d/zz.conf',
    });
    const plain = place({ files: { conf: file('/pg/data/postgresql.conf', 'port = 2'), included: [] } });
    expect(fileSettingsWith(plain, 'port = 1').at(-1)).toMatchObject({
      value: '1',
      file: '/pg/data/pgrepl.conf',
    });
  });
});

test('who asks for TLS keeps it: our rules ask for it too, and stay so', () => {
  const rule = 'host  replication  replicator  10.0.0.2/32  scram-sha-256';
  const text = 'local all all peer\nhostnossl all all all reject\nhost all all all scram-sha-256\n';
  const made = wantedHba(text, [rule]);
  expect(made).toContain(`\n${rule.replace('host', 'hostssl')}\n`);
  expect(made).not.toContain(`\n${rule}\n`);
  expect(wantedHba(made, [rule])).toBe(made);
});

test('rules of other runs stay in their places, and nothing is written twice', () => {
  const both = wantedHba(wantedHba('local all all peer\n', ['host a']), ['host b']);
  expect(wantedHba(both, ['host b'])).toBe(both);
  expect(wantedHba(both, ['host b', 'host a'])).toBe(both);
});

describe('what is good enough', () => {
  const wants = replicationWants({
    version: ofMajor(17),
    standbys: 2,
    checksums: false,
    freeBytes: 2 ** 36,
    listen: ['10.0.0.2'],
  });
  const CASES: readonly (readonly [string, string, string, boolean])[] = [
    ['wal_level', 'logical', '', true],
    ['wal_level', 'minimal', '', false],
    ['max_wal_senders', '4', '', true],
    ['max_wal_senders', '3', '', false],
    ['listen_addresses', 'localhost', '', false],
    ['listen_addresses', '*', '', true],
    ['listen_addresses', '0.0.0.0', '', true],
    ['wal_keep_size', '0', 'MB', false],
    ['wal_keep_size', '1GB', 'MB', true],
    ['max_slot_wal_keep_size', '-1', 'MB', false],
    ['max_slot_wal_keep_size', '25600MB', 'MB', true],
    ['wal_retrieve_retry_interval', '5000', 'ms', false],
    ['wal_retrieve_retry_interval', '1s', 'ms', true],
    ['wal_log_hints', 'off', '', false],
  ];

  test.each(CASES)('%s = %s%s: %s', (name, value, unit, good) => {
    expect(wants.find((want) => want.name === name)?.good(value, unit)).toBe(good);
  });
});

test.each([
  ['replicator', undefined],
  ["o'brien b", undefined],
  ['pg_x', 'pg_'],
  ['public', 'public'],
  ['/x', 'slash'],
  ['', 'empty'],
  ['a\nb', 'one line'],
  ['é'.repeat(32), '63 bytes'],
])('the role %j', (name, fault) => {
  if (fault === undefined) expect(roleFault(name)).toBeUndefined();
  else expect(roleFault(name)).toContain(fault);
});

describe('beside other nodes', () => {
  const request: InitRequest = {
    node: node('pg1'),
    role: 'replicator',
    allow: ['10.0.0.2'],
    password: { verifier: new Secret('SCRAM-SHA-256$x'), fits: () => true },
    restart: true,
  };
  const empty = (name: string): NodeState => ({
    node: name,
    is: 'empty',
    machine: { ...MACHINE },
    place: place({
      exists: false,
      creatable: true,
      obstacles: [],
      listening: [],
      socketDirs: ['/tmp'],
      freeBytes: 2 ** 36,
      staging: '/pg/data.pgrepl-new',
    }),
  });
  const plan = (...nodes: readonly NodeState[]) => planInitPrimary(CLUSTER, { nodes }, request);
  const said = (...nodes: readonly NodeState[]): readonly string[] =>
    plan(...nodes).refusals.map(({ message }) => message);

  test('an empty node is made a primary, when the others are empty or away', () => {
    const away: NodeState = { node: 'pg3', is: 'unreachable', because: 'pg3: ssh: no route' };
    const made = plan(empty('pg1'), empty('pg2'), away);
    expect(made).toMatchObject({ refusals: [], confirm: [] });
    expect(made.steps.map(({ why }) => why)).toContain('it becomes real');
  });

  test('a disk that initdb would fill', () => {
    const tight = empty('pg1');
    if (tight.is !== 'empty') throw new Error('not empty');
    const found = { ...tight, place: { ...tight.place, freeBytes: 30 * 1024 ** 2 } };
    expect(said(found)).toEqual([
      expect.stringMatching(/^pg1: 64 MB are needed for a new cluster, and 30 MB are free for \//),
    ]);
  });

  test('not beside a primary, nor beside a standby whose primary it was', () => {
    expect(said(empty('pg1'), primary('pg2'))).toEqual([
      expect.stringContaining('pg2 is the primary of this cluster'),
    ]);
    expect(said(empty('pg1'), standby('pg2'))).toEqual([
      expect.stringContaining('pg2 is a standby with the data of a cluster'),
    ]);
  });

  test('beside a server that does not run somebody is asked', () => {
    expect(plan(empty('pg1'), stopped('pg2', false)).confirm).toEqual([
      expect.stringContaining('pg2 has data and does not run'),
    ]);
  });

  test('a directory that is half rewound is not started', () => {
    const half = {
      ...stopped('pg1', false),
      place: place({ signals: ['pgrepl.rewinding'], listening: [] }),
    } as NodeState;
    expect(said(half)).toContainEqual(expect.stringContaining('pg1: is half rewound'));
  });

  test('a server that starts is waited for, and one that is mute is not', () => {
    const mute = {
      node: 'pg1',
      is: 'mute',
      machine: MACHINE,
      place: place(),
      because: 'the database system is starting up',
    } as const;
    expect(plan({ ...mute, starting: true })).toMatchObject({
      refusals: [],
      steps: [{ do: 'expect', stdout: 't' }],
    });
    expect(plan({ ...mute, starting: false })).toMatchObject({ unreachable: true, steps: [] });
  });
});

const MACHINE = {
  login: 'postgres',
  by: 'self' as const,
  hostname: 'h',
  os: 'Linux',
  libc: 'glibc 2.36',
  programs: { initdb: '/usr/lib/postgresql/17/bin/initdb', postgres: '/usr/lib/postgresql/17/bin/postgres' },
  bindirs: { '17': '/usr/lib/postgresql/17/bin' },
  systemd: false,
  postgresqlCommon: false,
};
