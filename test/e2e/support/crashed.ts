import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { crashAhead, flock, streaming } from './flock.ts';
import { asOwner, waitFor } from './machine.ts';
import { processes } from './pair.ts';
import { isRunning, sql, stopServer } from './server.ts';
import { Writer, hasEveryRow, prepareWriter } from './writer.ts';

/**
 * `a` crashed with WAL that nobody else has, or was stopped with none, and `b` was promoted: what a rejoin is for, as
 * often as it is wanted. A writer goes on at `b` through all of it.
 */
export async function crashedPair(ended: 'ahead' | 'level' = 'ahead') {
  const cluster = await flock({ a: undefined, b: 'a' });
  const { dir, pgdata, run } = cluster;
  sql(pgdata('a'), 'CREATE TABLE kept AS SELECT generate_series(1, 100000) AS i;');
  await waitFor(() => sql(pgdata('b'), `SELECT count(*) FROM kept;`) === '100000', { what: 'b has it' });
  prepareWriter(pgdata('a'));
  if (ended === 'ahead') await crashAhead(cluster, 'a', 'UPDATE kept SET i = i + 1;');
  else stopServer(pgdata('a'));
  expect(await run(['promote', 'b'])).toMatchObject({ code: 0 });
  asOwner(['cp', '-a', pgdata('a'), join(dir, 'saved')]);
  const writer = await new Writer([cluster.port('b')]).start();
  afterAll(async () => writer.stop());

  return {
    ...cluster,
    /** As it was after the crash. */
    again: (): void => {
      if (isRunning(pgdata('a'))) stopServer(pgdata('a'), 'immediate');
      asOwner(['sh', '-c', 'rm -rf "$1/a" "$1"/a.pgrepl-*; cp -a "$1/saved" "$1/a"', 'again', dir]);
      sql(
        pgdata('b'),
        `SELECT pg_drop_replication_slot('a') FROM pg_replication_slots WHERE slot_name = 'a';`,
      );
    },
    quiet: () => waitFor(() => processes('pg_rewind', pgdata('a')).length === 0, { what: 'pg_rewind ends' }),
    arrived: async (): Promise<void> => {
      expect(streaming(pgdata('b'), 'a')).toBe(true);
      await writer.acknowledges(3);
      expect(writer.lost(pgdata('b'))).toEqual([]);
      await hasEveryRow(pgdata('a'), writer);
      expect(sql(pgdata('a'), 'SELECT sum(i) FROM kept;')).toBe(sql(pgdata('b'), 'SELECT sum(i) FROM kept;'));
      expect(readdirSync(dir).filter((name) => name.startsWith('a.pgrepl-rewind'))).toEqual([]);
      expect(sql(pgdata('b'), 'SELECT slot_name FROM pg_replication_slots;')).toBe('a');
    },
  };
}
