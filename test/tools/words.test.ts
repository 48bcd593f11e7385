import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quoteWord, quoteWords, redacted, Secret, sqlIdentifier, sqlLiteral } from '../../src/tools/words.ts';

test.each([
  ['plain', 'plain'],
  ['/a-b_c.d:e=f,g@h%i+j', '/a-b_c.d:e=f,g@h%i+j'],
  ['', `''`],
  ['a b', `'a b'`],
  [`it's`, `'it'\\''s'`],
  ['~', `'~'`],
  ['é', `'é'`],
])('%s for a shell', (word, quoted) => {
  expect(quoteWord(word)).toBe(quoted);
});

test('a shell reads back whatever was quoted', () => {
  const word = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));
  const several = fc.array(word, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(several, (words) => {
      const out = execFileSync('sh', ['-c', `printf '%s\\0' ${quoteWords(words)}`]).toString();
      expect(out.split('\0').slice(0, -1)).toEqual(words);
    }),
    { numRuns: 60 },
  );
});

describe('SQL', () => {
  test.each([
    ['a', `'a'`],
    [`it's`, `'it''s'`],
    [`back\\slash's`, `E'back\\\\slash''s'`],
  ])('%s as a literal', (value, literal) => expect(sqlLiteral(value)).toBe(literal));

  test('a name', () => expect(sqlIdentifier('a"b')).toBe('"a""b"'));
});

test('a secret prints as dots, whoever prints it', () => {
  const secret = new Secret('hush');
  expect(`${String(secret)} ${JSON.stringify({ secret })} ${redacted(['a', secret, { ref: 'r' }])}`).toBe(
    '•••••• {"secret":"••••••"} a••••••$r',
  );
  expect(secret.reveal()).toBe('hush');
});
