import type { TheCluster } from './cluster.ts';
import type { Host, Spec } from './host.ts';
import type { Lab } from './lab.ts';

/** Nodes by name, each with its upstream; the primary comes first and has none. */
export type Upstreams = Readonly<Record<string, string | undefined>>;

/** What the hosts are like, and where the data is to lie on all of them. */
export type TreeSpec = Spec & { pgdata?: string };

const PAIR: Upstreams = { pg1: undefined, pg2: 'pg1' };

/** A bare host for each node, and the cluster file of this tree: no server is there yet. */
export async function bareTree(
  lab: Lab,
  upstreams: Upstreams,
  { pgdata, ...spec }: TreeSpec = {},
): Promise<TheCluster> {
  const place = pgdata === undefined ? {} : { pgdata };
  const nodes = await Promise.all(
    Object.entries(upstreams).map(async ([name, upstream]) => {
      const node = { host: await lab.host(name, spec), ...place };
      return [name, upstream === undefined ? node : { ...node, upstream }] as const;
    }),
  );
  return lab.cluster(Object.fromEntries(nodes));
}

/** The same with its servers: the primary, then each standby in the order in which they are named. */
export async function tree(lab: Lab, upstreams: Upstreams, spec: TreeSpec = {}): Promise<TheCluster> {
  const shop = await bareTree(lab, upstreams, spec);
  const [primary = '', ...standbys] = Object.keys(upstreams);
  await shop.does('init-primary', primary);
  for (const name of standbys) await shop.does('clone-standby', name);
  return shop;
}

/** A primary and two standbys of it. */
export function trio(lab: Lab): Promise<TheCluster> {
  return tree(lab, { pg1: undefined, pg2: 'pg1', pg3: 'pg1' });
}

export type Pair = { shop: TheCluster; pg1: Host; pg2: Host };

/** Two bare hosts, of which pg1 is to be the primary. */
export async function barePair(lab: Lab, spec: TreeSpec = {}): Promise<Pair> {
  return pairOf(await bareTree(lab, PAIR, spec));
}

/** A primary and a standby of it. */
export async function pair(lab: Lab, spec: TreeSpec = {}): Promise<Pair> {
  return pairOf(await tree(lab, PAIR, spec));
}

function pairOf(shop: TheCluster): Pair {
  const { pg1, pg2 } = shop.hosts;
  if (pg1 === undefined || pg2 === undefined) throw new Error('a pair is pg1 and pg2');
  return { shop, pg1, pg2 };
}
