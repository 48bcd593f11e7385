import { expect, test } from 'vitest';
import { askOutside } from '../../src/ask/outside.ts';
import type { Ask } from '../../src/run/asking.ts';
import { nodeOf, standby } from '../plan/support/servers.ts';

test('a password in primary_conninfo goes by stdin, and into no argument', async () => {
  const asked: { argv: readonly string[]; stdin: string }[] = [];
  const ask: Ask = (_node, argv, { stdin = '' }) => {
    asked.push({ argv, stdin });
    return Promise.resolve({ code: 0, stdout: 'f\n', stderr: '', timedOut: false, ms: 1 });
  };
  const found = standby('b', {
    conninfo: "host=h port=1 user=r password='s e cret' sslpassword=key sslmode=require",
  });
  expect(await askOutside(nodeOf('b', 'a'), found, ask)).toMatchObject({ name: 'h:1', is: 'primary' });
  expect(asked[0]?.stdin).toMatch(/^s e/);
  expect(asked[0]?.argv.join(' ')).toContain('sslmode=require');
  expect(asked[0]?.argv.join(' ')).not.toMatch(/s e|key/);
});
