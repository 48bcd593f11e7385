import { expect, test } from 'vitest';
import { isSlotName, slotName } from '../../src/cluster/slot.ts';

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
