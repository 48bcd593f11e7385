import { expect } from 'vitest';
import { story } from './lab/lab.ts';

const NAMES = ['pg1', 'pg2', 'pg3', 'pg4', 'pg5'] as const;

story('a chain: the second streams from the primary, the third from the second', async (lab) => {
  const [pg1, pg2, pg3] = await Promise.all([lab.host('pg1'), lab.host('pg2'), lab.host('pg3')]);
  const shop = lab.cluster({
    pg1: { host: pg1 },
    pg2: { host: pg2, upstream: 'pg1' },
    pg3: { host: pg3, upstream: 'pg2' },
  });
  await shop.does('init-primary', 'pg1');
  await shop.does('clone-standby', 'pg2');
  await shop.does('clone-standby', 'pg3');
  const writer = await shop.writer();
  const { nodes } = await shop.healthy();
  expect(nodes.map(({ name, upstream }) => [name, upstream])).toEqual([
    ['pg1', null],
    ['pg2', 'pg1'],
    ['pg3', 'pg2'],
  ]);
  await shop.does('switchover', 'pg2');
  await shop.endsWell('pg2', writer);
});

story('a fan of four: everybody follows the one that is promoted', async (lab) => {
  const hosts = await Promise.all(NAMES.map((name) => lab.host(name)));
  const shop = lab.cluster(
    Object.fromEntries(
      hosts.map((host) => [host.name, host.name === 'pg1' ? { host } : { host, upstream: 'pg1' }]),
    ),
  );
  await shop.does('init-primary', 'pg1');
  for (const name of NAMES.slice(1)) await shop.does('clone-standby', name);
  const writer = await shop.writer();
  await shop.does('switchover', 'pg3');
  const { nodes } = await shop.healthy();
  expect(nodes.filter(({ upstream }) => upstream === 'pg3')).toHaveLength(4);
  await shop.endsWell('pg3', writer);
});
