import { expect } from 'vitest';
import type { Writer } from '../../e2e/support/writer.ts';
import type { TheCluster } from './cluster.ts';
import type { Host, Spec } from './host.ts';
import type { Lab } from './lab.ts';

type PairSpec = Spec & { pgdata?: string };

/** A primary and a standby from two bare hosts. */
export async function pair(
  lab: Lab,
  { pgdata, ...spec }: PairSpec = {},
): Promise<{ shop: TheCluster; pg1: Host; pg2: Host }> {
  const [pg1, pg2] = await Promise.all([lab.host('pg1', spec), lab.host('pg2', spec)]);
  const place = pgdata === undefined ? {} : { pgdata };
  const shop = lab.cluster({ pg1: { host: pg1, ...place }, pg2: { host: pg2, upstream: 'pg1', ...place } });
  await shop.does('init-primary', 'pg1');
  await shop.does('clone-standby', 'pg2');
  return { shop, pg1, pg2 };
}

/** The main job: two bare hosts become a pair, which is verified and switched over, there and back. */
export async function pairGrows(lab: Lab, spec: PairSpec): Promise<Writer> {
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
  const names = ['pg1', 'pg2', 'pg3', 'pg4', 'pg5'];
  const hosts = await Promise.all(names.map((name) => lab.host(name, spec)));
  const upstreams: Readonly<Record<string, string>> = { pg2: 'pg1', pg3: 'pg2', pg4: 'pg1', pg5: 'pg1' };
  const shop = lab.cluster(
    Object.fromEntries(
      hosts.map((host) => {
        const upstream = upstreams[host.name];
        return [host.name, upstream === undefined ? { host } : { host, upstream }];
      }),
    ),
  );
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
