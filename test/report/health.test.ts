import { describe, expect, test } from 'vitest';
import type { Cluster } from '../../src/cluster/types.ts';
import type { ServerVersion } from '../../src/cluster/version.ts';
import type { ClusterState, NodeState } from '../../src/facts/state.ts';
import { assess } from '../../src/report/health.ts';
import { syncsWanted } from '../../src/report/healthOfServer.ts';
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
  node,
  place,
  primary,
  setting,
  slot,
  standby,
  stateWith,
  stopped,
  unreachable,
  walsender,
} from './fixtures.ts';

const told = (cluster: Cluster, state: ClusterState) =>
  assess(cluster, state).map(({ level, message, hint }) => `${level} | ${message} | ${hint ?? ''}`);

/** pg1 with pg3 attached, and pg2 as it is given. */
const without2 = (pg2: NodeState, more = {}) =>
  stateWith(
    primary('pg1', {
      walsenders: [walsender('pg3')],
      slots: [slot('pg2', { active: false }), slot('pg3')],
      ...more,
    }),
    pg2,
    standby('pg3'),
  );

const cases: [string, ClusterState, string[]][] = [
  ['healthy', HEALTHY, []],
  [
    'split brain after a promotion',
    stateWith(
      primary('pg1'),
      primary('pg2', { timeline: 2, walsenders: [walsender('pg3')] }),
      standby('pg3', { streaming: { status: 'streaming', receivedTimeline: 2 }, conninfo: 'host=10.0.0.2' }),
    ),
    [
      'split-brain | pg1: split brain: pg1 (timeline 1) and pg2 (timeline 2) are one system, and 2 of it take writes | Keep clients away from pg1, which was not promoted last, stop it, then `pgrepl rejoin pg1`.',
    ],
  ],
  [
    'split brain of a copy',
    stateWith(attachedPrimary({ walsenders: [walsender('pg3')] }), primary('pg2'), standby('pg3')),
    [
      'split-brain | pg1: split brain: pg1 (timeline 1) and pg2 (timeline 1) are one system, and 2 of it take writes | Find out which one has the rows to keep; stop the other, then `pgrepl rejoin` it.',
    ],
  ],
  [
    'a primary of another system',
    stateWith(
      attachedPrimary({ walsenders: [walsender('pg3')] }),
      primary('pg2', { systemIdentifier: '99', timeline: 7 }),
      standby('pg3'),
    ),
    [
      'broken | pg2: is a primary of another system: its identifier is 99, that of pg1 is 7412 | If its data are not wanted, `pgrepl clone-standby pg2 --replace`; they are moved aside and kept.',
    ],
  ],
  [
    'no primary, all standbys seen',
    stateWith(
      detached('pg1', { conninfo: '' }),
      detached('pg2', { received: lsn('1/0'), replayed: lsn('0/FFFFFFFF') }),
      detached('pg3', { received: lsn('0/FF000000') }),
    ),
    [
      'broken | pg1: no node of the cluster takes writes | Promote the standby that has the most: `pgrepl promote pg2`.',
      'broken | pg1: does not stream: it has no primary_conninfo | Promote the standby that has the most: `pgrepl promote pg2`.',
      'broken | pg2: does not stream from pg1: it has WAL up to 1/0, pg1 only up to 0/5000000: they diverged | Promote the standby that has the most: `pgrepl promote pg2`.',
      'broken | pg3: does not stream from pg1: it has WAL up to 0/FF000000, pg1 only up to 0/5000000: they diverged | Promote the standby that has the most: `pgrepl promote pg2`.',
    ],
  ],
  [
    'the primary is unreachable',
    stateWith(unreachable('pg1'), detached('pg2'), standby('pg3')),
    [
      'broken | pg1: no node of the cluster takes writes | Start pg1 again; if it is gone for good, `pgrepl promote pg2 --primary-is-dead`.',
      'broken | pg1: unreachable: connection timed out | ',
      'broken | pg2: does not stream from pg1: pg1 is unreachable | ',
    ],
  ],
  [
    'the primary is dead, and a standby still follows who was it before',
    stateWith(
      stopped('pg1', false, { state: 'in production', timeline: 2 }),
      detached('pg2', { conninfo: 'host=10.0.0.3 port=5432' }, { timeline: 2 }),
      detached('pg3', { received: lsn('0/6000000') }, { timeline: 2 }),
    ),
    [
      'broken | pg1: no node of the cluster takes writes | Start pg1 again; if it is gone for good, `pgrepl promote pg3 --primary-is-dead`.',
      'broken | pg1: stopped without a shutdown, it was a primary | Start it: `pg_ctl -D /pg/data -l /pg/data/server.log start`.',
      'broken | pg2: does not stream from pg3: its slot "pg2" is not there | Start pg1 again; if it is gone for good, `pgrepl promote pg3 --primary-is-dead`.',
      'broken | pg3: does not stream from pg1: pg1 is stopped | ',
    ],
  ],
  [
    'the primary is dead, and had a timeline that no standby has',
    stateWith(
      stopped('pg1', false, { state: 'in production', timeline: 1, minRecoveryTimeline: 3 }),
      detached('pg2', {}, { timeline: 2 }),
      detached('pg3', { received: lsn('0/6000000') }),
    ),
    [
      'broken | pg1: no node of the cluster takes writes | Start pg1 again: no standby that runs has its timeline 3, and promoting pg2 would lose what is on it.',
      'broken | pg1: stopped without a shutdown, it was a primary | Start it: `pg_ctl -D /pg/data -l /pg/data/server.log start`.',
      'broken | pg2: does not stream from pg1: pg1 is stopped | ',
      'broken | pg3: does not stream from pg1: pg1 is stopped | ',
    ],
  ],
  [
    'the standby that is late on purpose is not the one to promote',
    stateWith(
      unreachable('pg1'),
      detached('pg2', { received: lsn('0/6000000'), delayMs: 3_600_000 }),
      detached('pg3'),
    ),
    [
      'broken | pg1: no node of the cluster takes writes | Start pg1 again; if it is gone for good, `pgrepl promote pg3 --primary-is-dead`.',
      'broken | pg1: unreachable: connection timed out | ',
      'broken | pg2: does not stream from pg1: pg1 is unreachable | ',
      'broken | pg3: does not stream from pg1: pg1 is unreachable | ',
    ],
  ],
  [
    'a standby of a standby is right where it is while no primary is seen',
    stateWith(
      unreachable('pg1'),
      detached('pg2', {}, { walsenders: [walsender('pg3')], slots: [slot('pg3')] }),
      standby('pg3', {
        streaming: {
          status: 'streaming',
          sender: '10.0.0.2',
          senderPort: 5432,
          slot: 'pg3',
          receivedTimeline: 1,
        },
      }),
    ),
    [
      'broken | pg1: no node of the cluster takes writes | Start pg1 again; if it is gone for good, `pgrepl promote pg2 --primary-is-dead`.',
      'broken | pg1: unreachable: connection timed out | ',
      'broken | pg2: does not stream from pg1: pg1 is unreachable | ',
    ],
  ],
  [
    'nobody can be looked at',
    stateWith(unreachable('pg1'), unreachable('pg2'), unreachable('pg3')),
    [
      'broken | pg1: no node of the cluster can be looked at | What stands in the way is told below.',
      'broken | pg1: unreachable: connection timed out | ',
      'broken | pg2: unreachable: connection timed out | ',
      'broken | pg3: unreachable: connection timed out | ',
    ],
  ],
  [
    'nothing made yet',
    stateWith(empty('pg1'), empty('pg2'), foreign('pg3')),
    [
      'broken | pg1: no node of the cluster takes writes | Create the primary: `pgrepl init-primary pg1`.',
      'broken | pg1: has no data yet: /pg/data | Create it: `pgrepl init-primary pg1`.',
      'broken | pg2: has no data yet: /pg/data | Copy it: `pgrepl clone-standby pg2`.',
      'broken | pg3: /pg/data is no data directory and not empty: photo.jpg | Name another directory, or move what is there away.',
    ],
  ],
  [
    'a standby unreachable from here only',
    stateWith(attachedPrimary(), unreachable('pg2'), standby('pg3')),
    ['warning | pg2: unreachable from here, yet pg1 streams to it: connection timed out | '],
  ],
  [
    'starting',
    without2(mute('pg2', true)),
    [
      'warning | pg2: is starting: the database system is starting up | Wait; it replays WAL before it answers.',
    ],
  ],
  [
    'mute',
    without2(mute('pg2', false)),
    [
      'broken | pg2: a server runs and does not answer: the database system is starting up | `pgrepl doctor pg2`',
    ],
  ],
  [
    'a primary that lets nobody in is none that is gone',
    stateWith(
      { ...mute('pg1', false), because: 'too many', serves: true, hint: 'End some.' } as NodeState,
      standby('pg2'),
      standby('pg3'),
    ),
    [
      'broken | pg1: no node of the cluster is seen to take writes | Promote nobody as long as pg1 runs: it may take writes. End some.',
      'broken | pg1: a server runs and does not answer: too many | End some.',
    ],
  ],
  [
    'a primary that is starting is waited for',
    stateWith(mute('pg1', true), standby('pg2'), standby('pg3')),
    [
      'broken | pg1: no node of the cluster takes writes | Wait: pg1 is starting, and replays its WAL.',
      'warning | pg1: is starting: the database system is starting up | Wait; it replays WAL before it answers.',
    ],
  ],
  [
    'a stopped standby',
    without2(stopped('pg2', true, { state: 'shut down in recovery' })),
    ['broken | pg2: stopped | Start it: `pg_ctl -D /pg/data -l /pg/data/server.log start`.'],
  ],
  [
    'a server whose rewind was cut short',
    without2({ ...stopped('pg2', false), place: place({ signals: ['pgrepl.rewinding'] }) } as NodeState),
    [
      'broken | pg2: half rewound: its data are of two pasts, and it must not be started | Go on with it: `pgrepl rejoin pg2`.',
    ],
  ],
  [
    'a stopped primary that another one replaced',
    stateWith(
      stopped('pg1', false, { state: 'in production' }),
      primary('pg2', { timeline: 2, walsenders: [walsender('pg3')] }),
      standby('pg3', { streaming: { status: 'streaming', receivedTimeline: 2 } }),
    ),
    [
      'broken | pg1: stopped without a shutdown, it was a primary | pg2 took over; bring it back as a standby: `pgrepl rejoin pg1`.',
    ],
  ],
  [
    'the only primary is stopped',
    stateWith(stopped('pg1', false), detached('pg2'), detached('pg3')),
    [
      'broken | pg1: no node of the cluster takes writes | Start pg1 again; if it is gone for good, `pgrepl promote pg2 --primary-is-dead`.',
      'broken | pg1: stopped, it was a primary | Start it: `pg_ctl -D /pg/data -l /pg/data/server.log start`.',
      'broken | pg2: does not stream from pg1: pg1 is stopped | ',
      'broken | pg3: does not stream from pg1: pg1 is stopped | ',
    ],
  ],
  [
    'the slot of a standby whose host is away is lost',
    without2(unreachable('pg2'), { slots: [slot('pg2', { active: false, walStatus: 'lost' }), slot('pg3')] }),
    [
      'broken | pg1: slot "pg2" is lost, WAL that pg2 needs is gone | When pg2 can be reached, `pgrepl rejoin pg2 --allow-reclone` brings it back, by a new copy where it must.',
      'broken | pg2: unreachable: connection timed out | ',
    ],
  ],
  [
    'the slot of a stopped standby is lost, at who took over from its upstream of the file',
    stateWith(
      stopped('pg3', true),
      primary('pg2', {
        timeline: 2,
        walsenders: [walsender('pg1')],
        slots: [slot('pg1'), slot('pg3', { active: false, walStatus: 'lost' })],
      }),
      standby('pg1', {
        streaming: { status: 'streaming', receivedTimeline: 2 },
        conninfo: 'host=10.0.0.2',
      }),
    ),
    [
      'broken | pg2: slot "pg3" is lost, WAL that pg3 needs is gone | When pg3 can be reached, `pgrepl rejoin pg3 --allow-reclone` brings it back, by a new copy where it must.',
      'broken | pg3: stopped | Bring it back: `pgrepl rejoin pg3 --allow-reclone`.',
    ],
  ],
  [
    'its slot was lost',
    without2(detached('pg2'), { slots: [slot('pg2', { active: false, walStatus: 'lost' })] }),
    [
      'broken | pg2: does not stream from pg1: its slot "pg2" is lost, WAL that it needs is gone | `pgrepl clone-standby pg2 --replace`',
    ],
  ],
  [
    'its slot is not there',
    without2(detached('pg2'), { slots: [] }),
    [
      'broken | pg2: does not stream from pg1: its slot "pg2" is not there | `pgrepl follow pg2 --upstream pg1`',
    ],
  ],
  [
    'its slot is in use',
    without2(detached('pg2', { slot: 'pg3' })),
    ['broken | pg2: does not stream from pg1: its slot "pg3" is in use by pg3 | '],
  ],
  [
    'it diverged on an older timeline',
    stateWith(
      primary('pg1', { timeline: 3, walsenders: [walsender('pg3')] }),
      detached('pg2', { slot: '' }),
      standby('pg3', { streaming: { status: 'streaming', receivedTimeline: 3 } }),
    ),
    [
      'broken | pg2: does not stream from pg1: it is on timeline 1, pg1 on 3; it may have diverged | `pgrepl rejoin pg2`',
    ],
  ],
  [
    'its upstream is older',
    without2(detached('pg2', { slot: '' }, { timeline: 2 })),
    ['broken | pg2: does not stream from pg1: it is on timeline 2, pg1 is older, on 1 | `pgrepl rejoin pg2`'],
  ],
  [
    'it has more WAL than its upstream',
    without2(detached('pg2', { received: lsn('0/6000000') })),
    [
      'broken | pg2: does not stream from pg1: it has WAL up to 0/6000000, pg1 only up to 0/5000000: they diverged | `pgrepl rejoin pg2`',
    ],
  ],
  [
    'it points to nobody',
    without2(detached('pg2', { conninfo: 'host=10.9.9.9 port=6000' })),
    [
      'broken | pg2: does not stream: its primary_conninfo points to 10.9.9.9:6000, which is no node of the cluster | `pgrepl follow pg2 --upstream pg1`',
    ],
  ],
  [
    'it points to the wrong node',
    without2(detached('pg2', { conninfo: 'host=10.0.0.3', slot: '' })),
    [
      'broken | pg2: does not stream from pg3: it was to stream from pg1 | `pgrepl follow pg2 --upstream pg1`',
    ],
  ],
  [
    'its upstream refuses its password',
    without2(detached('pg2', { passwordRefused: true })),
    [
      'broken | pg2: does not stream from pg1: pg1 refuses the password in its password file | Its password was changed: `pgrepl clone-standby pg2` brings the one of the cluster file (docs/operations/rotate-password.md).',
    ],
  ],
  [
    'nobody knows why',
    without2(detached('pg2')),
    ['broken | pg2: does not stream from pg1: its log says why | `pgrepl doctor pg2`'],
  ],
  [
    'another system',
    without2(detached('pg2', {}, { systemIdentifier: '99' })),
    [
      'broken | pg2: is a copy of another system: its identifier is 99, that of pg1 is 7412 | If its data are not wanted, `pgrepl clone-standby pg2 --replace`; they are moved aside and kept.',
      'broken | pg2: does not stream from pg1: pg1 is another system | ',
    ],
  ],
  [
    'streams from another node than wanted',
    stateWith(
      primary('pg1', { walsenders: [walsender('pg3')] }),
      standby('pg2'),
      standby('pg3', {}, { walsenders: [walsender('pg2')] }),
    ),
    ['warning | pg2: streams from pg3 instead of pg1 | `pgrepl follow pg2 --upstream pg1`'],
  ],
  [
    'after a switchover nothing is wrong',
    stateWith(
      standby('pg1', { streaming: { status: 'streaming', receivedTimeline: 2 } }),
      primary('pg2', { timeline: 2, walsenders: [walsender('pg1'), walsender('pg3')] }),
      standby('pg3', { streaming: { status: 'streaming', receivedTimeline: 2 } }),
    ),
    [],
  ],
  [
    'behind the timeline of the primary',
    stateWith(
      primary('pg1', { timeline: 2, walsenders: [walsender('pg2')] }),
      standby('pg2', { streaming: { status: 'streaming', receivedTimeline: 2 } }),
      standby('pg3', { conninfo: 'host=10.0.0.1' }),
    ),
    ['warning | pg3: is on timeline 1, the primary pg1 on 2 | `pgrepl follow pg3 --upstream pg1`'],
  ],
  [
    'paused',
    stateWith(attachedPrimary(), standby('pg2', { paused: true }), standby('pg3')),
    ['warning | pg2: replay is paused | Go on: `select pg_wal_replay_resume()`.'],
  ],
  [
    'paused by a setting that is too low',
    stateWith(
      attachedPrimary({ settings: { max_connections: setting('200') } }),
      standby('pg2', { paused: true }, { settings: { max_connections: setting('100') } }),
      standby('pg3'),
    ),
    [
      'warning | pg2: replay is paused: lower than on pg1: max_connections | Raise them, then `pg_ctl -D /pg/data -l /pg/data/server.log restart`.',
    ],
  ],
  [
    'lag in bytes: 64 MB are borne, a byte more is not',
    stateWith(
      attachedPrimary({}, { current: lsn('0/9000000') }),
      standby('pg2', { replayed: lsn('0/5000000') }),
      standby('pg3', { replayed: lsn('0/4FFFFFF') }),
    ),
    ['warning | pg3: lags 64 MB behind | `pgrepl doctor pg3`'],
  ],
  [
    'lag in seconds',
    stateWith(attachedPrimary(), standby('pg2', { lagSeconds: 60 }), standby('pg3', { lagSeconds: 61 })),
    ['warning | pg3: lags 0 B and 1 min 1 s behind | `pgrepl doctor pg3`'],
  ],
  [
    'a delay that was asked for',
    stateWith(
      attachedPrimary({}, { current: lsn('0/F000000') }),
      standby('pg2', { lagSeconds: 3650, delayMs: 3600_000, received: lsn('0/F000000') }),
      standby('pg3', { replayed: lsn('0/F000000') }),
    ),
    [],
  ],
  [
    'an inactive slot holds WAL',
    without2(stopped('pg2', true), {
      slots: [slot('pg2', { active: false, held: 300 * MB, safeBytes: 700 * MB }), slot('pg3')],
    }),
    [
      'broken | pg2: stopped | Start it: `pg_ctl -D /pg/data -l /pg/data/server.log start`.',
      'warning | pg1: slot "pg2" is inactive and holds 300 MB of WAL, lost after 700 MB more | Bring pg2 back; if it is gone for good, `pgrepl slot drop pg1 pg2`.',
    ],
  ],
  [
    'slots of nobody',
    stateWith(
      attachedPrimary({
        slots: [
          slot('old', { active: false, held: 20 * MB }),
          slot('older', { active: false }),
          slot('cdc', { active: false, type: 'logical' }),
          slot('other', { active: true }),
          slot('gone', { active: false, walStatus: 'lost' }),
        ],
      }),
      standby('pg2'),
      standby('pg3'),
    ),
    [
      'broken | pg1: slot "gone" is lost | `pgrepl slot drop pg1 gone`',
      'warning | pg1: slot "old" belongs to no node of the cluster and holds 20 MB of WAL | `pgrepl slot drop pg1 old`',
      'warning | pg1: slot "older" belongs to no node of the cluster | `pgrepl slot drop pg1 older`',
    ],
  ],
  [
    'what a standby alone reads waits for nothing on a primary',
    stateWith(
      attachedPrimary({ settings: { primary_conninfo: setting('', { pendingRestart: true }) } }),
      standby('pg2'),
      standby('pg3'),
    ),
    [],
  ],
  [
    'a setting waits for a restart after which it would not start',
    stateWith(
      attachedPrimary({ settings: { max_connections: setting('100') } }),
      standby(
        'pg2',
        {},
        {
          settings: { max_connections: setting('100', { pendingRestart: true }) },
          fileSettings: [
            { name: 'max_connections', value: '50', file: '/pg/postgresql.conf', line: 7, applied: false },
          ],
        },
      ),
      standby('pg3'),
    ),
    [
      'warning | pg2: would not start again: a standby may not have less than its primary: max_connections = 50 (/pg/postgresql.conf line 7), and 100 on pg1 | Raise it there before it is restarted.',
    ],
  ],
  [
    'settings wait for a restart',
    stateWith(
      attachedPrimary(
        { settings: { wal_level: setting('replica', { pendingRestart: true }), port: setting('5432') } },
        { place: place({ service: { by: 'pg_ctlcluster', name: { major: 17, cluster: 'main' } } }) },
      ),
      standby('pg2'),
      standby('pg3'),
    ),
    [
      'warning | pg1: waits for a restart: wal_level | Restart it when it suits: `pg_ctlcluster 17 main restart`.',
    ],
  ],
  [
    'lines that are wrong',
    stateWith(
      attachedPrimary({
        fileErrors: [
          { file: '/pg/postgresql.conf', line: 3, name: 'wal_levle', error: 'unrecognized parameter' },
        ],
        hba: [
          { line: 7, databases: [], users: [], error: 'invalid authentication method "scrum"' },
          { line: 8, databases: ['all'], users: ['all'] },
        ],
      }),
      standby('pg2'),
      standby('pg3'),
    ),
    [
      'warning | pg1: /pg/postgresql.conf line 3: wal_levle: unrecognized parameter | Mend it and reload; until then it is not read, and the next start fails.',
      'warning | pg1: pg_hba.conf line 7: invalid authentication method "scrum" | Mend it and reload; until then it is not read, and the next start fails.',
    ],
  ],
  [
    'standby.signal in the data directory of a primary',
    stateWith(
      attachedPrimary({}, { place: place({ signals: ['standby.signal'] }) }),
      standby('pg2'),
      standby('pg3'),
    ),
    [
      'warning | pg1: standby.signal lies in the data directory of a primary: at its next start it is a standby | Take it away: `rm -- /pg/data/standby.signal`.',
    ],
  ],
  [
    'recovery.signal in the data directory of a primary',
    stateWith(
      attachedPrimary({}, { place: place({ signals: ['recovery.signal'] }) }),
      standby('pg2'),
      standby('pg3'),
    ),
    [
      'warning | pg1: recovery.signal lies in the data directory of a primary: at its next start it recovers from an archive | Take it away: `rm -- /pg/data/recovery.signal`.',
    ],
  ],
  ...(
    [
      [110022, 'is a standby, or recovers from an archive'],
      [120022, 'does not start'],
    ] as const
  ).map(([version, then]): [string, ClusterState, string[]] => [
    `recovery.conf in the data directory of a primary of ${version}`,
    stateWith(
      attachedPrimary(
        { version: version as ServerVersion },
        { place: place({ files: { included: [], recovery: { path: '/pg/data/recovery.conf', text: '' } } }) },
      ),
      standby('pg2'),
      standby('pg3'),
    ),
    [
      `warning | pg1: recovery.conf lies in the data directory of a primary: at its next start it ${then} | Take it away: \`rm -- /pg/data/recovery.conf\`.`,
    ],
  ]),
  [
    'what a switchover placed that was cut short',
    stateWith(
      attachedPrimary(
        {},
        {
          place: place({
            signals: ['standby.signal'],
            files: {
              included: [],
              auto: {
                path: '/pg/data/postgresql.auto.conf',
                text: "primary_conninfo = 'host=10.0.0.2 port=5432'\n",
              },
            },
          }),
        },
      ),
      standby('pg2'),
      standby('pg3'),
    ),
    [
      'warning | pg1: is placed to come back as a standby of pg2: a switchover to it runs, or was cut short | `pgrepl switchover pg2` goes on with it, `pgrepl switchover pg1` takes it back.',
    ],
  ],
  [
    'left over from its time as a standby',
    stateWith(
      attachedPrimary(
        {},
        {
          place: place({
            files: {
              auto: {
                path: '/pg/data/postgresql.auto.conf',
                text: "primary_conninfo = 'host=x'\nprimary_slot_name = ''\nwork_mem = '4MB'\n",
              },
              included: [],
            },
          }),
        },
      ),
      standby('pg2'),
      standby('pg3'),
    ),
    ['warning | pg1: left over in postgresql.auto.conf: primary_conninfo | `pgrepl promote pg1`'],
  ],
  [
    'commits wait',
    stateWith(
      attachedPrimary({
        settings: { synchronous_standby_names: setting('ANY 2 (pg2, pg3)') },
        walsenders: [
          walsender('pg2', { sync: 'quorum' }),
          walsender('pg3', { sync: 'quorum', state: 'catchup' }),
        ],
      }),
      standby('pg2'),
      standby('pg3'),
    ),
    [
      'broken | pg1: commits wait: synchronous_standby_names wants 2, and 1 of them stream | Bring the standby back, or let commits go on: `alter system set synchronous_standby_names to default` and reload.',
    ],
  ],
  [
    'commits that wait for nobody',
    stateWith(
      attachedPrimary({
        settings: { synchronous_standby_names: setting('pg9'), synchronous_commit: setting('local') },
      }),
      standby('pg2'),
      standby('pg3'),
    ),
    [],
  ],
  [
    'archiving failed, while it archived',
    stateWith(
      attachedPrimary({ archiver: { failing: true, ready: 12 }, settings: { archive_mode: setting('off') } }),
      standby('pg2', {}, { archiver: { failing: true }, settings: { archive_mode: setting('on') } }),
      standby('pg3'),
    ),
    [],
  ],
  [
    'archiving fails',
    stateWith(
      attachedPrimary({ archiver: { failing: true, ready: 12 }, settings: { archive_mode: setting('on') } }),
      standby('pg2'),
      standby('pg3'),
    ),
    ['warning | pg1: archiving fails, 12 segments wait | Its log has the message of archive_command.'],
  ],
];

describe('what is wrong', () => {
  test.each(cases)('%s', (_, state, wanted) => {
    expect(told(CLUSTER, state)).toEqual(wanted);
  });

  test('a server named by flags is judged by itself', () => {
    const alone: Cluster = { name: 'pg2', replication: { role: 'replicator' }, nodes: [node('pg2')] };
    expect(told(alone, stateWith(standby('pg2', {}, { slots: [slot('x', { active: false })] })))).toEqual([]);
  });

  test('standbys of a primary that the file does not name', () => {
    const nodes = [node('pg2'), node('pg3', { upstream: 'pg2' })];
    const state = stateWith(standby('pg2', {}, { walsenders: [walsender('pg3')] }), standby('pg3'));
    expect(told({ ...CLUSTER, nodes }, state)).toEqual([]);
  });
});

test.each([
  ['', 0],
  ['*', 1],
  ['pg2, pg3', 1],
  ['2 (pg2, pg3)', 2],
  ['FIRST 2 (pg2, pg3)', 2],
  ['any 3 (*)', 3],
])('synchronous_standby_names %j waits for %i', (names, wanted) => {
  expect(syncsWanted(names)).toBe(wanted);
});

test('a server that flags name is named so in hints', () => {
  const { file: _file, ...alone } = { ...CLUSTER, nodes: [node('pg2', { pgdata: '/a b' })] };
  const state = stateWith(detached('pg2'));
  expect(told(alone, state)).toEqual([
    "broken | pg2: does not stream: its upstream is 10.0.0.1:5432, and its log says why | `pgrepl doctor -D '/a b'`",
  ]);
  const refused = detached('pg2', { passwordRefused: true, conninfo: 'host=fd00::1 port=5433' });
  expect(told(alone, stateWith(refused))).toEqual([
    "broken | pg2: does not stream: [fd00::1]:5433 refuses the password in its password file | Its password was changed: `pgrepl follow -D /pg/data --upstream '[fd00::1]:5433' --password-file FILE` brings the new one (docs/operations/rotate-password.md).",
  ]);
});
