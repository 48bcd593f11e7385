import { expect } from 'vitest';
import { story } from './lab/lab.ts';

story('the disk of the standby is full in the middle of its copy', async (lab) => {
  const pg1 = await lab.host('pg1');
  const pg2 = await lab.host('pg2', { tmpfs: { '/srv': '400m' } });
  const shop = lab.cluster({ pg1: { host: pg1 }, pg2: { host: pg2, upstream: 'pg1', pgdata: '/srv/data' } });
  await shop.does('init-primary', 'pg1');
  await pg1.sql("CREATE TABLE much AS SELECT n, repeat('x', 1000) FROM generate_series(1, 100000) n;");
  const writer = await shop.writer(['pg1']);

  const copying = shop.starts('clone-standby', 'pg2', '--max-rate', '20M');
  await shop.until(async () => (await used()) > 30_000, 'the copy grows');
  // Somebody else's file takes the rest.
  await pg2.tries(['sh', '-c', 'head -c 1G /dev/zero >/srv/ballast']);
  const ended = await copying.ended;
  expect(ended.json()).toMatchObject({ outcome: 'rolled-back', status: 6 });
  expect(ended.stdout).toContain('No space left on device');
  await writer.acknowledges(5);

  await pg2.exec(['rm', '/srv/ballast']);
  await shop.does('clone-standby', 'pg2');
  await shop.endsWell('pg1', writer);

  async function used(): Promise<number> {
    return Number((await pg2.exec(['sh', '-c', 'df -k /srv | tail -1'])).split(/\s+/)[2]);
  }
});
