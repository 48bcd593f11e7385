import { expect } from 'vitest';
import type { Writer } from '../../e2e/support/writer.ts';
import type { Spec } from './host.ts';
import type { Lab } from './lab.ts';
import { bareTree, pair, type TreeSpec } from './tree.ts';

/** The main job: two bare hosts become a pair, which is verified and switched over, there and back. */
export async function pairGrows(lab: Lab, spec: TreeSpec): Promise<Writer> {
  const { shop } = await pair(lab, spec);
  const writer = await shop.writer();
  expect((await shop.tries('verify')).code).toBe(0);
  const there = await shop.does('switchover', 'pg2');
  await writer.acknowledges(5, 90);
  expect(await shop.takesWrites()).toEqual(['pg2']);
  await shop.does('switchover', 'pg1');
  lab.figure({ outageMs: Number(there['writeOutageMs']) });
  await shop.endsWell('pg1', writer);
  return writer;
}

/** A pair becomes a chain, the chain a fan of four standbys, and one of the four takes over. */
export async function pairToFan(lab: Lab, spec: Spec): Promise<void> {
  const upstreams = { pg1: undefined, pg2: 'pg1', pg3: 'pg2', pg4: 'pg1', pg5: 'pg1' };
  const shop = await bareTree(lab, upstreams, spec);
  const tree = async (): Promise<unknown> =>
    Object.fromEntries((await shop.status()).nodes.map(({ name, upstream }) => [name, upstream]));
  await shop.does('init-primary', 'pg1');
  for (const name of ['pg2', 'pg3']) await shop.does('clone-standby', name);
  expect(await tree()).toMatchObject({ pg1: null, pg2: 'pg1', pg3: 'pg2' });
  for (const name of ['pg4', 'pg5']) await shop.does('clone-standby', name);
  const writer = await shop.writer();
  await shop.does('follow', 'pg3', '--upstream', 'pg1');
  expect(await tree()).toEqual({ pg1: null, pg2: 'pg1', pg3: 'pg1', pg4: 'pg1', pg5: 'pg1' });
  await shop.does('switchover', 'pg3');
  expect(await tree()).toEqual({ pg1: 'pg3', pg2: 'pg3', pg3: null, pg4: 'pg3', pg5: 'pg3' });
  await shop.endsWell('pg3', writer);
}
