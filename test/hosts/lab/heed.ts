import type { TheCluster } from './cluster.ts';

/** A standby that could not be reached when the others moved streams from where it did; status says so, and what mends it. */
export async function heed(shop: TheCluster): Promise<void> {
  const { findings } = await shop.status();
  const hints = JSON.stringify(findings).matchAll(/`pgrepl (follow \S+ --upstream [^`]+)`/g);
  for (const [, words = ''] of hints) await shop.does(...words.split(' '));
}
