import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applicationName, isSlotName, slotName, syncStandbyNames } from '../../src/render/names.ts';

test.each([
  ['pg2', 'pg2'],
  ['PG-2.example', 'pg_2_example'],
  ['größe', 'gr__e'],
  ['', '_'],
  ['x'.repeat(63), 'x'.repeat(63)],
  ['x'.repeat(64), 'x'.repeat(63)],
])('slotName %j', (node, slot) => expect(slotName(node)).toBe(slot));

test.each([
  ['a_1', true],
  ['', false],
  ['A', false],
  ['a-b', false],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['a\n', false],
])('isSlotName %j', (name, is) => expect(isSlotName(name)).toBe(is));

test.each([
  ['PG-2 "x"', 'PG-2 "x"'],
  ['größe', 'gr__e'],
  ['', '_'],
  ['x'.repeat(64), 'x'.repeat(63)],
])('applicationName %j', (node, name) => expect(applicationName(node)).toBe(name));

test('any node has names, and they stay', () =>
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (node) => {
      expect(isSlotName(slotName(node))).toBe(true);
      expect(slotName(slotName(node))).toBe(slotName(node));
      expect(applicationName(node)).toMatch(/^[ -~]{1,63}$/);
    }),
  ));

describe('syncStandbyNames', () => {
  test.each([
    ['a', 'first', 1, ['a']],
    ['a, b', 'first', 1, ['a', 'b']],
    ['*', 'first', 1, ['*']],
    ['FIRST 2 (a,b)', 'first', 2, ['a', 'b']],
    ['first 2(a , B)', 'first', 2, ['a', 'B']],
    ['ANY 1 (*)', 'any', 1, ['*']],
    ['2 (a, b)', 'first', 2, ['a', 'b']],
    ['1, 2', 'first', 1, ['1', '2']],
    ['firsts', 'first', 1, ['firsts']],
    ['"any", "a""b c"', 'first', 1, ['any', 'a"b c']],
    ['größe, a$1', 'first', 1, ['größe', 'a$1']],
  ])('%s', (value, method, number, names) =>
    expect(syncStandbyNames(value)).toEqual({ method, number, names }),
  );

  test.each([
    '',
    ' ',
    'any',
    'a b',
    'a,',
    ',a',
    'FIRST (a)',
    'FIRST 1 a',
    '1 (a',
    '1 ()',
    'a-b',
    '"open',
    'a, first',
  ])('none in %j', (value) => expect(syncStandbyNames(value)).toBeUndefined());
});
