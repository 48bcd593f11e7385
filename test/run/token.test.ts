import { expect, test } from 'vitest';
import { newToken } from '../../src/run/token.ts';

test('a token is one word of the same length, and another one each time', () => {
  const tokens = Array.from({ length: 1000 }, newToken);
  expect(new Set(tokens).size).toBe(1000);
  for (const token of tokens) expect(token).toMatch(/^@[0-9a-z]{20}$/);
});
