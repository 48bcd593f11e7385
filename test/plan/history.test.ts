import { expect, test } from 'vitest';
import { historyOf, parseHistory } from '../../src/plan/history.ts';

/** What PostgreSQL 15 said to each of these: test/fuzz/same.test.ts asks it again. */
test.each([
  [
    '1\t0/30000A0\tno recovery target specified\n\n# a comment\n\n2\t1/ABCDEF00\tbefore 2000-01-01\n',
    { 1: '0/30000A0', 2: '1/ABCDEF00' },
  ],
  ['', {}],
  ['  # a comment\n \t\n1 0/A', { 1: '0/A' }],
  ['+1 0x1/ -0X1 reason', { 1: '1/FFFFFFFF' }],
  ['1A/3', { 1: 'A/3' }],
  ['4294967297\t0/1', { 1: '0/1' }],
])('%j is read', (text, ends) => {
  const ended = Object.entries(ends).map(([timeline, end]) => ({ timeline: Number(timeline), end }));
  expect(parseHistory(5, text)).toEqual({ timeline: 5, ended });
});

test.each([
  ['1\t0/1\nsecond\t0/2\n', 2, 'does not begin with the number of a timeline'],
  ['1\n', 1, 'the position where the timeline was left is missing'],
  ['12/3', 1, 'the position where the timeline was left is missing'],
  ['1\t0 /3', 1, 'the position where the timeline was left is missing'],
  ['1\t0/G', 1, 'the position where the timeline was left is missing'],
  ['2\t0/1\n\n2\t0/2\n', 3, 'timeline 2 does not come after 2'],
  ['5\t0/1', undefined, 'timeline 5 is no parent of 5'],
  ['-1\t0/1', undefined, 'timeline 4294967295 is no parent of 5'],
])('%j is refused', (text, line, because) => {
  expect(parseHistory(5, text)).toEqual(line === undefined ? { because } : { line, because });
});

test('who, which file and which line', () => {
  expect(() => historyOf('pg1', 27, '1\t0/1\nx')).toThrow(
    'pg1: pg_wal/0000001B.history line 2: does not begin with the number of a timeline',
  );
  expect(() => historyOf('pg1', 2, '3\t0/1')).toThrow(
    'pg1: pg_wal/00000002.history: timeline 3 is no parent',
  );
  expect(historyOf('pg1', 1, 'x')).toEqual({ timeline: 1, ended: [] });
});
