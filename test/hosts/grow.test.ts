import { expect } from 'vitest';
import { story } from './lab/lab.ts';
import { tree } from './lab/tree.ts';

story('a chain: the second streams from the primary, the third from the second', async (lab) => {
  const shop = await tree(lab, { pg1: undefined, pg2: 'pg1', pg3: 'pg2' });
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
  const fan = { pg1: undefined, pg2: 'pg1', pg3: 'pg1', pg4: 'pg1', pg5: 'pg1' };
  const shop = await tree(lab, fan);
  const writer = await shop.writer();
  await shop.does('switchover', 'pg3');
  const { nodes } = await shop.healthy();
  expect(nodes.filter(({ upstream }) => upstream === 'pg3')).toHaveLength(4);
  await shop.endsWell('pg3', writer);
});
