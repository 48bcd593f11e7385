import { Chalk } from 'chalk';
import { expect, test } from 'vitest';
import { slotLines, slotTable, unknownSlots } from '../../src/report/slotTable.ts';
import {
  attachedPrimary,
  CLUSTER,
  empty,
  foreign,
  lsn,
  MB,
  mute,
  node,
  place,
  primary,
  slot,
  standby,
  stateWith,
  unreachable,
  walsender,
} from './fixtures.ts';

const at = { active: false, restartLsn: lsn('0/1000000') };
const state = stateWith(
  attachedPrimary(
    {
      slots: [
        slot('pg2'),
        slot('pg3', { ...at, held: 32 * MB, safeBytes: 100 * MB }),
        slot('old', { ...at, held: 5 * MB }),
        slot('gone', { ...at, walStatus: 'lost' }),
      ],
    },
    { place: place({ freeBytes: 1000 * MB }) },
  ),
  standby('pg2', {}, { slots: [slot('pg3', { ...at, held: 7 * MB })] }),
  standby('pg3'),
);

test('what is held for whom, until when, and what to do', () => {
  const lines = slotLines(CLUSTER, state, new Map([['pg1', MB]]));
  const problems = lines.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  expect(slotTable(lines, problems, { width: 100, color: new Chalk({ level: 0 }), unicode: false })).toBe(
    `node  slot  used by  state     holds  wal       grows   full in
pg1   pg2   pg2      active    0 B    reserved  -       -
pg1   pg3   pg3      inactive  32 MB  reserved  1 MB/s  1 min 40 s
pg1   old   -        inactive  5 MB   reserved  1 MB/s  16 min 40 s
pg1   gone  -        inactive  0 B    lost      1 MB/s  16 min 40 s
pg2   pg3   pg3      inactive  7 MB   reserved  -       -

x pg1: slot old belongs to no node of the cluster, and holds 5 MB
  -> pgrepl slot drop pg1 old
x pg1: slot gone is lost: WAL that it needs is gone
  -> pgrepl slot drop pg1 gone
x pg2: slot pg3 holds 7 MB for pg3, which streams from pg1
  -> pgrepl slot drop pg2 pg3
`,
  );
});

test('without a file: who is connected, where the server shows it', () => {
  const alone = { ...CLUSTER, nodes: CLUSTER.nodes.slice(0, 1) };
  const { file: _file, ...unnamed } = alone;
  const found = attachedPrimary({
    walsenders: [walsender('pg2', { pid: 8, address: '10.0.0.2' }), walsender('', { pid: 9 })],
    slots: [
      slot('a', { activePid: 8 }),
      slot('b', { activePid: 9 }),
      slot('c', { activePid: 10 }),
      slot('d', at),
    ],
  });
  const lines = slotLines(unnamed, stateWith(found), new Map());
  const look = { width: 100, color: new Chalk({ level: 0 }), unicode: false };
  expect(slotTable(lines, [], look)).toBe(
    `node  slot  used by         state     holds  wal       grows  full in
pg1   a     pg2 (10.0.0.2)  active    0 B    reserved  -      -
pg1   b     process 9       active    0 B    reserved  -      -
pg1   c     process 10      active    0 B    reserved  -      -
pg1   d     -               inactive  0 B    reserved  -      -
`,
  );
  expect(lines.map(({ client }) => client)).toEqual([
    { pid: 8, applicationName: 'pg2', address: '10.0.0.2' },
    { pid: 9, applicationName: '', address: null },
    { pid: 10, applicationName: null, address: null },
    null,
  ]);
});

test.each([
  [empty('pg2'), 'pg2: has no data yet: /pg/data', 'clone-standby pg2'],
  [foreign('pg2'), 'pg2: /pg/data is no data directory and not empty: photo.jpg', 'another directory'],
  [mute('pg2', true), 'pg2: is starting: ', 'Wait'],
  [mute('pg2', false), 'pg2: a server runs and does not answer: ', 'doctor pg2'],
  [unreachable('pg2'), 'pg2: unreachable: connection timed out', ''],
])('why there are no slots: %j', (found, said, hint) => {
  const [, pg2 = node('pg2')] = CLUSTER.nodes;
  const problem = unknownSlots(CLUSTER, stateWith(primary('pg1'), found), pg2);
  expect(problem.message).toContain(said);
  expect(problem.message).toMatch(/; its slots are not known$/);
  expect(problem.hint ?? '').toContain(hint);
});
