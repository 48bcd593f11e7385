import { expect } from 'vitest';
import { story } from './lab/lab.ts';
import { pair } from './lab/tree.ts';

/** No verb may wait for a host that is gone longer than this, in milliseconds. */
const PATIENCE = 60_000;

story('the cable of the standby is pulled before a switchover, and put back', async (lab) => {
  const { shop, pg2 } = await pair(lab);
  const writer = await shop.writer();
  await pg2.cut();
  lab.figure({ partitions: 1 });
  const refused = await shop.tries('switchover', 'pg2');
  expect(refused.json()).toMatchObject({ outcome: 'unreachable', status: 4, changed: false });
  expect(refused.ms).toBeLessThan(PATIENCE);
  expect((await shop.status()).status).toBe(9);
  await writer.acknowledges(5);
  await pg2.heal();
  await shop.healthy();
  await shop.does('switchover', 'pg2');
  await shop.endsWell('pg2', writer);
});

story('the cable of the old primary is pulled after a switchover', async (lab) => {
  const { shop, pg1 } = await pair(lab);
  const writer = await shop.writer();
  await shop.does('switchover', 'pg2');
  await pg1.cut();
  lab.figure({ partitions: 1 });
  expect((await shop.status()).status).toBe(9);
  await writer.acknowledges(5);
  await pg1.heal();
  await shop.endsWell('pg2', writer);
});
