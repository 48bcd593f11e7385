import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { pgrepl, type Result } from '../e2e/support/pgrepl.ts';
import { scratch } from '../e2e/support/scratch.ts';
import { waitFor } from '../e2e/support/machine.ts';
import { socketOf, sql } from '../e2e/support/server.ts';
import { hasEveryRow, writerOn } from '../e2e/support/writer.ts';
import { plannedCluster } from './support.ts';

/** Where recovery.conf lies in a running primary, and where a sibling is restarted after the promotion. */
describe.each([11, 12])('switchover of PostgreSQL %i', (major) => {
  let dir = '';
  beforeEach(() => {
    // A second attempt finds nothing of the first.
    dir = scratch();
  });
  const data = (name: string): string => join(dir, String(major), name);

  test('killed after each step before the stop and after the promotion, and run again', async () => {
    const file = await plannedCluster(dir, major);
    const run = (...words: readonly string[]): Promise<Result> => pgrepl([...words, '-c', file, '--json']);
    expect(await run('init-primary', 'pg1')).toMatchObject({ code: 0 });
    for (const name of ['pg2', 'pg3']) expect(await run('clone-standby', name)).toMatchObject({ code: 0 });
    const ports = ['pg1', 'pg2', 'pg3'].map((name) => socketOf(data(name)).port);
    const writer = await writerOn(data('pg1'), ports);
    onTestFinished(async () => writer.stop());

    let to = 'pg2';
    const { steps } = (await run('switchover', to, '--dry-run=json')).json();
    const at = (why: RegExp): number => steps.findIndex((step) => why.test(String(step['why'])));
    // These packages have no pg_controldata, by which a primary that was stopped is known; test/e2e has what is between.
    const [stop, promoted] = [at(/^stop the primary/), at(/takes writes$/)];
    expect(stop).toBeGreaterThan(2);
    expect(promoted).toBeGreaterThan(stop);
    const all = Array.from({ length: steps.length + 1 }, (_, k) => k);
    let killed = 0;
    for (const k of all.filter((each) => each < stop - 1 || each > promoted)) {
      const ended = await pgrepl(['switchover', to, '-c', file], {
        onStderr: (said, child) => {
          if ((said.match(/^✓/gm) ?? []).length >= k) child.kill('SIGKILL');
        },
      });
      if (ended.code === 137) killed += 1;
      let again = await run('switchover', to);
      // What it had begun comes to its end first.
      await waitFor(async () => again.code !== 8 || (again = await run('switchover', to)).code !== 8, {
        what: 'the lock goes',
      });
      expect(again.code, `after ${k} steps: ${again.stdout}`).toBe(0);
      await writer.acknowledges(3);
      expect(sql(data(to), 'SELECT pg_is_in_recovery();')).toBe('f');
      for (const name of ['pg1', 'pg2', 'pg3'].filter((each) => each !== to)) {
        await hasEveryRow(data(name), writer);
        expect(sql(data(name), 'SELECT pg_is_in_recovery();')).toBe('t');
      }
      const settled = (await run('switchover', to)).json();
      expect(settled).toMatchObject({ outcome: 'unchanged', steps: [] });
      expect(settled.nodes.map(({ upstream }) => upstream).filter((upstream) => upstream !== to)).toEqual([
        null,
      ]);
      to = to === 'pg2' ? 'pg1' : 'pg2';
    }
    expect(killed).toBeGreaterThan(5);
    await writer.stop();
    expect(writer.lost(data(to === 'pg2' ? 'pg1' : 'pg2'))).toEqual([]);
  }, 400_000);
});
