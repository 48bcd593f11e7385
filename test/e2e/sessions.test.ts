import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Step } from '../../src/plan/plan.ts';
import { openPsqls } from '../../src/run/psqls.ts';
import { psql } from '../../src/tools/psql.ts';
import { OWNER, as, freePort, program } from './support/machine.ts';
import { scratch } from './support/scratch.ts';
import { newServer, sql, startServer, stopServer } from './support/server.ts';

/** A session that is kept answers as a psql of its own would, whatever happens to its server. */
const pgdata = join(scratch(), 'data');
const psqls = openPsqls((_, argv) => as(OWNER, argv));
const step = { node: 'a', why: 'ask' } as Step;
let port = 0;

beforeAll(async () => {
  port = await freePort();
  newServer(pgdata, port);
});
afterAll(() => psqls.close());

function ask(stdin: string, seconds = 20) {
  const at = { psql: program('psql'), socketDir: '/tmp', port, user: OWNER, database: 'postgres' };
  return psqls.ask(step, psql(at), { stdin: `${stdin}\n`, seconds });
}

test('answers come whole and apart, in one session', async () => {
  const [first, second] = await Promise.all([
    ask(`SELECT pg_backend_pid();`),
    ask(`SELECT pg_backend_pid(); SELECT E'two\\nlines';`),
  ]);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(second.stdout).toBe(`${first.stdout}two\nlines\n`);
  expect(await ask('')).toMatchObject({ code: 0, stdout: '' });
  expect((await ask(`SELECT repeat('x', 300000);`)).stdout).toHaveLength(300001);
});

test('the first error ends it with the status of psql, and the next question finds another one', async () => {
  const ended = await ask('SELECT 1; SELECT 1/0; SELECT 2;');
  expect(ended).toMatchObject({
    code: 3,
    stdout: '1\n',
    stderr: expect.stringContaining('division by zero'),
  });
  expect(await ask('SELECT 3;')).toMatchObject({ code: 0, stdout: '3\n' });
  await ask('BEGIN; SELECT 1/0;');
  expect(await ask('SELECT 4;')).toMatchObject({ code: 0, stdout: '4\n' });
});

test('a server that was restarted is asked again without a word', async () => {
  expect(await ask('SELECT 1;')).toMatchObject({ code: 0 });
  stopServer(pgdata);
  expect((await ask('SELECT 1;')).code).not.toBe(0);
  startServer(pgdata);
  expect(await ask('SELECT 5;')).toMatchObject({ code: 0, stdout: '5\n' });
  stopServer(pgdata, 'immediate');
  startServer(pgdata);
  psqls.doubt('a');
  expect(await ask('SELECT 6;')).toMatchObject({ code: 0, stdout: '6\n' });
});

test('one that does not answer in time is left, and nothing of it comes later', async () => {
  expect(await ask('SELECT pg_sleep(30);', 0.3)).toMatchObject({ code: undefined, timedOut: true });
  expect(await ask('SELECT 7;')).toMatchObject({ code: 0, stdout: '7\n' });
});

test('a reload is seen in it as in a new one', async () => {
  const before = (await ask('SELECT pg_conf_load_time();')).stdout.trim();
  expect(await ask('SELECT pg_reload_conf();')).toMatchObject({ stdout: 't\n' });
  for (let tries = 0; ; tries += 1) {
    const { stdout } = await ask(`SELECT pg_conf_load_time() > '${before}';`);
    if (stdout === 't\n') break;
    expect(tries).toBeLessThan(5000);
  }
  expect(sql(pgdata, `SELECT pg_conf_load_time() > '${before}';`)).toBe('t');
});
