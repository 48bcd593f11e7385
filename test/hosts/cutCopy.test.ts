import { expect } from 'vitest';
import { story } from './lab/lab.ts';
import { barePair } from './lab/tree.ts';

/** No verb may wait for a host that is gone longer than this, in milliseconds. */
const PATIENCE = 60_000;

story('the cable of the standby is pulled in the middle of its copy', async (lab) => {
  const { shop, pg1, pg2 } = await barePair(lab);
  await shop.does('init-primary', 'pg1');
  await pg1.sql("CREATE TABLE much AS SELECT n, repeat('x', 500) FROM generate_series(1, 100000) n;");
  const copying = shop.starts('clone-standby', 'pg2', '--max-rate', '4M');
  await shop.until(
    async () => (await pg1.sql('SELECT count(*) FROM pg_stat_progress_basebackup;')) === '1',
    'the copy runs',
  );
  await pg2.cut();
  lab.figure({ partitions: 1 });
  const ended = await copying.ended;
  expect(ended.code).toBeGreaterThan(0);
  expect(ended.ms).toBeLessThan(2 * PATIENCE);
  await pg2.heal();
  await shop.arrives('clone-standby', 'pg2');
  await shop.endsWell('pg1');
});
