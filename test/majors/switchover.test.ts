import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { pgrepl, type Result } from '../e2e/support/pgrepl.ts';
import { scratch } from '../e2e/support/scratch.ts';
import { socketOf, sql } from '../e2e/support/server.ts';
import { writerOn } from '../e2e/support/writer.ts';
import { plannedCluster } from './support.ts';

/** Around the borders: recovery.conf up to 11, siblings by restart up to 12, by reload from 13. */
describe.each([10, 11, 12, 13])('switchover of PostgreSQL %i', (major) => {
  let dir = '';
  beforeEach(() => {
    // A second attempt finds nothing of the first.
    dir = scratch();
  });
  const data = (name: string): string => join(dir, String(major), name);

  test('to and fro, with a sibling, and nothing is lost', async () => {
    const file = await plannedCluster(dir, major);
    const run = (...words: readonly string[]): Promise<Result> =>
      pgrepl([...words, '--config', file, '--json']);
    const done = async (...words: readonly string[]): Promise<void> =>
      expect((await run(...words)).json()).toMatchObject({ outcome: 'done', error: null });
    await done('init-primary', 'pg1');
    await Promise.all(['pg2', 'pg3'].map((name) => done('clone-standby', name)));
    const ports = ['pg1', 'pg2', 'pg3'].map((name) => socketOf(data(name)).port);
    const writer = await writerOn(data('pg1'), ports);
    onTestFinished(async () => writer.stop());
    for (const [to, timeline] of [
      ['pg2', 2],
      ['pg1', 3],
    ] as const) {
      await done('switchover', to);
      await writer.acknowledges(3);
      expect((await run('switchover', to)).json()).toMatchObject({ outcome: 'unchanged' });
      const { nodes } = (await run('status')).json();
      const wanted = ['pg1', 'pg2', 'pg3'].map((name) =>
        name === to
          ? { name, role: 'primary', timeline }
          : { name, role: 'standby', state: 'streaming', upstream: to, timeline },
      );
      expect(nodes).toMatchObject(wanted);
    }
    await writer.stop();
    expect(writer.lost(data('pg1'))).toEqual([]);
    expect(sql(data('pg1'), 'SELECT count(*) FROM pg_replication_slots;')).toBe('2');
  }, 180_000);
});
