import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crashAhead, flock, streaming } from './support/flock.ts';
import { asOwner, waitFor } from './support/machine.ts';
import { processes } from './support/pair.ts';
import type { Result } from './support/pgrepl.ts';
import { isRunning, sql, stopServer } from './support/server.ts';

/** Every place where pgrepl may be killed: the next run arrives. */
describe('killed', async () => {
  const cluster = await flock({ a: undefined, b: 'a' });
  const { dir, pgdata, run, document } = cluster;
  sql(pgdata('a'), 'CREATE TABLE kept AS SELECT generate_series(1, 100000) AS i;');
  await waitFor(() => sql(pgdata('b'), `SELECT count(*) FROM kept;`) === '100000', { what: 'b has it' });
  await crashAhead(cluster, 'a', 'UPDATE kept SET i = i + 1;');
  expect(await run(['promote', 'b'])).toMatchObject({ code: 0 });
  asOwner(['cp', '-a', pgdata('a'), join(dir, 'saved')]);

  /** As it was after the crash. */
  function again(): void {
    if (isRunning(pgdata('a'))) stopServer(pgdata('a'), 'immediate');
    asOwner(['sh', '-c', 'rm -rf "$1/a" "$1"/a.pgrepl-*; cp -a "$1/saved" "$1/a"', 'again', dir]);
    sql(pgdata('b'), `SELECT pg_drop_replication_slot('a') FROM pg_replication_slots WHERE slot_name = 'a';`);
  }

  const quiet = () =>
    waitFor(() => processes('pg_rewind', pgdata('a')).length === 0, { what: 'pg_rewind ends' });
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

  function arrived(): void {
    expect(streaming(pgdata('b'), 'a')).toBe(true);
    expect(sql(pgdata('a'), 'SELECT sum(i) FROM kept;')).toBe(sql(pgdata('b'), 'SELECT sum(i) FROM kept;'));
    expect(readdirSync(dir).filter((name) => name.startsWith('a.pgrepl-rewind'))).toEqual([]);
    expect(sql(pgdata('b'), 'SELECT slot_name FROM pg_replication_slots;')).toBe('a');
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
    expect(killed).toBeGreaterThan(8);
    expect(await kill('nothing')).toMatchObject({ code: 0 });
    arrived();
  });
});
