import { describe, expect, test } from 'vitest';
import { crashedPair } from './support/crashed.ts';
import type { Result } from './support/pgrepl.ts';

/** Every place where pgrepl may be killed: the next run arrives. */
describe('killed', async () => {
  const { run, document, again, quiet, arrived } = await crashedPair();

  /** Killed after a step; the step on its way comes to its end, and holds the lock until then. */
  async function kill(after: string): Promise<Result> {
    const ended = await run(['rejoin', 'a'], {
      onStderr: (said, child) => {
        if (said.includes(`✓ ${after}`)) child.kill('SIGKILL');
      },
    });
    await quiet();
    return ended.code === 8 ? kill(after) : ended;
  }

  test('after each step, and run again', { timeout: 200_000 }, async () => {
    const planned = await document(['rejoin', 'a', '--dry-run=json']);
    const steps = planned.steps.map(({ node, why }) => `${String(node)}: ${String(why)}`);
    expect(steps.length).toBeGreaterThan(10);
    let killed = 0;
    for (const step of steps.slice(0, -1)) {
      const ended = await kill(step);
      if (ended.code === 137) killed += 1;
      else {
        // The step that was on its way when pgrepl died came to its end, and this one was not needed any more.
        expect(ended.code, `${step}\n${ended.stderr}`).toBe(0);
        arrived();
        again();
      }
    }
    expect(killed).toBeGreaterThan(6);
    expect(await kill('nothing')).toMatchObject({ code: 0 });
    arrived();
  });
});
