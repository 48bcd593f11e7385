import { Chalk } from 'chalk';
import { expect, test } from 'vitest';
import { slotLines, slotTable } from '../../src/report/slotTable.ts';
import { attachedPrimary, CLUSTER, lsn, MB, place, slot, standby, stateWith } from './fixtures.ts';

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
