import { spawn, type ChildProcess } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { as, freePort, OWNER, waitFor } from './support/machine.ts';
import { pgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';

/** Who holds a lock: another pgrepl, or the shell that one left behind when its connection was cut. */

const dir = scratch();
const pgdata = join(dir, 'data');
const lock = `/tmp/.pgrepl-${OWNER}-${pgdata.slice(1).replaceAll('/', '%')}.lock`;
const HOLD =
  'exec 9<>"$1"; flock -n 9 || exit 1; printf "pgrepl switchover, pid %s of root on %s, since now, shell %s\\n" "$2" "$3" "$$" >"$1"; echo held; exec sleep 60';

let holder: ChildProcess | undefined;
afterEach(() => holder?.kill());

async function held(pid: number, host: string): Promise<void> {
  const [program = '', ...rest] = as(OWNER, ['sh', '-c', HOLD, 'hold', lock, String(pid), host]);
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'ignore'] });
  holder = child;
  let said = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  await waitFor(() => said.includes('held'), { what: 'the lock is held' });
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
  holder?.kill();
  await held(await dead(), 'elsewhere');
  const ended = await run();
  expect(ended.code).toBe(8);
  expect(ended.stderr).toContain('another pgrepl works on it: pgrepl switchover, pid');
});
