import { expect, test } from 'vitest';
import { isNodeName, parseDebianName } from '../../src/cluster/name.ts';
import { pathFault, samePath } from '../../src/cluster/path.ts';
import { similar } from '../../src/cluster/similar.ts';
import { isSlotName, slotName } from '../../src/cluster/slot.ts';

test.each([
  ['pg1', true],
  ['_', true],
  ['1', true],
  ['db-1.example.com', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['', false],
  ['-a', false],
  ['.', false],
  ['a b', false],
  ['a/b', false],
  ['a\n', false],
  ['ä', false],
  ['__proto__', false],
])('node name %j: %s', (text, fine) => expect(isNodeName(text)).toBe(fine));

test.each([
  ['17/main', { major: 17, cluster: 'main' }],
  ['10/a-b', { major: 10, cluster: 'a-b' }],
  ['9.6/main', undefined],
  ['9/main', undefined],
  ['17/', undefined],
  ['17/a/b', undefined],
  ['/17/main', undefined],
  ['17/main\n', undefined],
])('Debian name %j', (text, name) => expect(parseDebianName(text)).toEqual(name));

test.each([
  ['pg1', 'pg1'],
  ['PG-1', 'pg_1'],
  ['db-1.example.com', 'db_1_example_com'],
  ['a'.repeat(70), 'a'.repeat(63)],
])('slot of %s: %s', (node, slot) => {
  expect(slotName(node)).toBe(slot);
  expect(isSlotName(slot)).toBe(true);
});

test.each([
  ['/var/lib/pg', undefined],
  ["/with space/and 'quote'", undefined],
  ['relative', /absolute/],
  ['', /absolute/],
  ['~/data', /absolute/],
  ['/', /root/],
  ['//', /root/],
  ['/a/..', /root/],
  ['/a\nb', /newline/],
  ['/a\0b', /NUL/],
])('path %j', (path, wrong) => {
  if (wrong === undefined) expect(pathFault(path)).toBeUndefined();
  else expect(pathFault(path)).toMatch(wrong);
});

test.each([
  ['/a/b', '/a/b/', true],
  ['/a//b', '/a/./b', true],
  ['/a/b', '/a/c', false],
])('%s and %s: %s', (a, b, same) => expect(samePath(a, b)).toBe(same));

test.each([
  ['upstraem', 'upstream'],
  ['PGDATA', 'pgdata'],
  ['prt', 'port'],
  ['zzz', undefined],
])('%s means %s', (word, meant) => expect(similar(word, ['upstream', 'pgdata', 'port'])).toBe(meant));
