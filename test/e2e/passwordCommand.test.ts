import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { pgrepl, type Result } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';

/** `password: {command: ...}` may ask a person: it is run when it is needed, and once. */

const dir = scratch();
const ran = join(dir, 'ran');
const file = join(dir, 'pgrepl.yaml');
const command = JSON.stringify(['sh', '-c', `echo ran >>'${ran}'; echo secret of the role`]);
writeFileSync(
  file,
  `cluster: shop
replication: { password: { command: ${command} } }
nodes:
  pg1: { pgdata: ${dir}/pg1 }
  pg2: { pgdata: ${dir}/pg2, upstream: pg1, port: 5433 }
`,
);

afterEach(() => rmSync(ran, { force: true }));

function run(words: readonly string[]): Promise<Result> {
  return pgrepl([...words, '-c', file]);
}

const VERBS: readonly (readonly string[])[] = [
  ['init-primary', 'pg1'],
  ['clone-standby', 'pg2'],
  ['promote', 'pg2'],
  ['switchover', 'pg2'],
  ['follow', 'pg2', '--upstream', 'pg1'],
  ['rejoin', 'pg2'],
  ['doctor'],
];

describe.each(VERBS)('%s', (...verb) => {
  test.each([
    ['a value that is wrong', ['--timeout', '0']],
    ['an option that is unknown', ['--bogus']],
    ['an option that is unknown, and a word', ['--bogus', 'pg1']],
    ['an argument too many', ['pg1', 'pg2', 'pg3']],
    ['an option without its value', ['--timeout']],
    ['a role that cannot be', ['--replication-role', 'pg_x']],
  ])('%s does not run it', async (_what, more) => {
    expect(await run([...verb, ...more])).toMatchObject({ code: 2 });
    expect(existsSync(ran)).toBe(false);
  });

  test('nor does help, nor a node that is not there', async () => {
    expect(await run([...verb, '--help'])).toMatchObject({ code: 0 });
    const [name = ''] = verb;
    expect(await run([name, 'pg9', ...verb.slice(2)])).toMatchObject({ code: 2 });
    expect(existsSync(ran)).toBe(false);
  });

  test('a command line that is right runs it once', async () => {
    const { stdout, stderr } = await run([...verb, ...(verb[0] === 'doctor' ? [] : ['--check', '--json'])]);
    expect(readFileSync(ran, 'utf8')).toBe('ran\n');
    expect(stdout + stderr).not.toContain('secret of the role');
  });
});

test('status and verify do without', async () => {
  await run(['status']);
  await run(['verify']);
  expect(existsSync(ran)).toBe(false);
});
