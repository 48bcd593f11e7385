import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { holdLock, lockOf } from './support/lockHolder.ts';
import { waitFor, withoutPg } from './support/machine.ts';
import { startPgrepl } from './support/pgrepl.ts';
import { sql } from './support/server.ts';
import { endsWith, isSound, isUnchanged, seen, trioWithWriter } from './support/swapping.ts';

/** Three servers whose roles go round; a writer runs through all of it. */
const stage = trioWithWriter();

test('roles are swapped, everybody follows, and the outage is told as a client saw it', async () => {
  await isSound(stage, 'pg1');
  const before = stage.writer.outageMs;
  const { stdout, stderr } = endsWith(await stage.run('switchover', 'pg2', '--json'), 0);
  const told = JSON.parse(stdout) as { writeOutageMs: number };
  expect(told).toMatchObject({
    command: 'switchover',
    outcome: 'done',
    changed: true,
    status: 0,
    error: null,
    nodes: [
      { name: 'pg1', role: 'standby', upstream: 'pg2' },
      { name: 'pg2', role: 'primary' },
      { name: 'pg3', role: 'standby', upstream: 'pg2' },
    ],
  });
  expect(stderr).toBe('');
  await isSound(stage, 'pg2');
  expect(stage.writer.outageMs).toBeGreaterThan(before);
  // The writer must connect anew, our client need not.
  expect(told.writeOutageMs).toBeGreaterThan(10);
  expect(told.writeOutageMs).toBeLessThan(stage.writer.outageMs + 100);
  await isUnchanged(stage, 'pg2');
});

test('people are told the same in one line, and what is cut', async () => {
  const { stderr } = endsWith(await stage.run('switchover', 'pg1'), 0);
  expect(stderr).toMatch(/^note: pg2: \d+ sessions? (is|are) cut$/m);
  expect(stderr).toMatch(/^writes were not possible for \d+ ms$/m);
  await isSound(stage, 'pg1');
});

test('the plan as a shell script does the same', async () => {
  const script = endsWith(await stage.run('switchover', 'pg3', '--dry-run=sh'), 0).stdout;
  const path = join(stage.dir, 'switchover.sh');
  writeFileSync(path, script);
  const secret = readFileSync(join(stage.dir, 'pgrepl.password'), 'utf8').trimEnd();
  const needs = [...new Set(script.match(/PGREPL_SECRET_\d+/g))];
  expect(script).not.toContain(secret);
  const env = { ...withoutPg(), ...Object.fromEntries(needs.map((name) => [name, secret])) };
  const ended = spawnSync('sh', [path], { env, encoding: 'utf8', timeout: 60_000 });
  expect([ended.status, ended.stderr]).toEqual([0, expect.stringContaining('it streams from pg3')]);
  await isSound(stage, 'pg3');
  await isUnchanged(stage, 'pg3');
});

test('of two at the same time one is told that the other one works', async () => {
  const both = await Promise.all([
    stage.run('switchover', 'pg1', '--json'),
    stage.run('switchover', 'pg1', '--json'),
  ]);
  const [first, second] = both.map(({ code }) => code).toSorted((a, b) => a - b);
  expect([first, second]).toEqual([0, 8]);
  await isSound(stage, 'pg1');
});

test('a run that began at the same instant gives up what it took where another has the first lock', async () => {
  const now = (): string =>
    `pgrepl switchover, pid 1 of root on elsewhere, since ${new Date().toISOString()}`;
  const before = 'pgrepl switchover, pid 1 of root on elsewhere, since 2020-01-01T00:00:00.000Z';
  for (const [name, holder] of [
    ['pg1', now()],
    ['pg3', before],
  ] as const) {
    const release = await holdLock(stage.data(name), holder);
    const refused = endsWith(await stage.run('switchover', 'pg2'), 8);
    expect(refused.stderr).toContain(`${name}: another pgrepl works on it: ${holder}`);
    expect(refused.ms).toBeLessThan(4000);
    release();
  }
  const release = await holdLock(stage.data('pg3'), now());
  const { child, ended } = startPgrepl(['switchover', 'pg2', '--yes', '-c', stage.file]);
  await waitFor(() => readFileSync(lockOf(stage.data('pg1')), 'utf8').includes(`pid ${child.pid} `), {
    what: 'it has the first lock',
  });
  release();
  endsWith(await ended, 0);
  await isSound(stage, 'pg2');
  endsWith(await stage.run('switchover', 'pg1'), 0);
});

test('the one that is the primary already is left so, and --check says the same', async () => {
  await isUnchanged(stage, 'pg1');
  expect((await stage.run('switchover', 'pg1', '--check')).code).toBe(0);
  expect((await stage.run('switchover', 'pg2', '--check')).code).toBe(10);
  expect((await stage.run('switchover', 'pg2', '--dry-run')).stdout).toContain('no way back');
  await isSound(stage, 'pg1');
});

test('a cascade keeps its tree', async () => {
  endsWith(await stage.run('follow', 'pg3', '--upstream', 'pg2'), 0);
  endsWith(await stage.run('switchover', 'pg2'), 0);
  await isSound(stage, 'pg2');
  endsWith(await stage.run('follow', 'pg3', '--upstream', 'pg1'), 0);
  await waitFor(() => seen(stage, 'pg1').slots.length === 1, { what: 'pg3 is below pg1' });
  endsWith(await stage.run('switchover', 'pg1'), 0);
  await isSound(stage, 'pg1');
  endsWith(await stage.run('follow', 'pg3', '--upstream', 'pg2'), 0);
  const said = endsWith(await stage.run('switchover', 'pg3', '--json'), 3).json();
  expect(said.refusals).toEqual([
    {
      message: 'pg3: does not stream from pg1',
      hint: 'pgrepl status says why; pgrepl follow pg3 --upstream pg1 moves it there',
    },
  ]);
  expect(sql(stage.data('pg1'), 'SELECT pg_is_in_recovery();')).toBe('f');
  endsWith(await stage.run('follow', 'pg3', '--upstream', 'pg1'), 0);
});
