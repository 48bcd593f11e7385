import { Chalk } from 'chalk';
import { describe, expect, test } from 'vitest';
import { assess } from '../../src/report/health.ts';
import { lengthOf } from '../../src/report/paint.ts';
import { guestRows, nodeRows } from '../../src/report/rows.ts';
import { sparkline, statusTree } from '../../src/report/tree.ts';
import {
  attachedPrimary,
  CLUSTER,
  detached,
  lsn,
  node,
  slot,
  standby,
  stateWith,
  walsender,
} from './fixtures.ts';

const color = new Chalk({ level: 0 });

const cluster = { ...CLUSTER, nodes: [...CLUSTER.nodes, node('pg4', { upstream: 'pg2' })] };
const healthy = stateWith(
  attachedPrimary({}, { current: lsn('0/5004000') }),
  standby('pg2', { lagSeconds: 0.4 }, { walsenders: [walsender('pg4')] }),
  standby('pg3', { replayed: lsn('0/5004000') }),
  standby('pg4', { lagSeconds: 75 }),
);
const sick = stateWith(
  attachedPrimary({
    walsenders: [walsender('pg2')],
    slots: [slot('pg2'), slot('pg3', { active: false, walStatus: 'lost' })],
  }),
  standby('pg2'),
  detached('pg3'),
);

function drawn(state: typeof healthy, width: number, unicode = true): string {
  return statusTree(nodeRows(cluster, state), assess(cluster, state), { width, color, unicode });
}

test('with the recent lag, and who is no node of the cluster', () => {
  const one = { ...CLUSTER, nodes: CLUSTER.nodes.slice(1, 2) };
  const alone = stateWith(standby('pg2', {}, { walsenders: [walsender('other', { address: '10.0.0.9' })] }));
  const history = new Map([['pg2', [0, 700, 100]]]);
  const look = { width: 90, color, unicode: true, history };
  expect(statusTree([...nodeRows(one, alone), ...guestRows(one, alone)], [], look)).toBe(
    `
node                    role     state      tl  lag  late  slot   sync   recent lag
10.0.0.1:5432           unknown  elsewhere  -   -    -     -      -
└─ pg2                  standby  streaming  1   -    0 s   pg2    -      ▁█▂
   └─ other (10.0.0.9)  standby  streaming  -   -    -     other  async

healthy
`.slice(1),
  );
});

describe('the tree', () => {
  test('on a wide terminal', () => {
    expect(drawn(healthy, 100)).toBe(
      `
node       role     state      tl  lag    late        slot  sync
pg1        primary  running    1   -      -           -     -
├─ pg2     standby  streaming  1   16 kB  0.4 s       pg2   async
│  └─ pg4  standby  streaming  1   16 kB  1 min 15 s  pg4   async
└─ pg3     standby  streaming  1   0 B    0 s         pg3   async

! pg4: lags 16 kB and 1 min 15 s behind
  → pgrepl doctor pg4
`.slice(1),
    );
  });

  test('on one of 40 columns', () => {
    expect(drawn(healthy, 40)).toBe(
      `
node       role     state      lag
pg1        primary  running    -
├─ pg2     standby  streaming  16 kB
│  └─ pg4  standby  streaming  16 kB
└─ pg3     standby  streaming  0 B

! pg4: lags 16 kB and 1 min 15 s behind
  → pgrepl doctor pg4
`.slice(1),
    );
  });

  test('what is wrong, without Unicode', () => {
    expect(drawn(sick, 50, false)).toBe(
      `
node    role     state          tl  lag  late
pg1     primary  running        1   -    -
|- pg2  standby  streaming      1   0 B  0 s
\`- pg3  standby  not streaming  1   0 B  0 s

x pg3: does not stream from pg1: its slot "pg3" is
  lost, WAL that it needs is gone
  -> pgrepl clone-standby pg3 --replace
`.slice(1),
    );
  });

  test.each([40, 47, 55, 63, 80])('fits %i columns, but for a command to copy', (width) => {
    const long = { ...cluster, nodes: cluster.nodes.map((each) => ({ ...each })) };
    const rows = nodeRows(long, sick).map((row) => ({
      ...row,
      name: `${row.name}-in-a-far-away-data-centre`,
    }));
    const lines = statusTree(rows, assess(long, sick), { width, color }).split('\n');
    expect(Math.max(...lines.filter((line) => !line.includes('pgrepl ')).map(lengthOf))).toBeLessThanOrEqual(
      width,
    );
  });

  test('nodes that name each other hang from the first of them', () => {
    const state = stateWith(
      detached('pg1', { conninfo: 'host=10.0.0.2' }),
      detached('pg2', { conninfo: 'host=10.0.0.1' }),
    );
    expect(drawn(state, 24).split('\n').slice(0, 3)).toEqual([
      'node    state',
      'pg1     not streaming',
      '└─ pg2  not streaming',
    ]);
  });

  test('healthy', () => {
    const state = stateWith(attachedPrimary(), standby('pg2'), standby('pg3'));
    expect(drawn(state, 80).endsWith('\n\nhealthy\n')).toBe(true);
  });

  test('colours do not move the columns', () => {
    const colored = statusTree(nodeRows(cluster, healthy), [], {
      width: 100,
      color: new Chalk({ level: 1 }),
    });
    const escape = String.fromCharCode(27);
    expect(colored).toContain(escape);
    expect(colored.replaceAll(new RegExp(`${escape}\\[\\d+m`, 'g'), '').split('\n')[1]).toBe(
      'pg1        primary  running    1   -      -           -     -',
    );
  });
});

test.each([
  [[], true, ''],
  [[0, 0], true, '▁▁'],
  [[0, 5, 10], true, '▁▅█'],
  [[0, 2, 4, 8], false, '_-=#'],
])('sparkline of %j', (values, unicode, wanted) => {
  expect(sparkline(values, unicode)).toBe(wanted);
});
