import { expect } from 'vitest';
import { story } from './lab/lab.ts';
import { barePair, pair } from './lab/tree.ts';
import { acknowledgedMeansCopied } from './lab/sync.ts';

story("the primary's host loses power, another is promoted, and it comes back", async (lab) => {
  const { shop, pg1 } = await pair(lab);
  await pg1.startsWithTheMachine(shop.pgdata('pg1'));
  await acknowledgedMeansCopied(pg1, 'pg2');
  const writer = await shop.writer();
  await writer.acknowledges(50);

  await pg1.powerOff();
  expect((await shop.status()).status).toBe(9);
  expect((await shop.tries('promote', 'pg2')).json()).toMatchObject({ status: 4, changed: false });
  expect((await shop.tries('promote', 'pg2', '--primary-is-dead')).code).toBe(0);
  await writer.acknowledges(5, 90);
  expect(await shop.takesWrites()).toEqual(['pg2']);

  // Nobody told the old one: it starts with its machine, and status calls it by its name.
  await pg1.powerOn();
  await shop.until(async () => (await shop.status()).status === 11, 'two servers take writes');

  await shop.does('rejoin', 'pg1', '--yes');
  await shop.endsWell('pg2', writer);
  await shop.does('switchover', 'pg1');
  await shop.endsWell('pg1');
});

story("the standby's host loses power in the middle of its copy", async (lab) => {
  const { shop, pg1, pg2 } = await barePair(lab);
  await shop.does('init-primary', 'pg1');
  await pg1.sql("CREATE TABLE much AS SELECT n, repeat('x', 500) FROM generate_series(1, 100000) n;");

  const copying = shop.starts('clone-standby', 'pg2', '--max-rate', '4M');
  await shop.until(async () => (await bytesAt(shop.pgdata('pg2'))) > 20_000, 'the copy grows');
  await pg2.powerOff();
  expect((await copying.ended).code).toBeGreaterThan(0);
  await pg2.powerOn();

  await shop.does('clone-standby', 'pg2');
  await shop.endsWell('pg1');

  async function bytesAt(pgdata: string): Promise<number> {
    const { stdout } = await pg2.tries(['sh', '-c', 'du -sk "$1"*', 'du', pgdata]);
    return Number(stdout.split('\t')[0]);
  }
});
