import { expect } from 'vitest';
import { story } from './lab/lab.ts';
import { pair } from './lab/pair.ts';

/** No verb may wait for a host that is gone longer than this, in milliseconds. */
const PATIENCE = 60_000;

story('the cable of the standby is pulled in the middle of its copy', async (lab) => {
  const [pg1, pg2] = await Promise.all([lab.host('pg1'), lab.host('pg2')]);
  const shop = lab.cluster({ pg1: { host: pg1 }, pg2: { host: pg2, upstream: 'pg1' } });
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

for (const cut of ['pg1', 'pg2'] as const) {
  story(`the cable of ${cut} is pulled in the middle of a switchover to pg2`, async (lab) => {
    const { shop } = await pair(lab);
    const writer = await shop.writer();
    const moving = shop.starts('switchover', 'pg2');
    // In the outage, or where that is too short to be seen, right after it.
    await shop.until(
      () => Promise.resolve(writer.outageMs > 200 || moving.child.exitCode !== null),
      'the writer waits',
    );
    await shop.hosts[cut]?.cut();
    lab.figure({ partitions: 1 });
    const ended = await moving.ended;
    expect(ended.ms).toBeLessThan(3 * PATIENCE);
    expect((await shop.takesWrites()).length).toBeLessThan(2);
    await shop.hosts[cut]?.heal();
    await shop.arrives('switchover', 'pg2');
    await shop.endsWell('pg2', writer);
  });
}
