import { describe, expect, test } from 'vitest';
import { crashedPair } from './support/crashed.ts';
import type { Result } from './support/pgrepl.ts';
import { sql } from './support/server.ts';

type Pair = Awaited<ReturnType<typeof crashedPair>>;

/** Every place where pgrepl may be killed: the next run arrives. Gives how often it was. */
async function killedEverywhere(
  { run, document, again, quiet, arrived }: Pair,
  words: readonly string[],
): Promise<{ killed: number; steps: readonly string[] }> {
  const rejoin = ['rejoin', 'a', ...words];
  /** Killed after a step; the step on its way comes to its end, and holds the lock until then. */
  const kill = async (after: string): Promise<Result> => {
    const ended = await run(rejoin, {
      onStderr: (said, child) => {
        if (said.includes(`✓ ${after}`)) child.kill('SIGKILL');
      },
    });
    await quiet();
    return ended.code === 8 ? kill(after) : ended;
  };
  const planned = await document([...rejoin, '--dry-run=json']);
  const steps = planned.steps.map(({ node, why }) => `${String(node)}: ${String(why)}`);
  let killed = 0;
  for (const step of steps.slice(0, -1)) {
    const ended = await kill(step);
    if (ended.code === 137) killed += 1;
    else {
      // The step that was on its way when pgrepl died came to its end, and this one was not needed any more.
      expect(ended.code, `${step}\n${ended.stderr}`).toBe(0);
      await arrived();
      again();
    }
  }
  expect(await kill('nothing')).toMatchObject({ code: 0 });
  await arrived();
  return { killed, steps };
}

describe('killed after each step, and run again', () => {
  describe('of a rewind', async () => {
    const pair = await crashedPair();
    test('it arrives', { timeout: 200_000 }, async () => {
      const { killed, steps } = await killedEverywhere(pair, []);
      expect(steps).toContain('a: rewind it to b');
      expect(killed).toBeGreaterThan(6);
    });
  });

  describe('of a start as a standby', async () => {
    const pair = await crashedPair('level');
    test('it arrives', { timeout: 200_000 }, async () => {
      const { killed, steps } = await killedEverywhere(pair, []);
      expect(steps).not.toContain('a: rewind it to b');
      expect(steps).toContain('a: start it as a standby');
      expect(killed).toBeGreaterThan(2);
    });
  });

  describe('of a new copy', async () => {
    const pair = await crashedPair();
    test('it arrives', { timeout: 200_000 }, async () => {
      sql(pair.pgdata('b'), 'ALTER SYSTEM SET full_page_writes = off;');
      sql(pair.pgdata('b'), 'SELECT pg_reload_conf();');
      const { killed, steps } = await killedEverywhere(pair, ['--allow-reclone', '--yes']);
      expect(steps.join('\n')).toContain('a: copy b');
      expect(killed).toBeGreaterThan(8);
    });
  });
});
