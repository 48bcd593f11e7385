import { expect, test } from 'vitest';
import { endedAt, endsWith, isSound, isUnchanged, trioWithWriter } from './support/swapping.ts';

/** pgrepl ends after its k-th step, for every k; one cluster is switched to and fro meanwhile. */
const stage = trioWithWriter();
let primary = 'pg1';

const other = (): string => (primary === 'pg1' ? 'pg2' : 'pg1');

/** Steps of this switchover; the lanes' order may vary a little, their number does not. */
async function stepsOf(to: string): Promise<number> {
  return endsWith(await stage.run('switchover', to, '--dry-run', '--json'), 0).json().steps.length;
}

async function killedAt(k: number): Promise<void> {
  const to = other();
  const killed = await endedAt(stage, 'SIGKILL', to, k);
  expect([0, 137]).toContain(killed.code);
  // What it had begun on the hosts comes to its end first.
  let again = await stage.run('switchover', to, '--json');
  for (let tries = 0; again.code === 8 && tries < 20; tries += 1)
    again = await stage.run('switchover', to, '--json');
  expect([k, killed.stderr, endsWith(again, 0).json()]).toMatchObject([k, killed.stderr, { error: null }]);
  primary = to;
  await isSound(stage, to);
}

const STEPS = 25;
const KS = Array.from({ length: STEPS }, (_, at) => at + 1);

test('there are as many steps as are tried', async () => {
  expect(await stepsOf(other())).toBeLessThanOrEqual(STEPS);
});

test.each(KS)('killed after step %i, and run again', killedAt, 120_000);

test('a third run changes nothing', async () => isUnchanged(stage, primary));
