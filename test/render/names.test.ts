import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSlotName, slotName } from '../../src/cluster/slot.ts';
import { applicationName, nameAtUpstream, syncStandbyNames } from '../../src/render/names.ts';

test.each([
  ['PG-2 "x"', 'PG-2 "x"'],
  ['größe', 'gr__e'],
  ['', '_'],
  ['x'.repeat(64), 'x'.repeat(63)],
])('applicationName %j', (node, name) => expect(applicationName(node)).toBe(name));

test('at its upstream a node has its own name, or the one that goes with its port', () => {
  expect(nameAtUpstream({ name: 'größe' })).toBe('gr__e');
  expect(nameAtUpstream({ name: 'vm', seenAs: 'vm_5433' })).toBe('vm_5433');
});

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
