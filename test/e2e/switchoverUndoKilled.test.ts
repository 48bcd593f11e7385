import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pgrepl, type Result } from './support/pgrepl.ts';
import { socketOf } from './support/server.ts';
import { endsWith, isSound, isUnchanged, trioWithWriter } from './support/swapping.ts';

/** The candidate does not replay, all is taken back, and pgrepl is killed in that, after each of its steps. */
const stage = trioWithWriter();

/** The process that replays, found without the server's help: it may be in the middle of anything. */
function startupOf(name: string): number {
  const { pid } = socketOf(stage.data(name));
  const found = readdirSync('/proc').find((each) => {
    if (!/^\d+$/.test(each)) return false;
    try {
      const parent = /\) \S (\d+)/.exec(readFileSync(`/proc/${each}/stat`, 'utf8'))?.[1];
      return Number(parent) === pid && /startup/.test(readFileSync(`/proc/${each}/cmdline`, 'utf8'));
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`${name}: no startup process`);
  return Number(found);
}

/** Steps of the way back that are done; undefined before it began. */
function undone(stderr: string): number | undefined {
  const [, after] = stderr.split(/^✗ .*$/m);
  return after === undefined ? undefined : (after.match(/^✓/gm) ?? []).length;
}

/** A switchover whose way back is cut short by SIGKILL when so many of its steps are done. */
async function killedAfter(steps: number): Promise<Result> {
  const startup = startupOf('pg2');
  process.kill(startup, 'SIGSTOP');
  try {
    return await pgrepl(['switchover', 'pg2', '--timeout', '2', '-c', stage.file], {
      onStderr: (text, child) => {
        if ((undone(text) ?? -1) >= steps) child.kill('SIGKILL');
      },
    });
  } finally {
    process.kill(startup, 'SIGCONT');
  }
}

/** As it is told, as often as another one is said to be at work still: what was begun comes to its end first. */
async function again(to: string): Promise<Result> {
  let ended = await stage.run('switchover', to, '--json');
  for (let tries = 0; ended.code === 8 && tries < 20; tries += 1)
    ended = await stage.run('switchover', to, '--json');
  return endsWith(ended, 0);
}

/** The way back of three nodes, as the golden plan has it: none more is tried than there are, and none less. */
const STEPS = 12;

test('there are as many steps on the way back as are tried', async () => {
  const whole = await killedAfter(Number.POSITIVE_INFINITY);
  endsWith(whole, 6);
  expect(undone(whole.stderr), whole.stderr).toBe(STEPS);
  await isSound(stage, 'pg1');
});

test.each(Array.from({ length: STEPS }, (_, at) => at))(
  'killed after %i steps of the way back: one primary, whoever is to be it then',
  async (steps) => {
    const killed = await killedAfter(steps);
    expect(killed.code, killed.stderr).toBe(137);
    await again('pg2');
    await isSound(stage, 'pg2');
    await again('pg1');
    await isSound(stage, 'pg1');
  },
  120_000,
);

test('a third run changes nothing', async () => isUnchanged(stage, 'pg1'));
