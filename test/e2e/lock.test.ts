import { spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { holdLock } from './support/lockHolder.ts';
import { freePort } from './support/machine.ts';
import { pgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';

/** Who holds a lock: another pgrepl, or the shell that one left behind when its connection was cut. */

const dir = scratch();
const pgdata = join(dir, 'data');

let release = (): void => undefined;
afterEach(() => release());

async function held(pid: number, host: string): Promise<void> {
  release = await holdLock(pgdata, `pgrepl switchover, pid ${pid} of root on ${host}, since now`);
}

/** No password is named: with the lock in hand this is refused (3), without it somebody else works (8). */
const run = async () => pgrepl(['init-primary', '-D', pgdata, '-p', String(await freePort())]);

/** A process id that nobody has: that of a program that has ended. */
async function dead(): Promise<number> {
  const child = spawn('true');
  await new Promise((resolve) => child.on('close', resolve));
  return child.pid ?? 0;
}

test('the lock of a pgrepl of this machine that is dead is taken over', async () => {
  await held(await dead(), hostname());
  const ended = await run();
  expect(ended.code, ended.stderr).toBe(3);
});

test('the lock of one that lives, or of another machine, is not', async () => {
  await held(process.pid, hostname());
  expect((await run()).code).toBe(8);
  release();
  await held(await dead(), 'elsewhere');
  const ended = await run();
  expect(ended.code).toBe(8);
  expect(ended.stderr).toContain('another pgrepl works on it: pgrepl switchover, pid');
});
