import { expect, test } from 'vitest';
import { document } from '../../src/report/json.ts';
import { Secret } from '../../src/tools/words.ts';

test('the document of the contract', () => {
  const made = document({
    command: 'switchover',
    outcome: 'done',
    changed: true,
    ms: 812.4,
    extra: { writeOutageMs: 90 },
    steps: [
      {
        node: 'pg2',
        why: 'copy pg1',
        do: 'run',
        argv: ['pg_basebackup', { ref: 'slot' }, 'password=abc'],
        stdin: ['a', new Secret('geheim')],
        ms: 403,
      },
      {
        node: 'pg2',
        why: 'pass',
        do: 'write',
        path: '/p',
        content: [new Secret('geheim')],
        mode: '0600',
        lane: 'x',
      },
      { node: 'pg2', why: 'streams', do: 'expect', argv: ['psql'], stdout: 't', seconds: 5 },
    ],
  });
  expect(JSON.parse(JSON.stringify(made))).toEqual({
    command: 'switchover',
    outcome: 'done',
    status: 0,
    changed: true,
    ms: 812,
    writeOutageMs: 90,
    nodes: [],
    steps: [
      {
        node: 'pg2',
        why: 'copy pg1',
        do: 'run',
        argv: ['pg_basebackup', '$slot', 'password=••••••'],
        stdin: 'a••••••',
        ms: 403,
      },
      { node: 'pg2', why: 'pass', do: 'write', lane: 'x', path: '/p', mode: '0600', content: '••••••' },
      { node: 'pg2', why: 'streams', do: 'expect', argv: ['psql'], stdout: 't', seconds: 5 },
    ],
    refusals: [],
    error: null,
  });
  expect(JSON.stringify(made)).not.toContain('geheim');
});

test('a bad end has every cause', () => {
  const error = [{ message: 'pg1: unreachable', hint: 'ping it' }, { message: 'pg2: stopped' }];
  const made = document({ command: 'promote', outcome: 'unreachable', changed: false, ms: 1, error });
  expect(made).toMatchObject({
    status: 4,
    error: { message: 'pg1: unreachable', hint: 'ping it', problems: error },
  });
});

test.each([
  ['usage', 'refused', 2],
  ['fault', 'failed', 1],
  ['to-do', 'planned', 10],
  ['healthy', 'done', 0],
  ['rolled-back', 'rolled-back', 6],
  ['split-brain', 'split-brain', 11],
] as const)('%s is told as %s, with status %i', (outcome, told, status) => {
  expect(document({ command: 'promote', outcome, changed: false, ms: 1 })).toMatchObject({
    outcome: told,
    status,
  });
});
