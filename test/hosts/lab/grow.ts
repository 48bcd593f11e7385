import { expect } from 'vitest';
import type { Spec } from './host.ts';
import type { Lab } from './lab.ts';

const NAMES = ['pg1', 'pg2', 'pg3', 'pg4', 'pg5'] as const;

/** From three bare hosts: the second streams from the primary, the third from the second, also when they have swapped. */
export async function chainGrows(lab: Lab, spec: Spec = {}): Promise<void> {
  const [pg1, pg2, pg3] = await Promise.all([
    lab.host('pg1', spec),
    lab.host('pg2', spec),
    lab.host('pg3', spec),
  ]);
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
}

/** Four standbys of one primary, from five bare hosts. */
export async function fanGrows(lab: Lab, spec: Spec = {}): Promise<void> {
  const hosts = await Promise.all(NAMES.map((name) => lab.host(name, spec)));
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
}
