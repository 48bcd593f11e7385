import { expect } from 'vitest';
import type { TheCluster } from './lab/cluster.ts';
import { heed } from './lab/heed.ts';
import { random, seed } from './lab/kill.ts';
import { story, type Lab } from './lab/lab.ts';
import { somethingHappens, type Mayhem } from './lab/mayhem.ts';
import { trio } from './lab/tree.ts';

const CUTS = Number(process.env['PGREPL_CUTS'] ?? 8);
/** No verb may wait for a host that is gone longer than this and its --timeout, in milliseconds. */
const PATIENCE = 120_000;

/** A cable is pulled before a verb or while it runs, and put back when the verb has ended. */
async function cut(
  lab: Lab,
  shop: TheCluster,
  next: () => number,
  words: readonly string[],
): Promise<boolean> {
  const hosts = Object.values(shop.hosts);
  const host = hosts[Math.floor(next() * hosts.length)];
  const started = shop.starts(...words, '--timeout', '20');
  await new Promise((resolve) => setTimeout(resolve, next() * 2500));
  const wasAtWork = started.child.exitCode === null;
  await host?.cut();
  lab.said.push(`the cable of ${host?.name} is pulled`);
  lab.figure({ partitions: 1 });
  const ended = await started.ended;
  expect(ended.ms, words.join(' ')).toBeLessThan(PATIENCE);
  expect((await shop.takesWrites()).length, 'never two at once').toBeLessThan(2);
  await host?.heal();
  await shop.arrives(...words);
  return wasAtWork;
}

story(
  `cables are pulled at ${CUTS} random instants of all verbs, and put back`,
  async (lab) => {
    console.error(`cuts: PGREPL_SEED=${seed()} PGREPL_CUTS=${CUTS}`);
    const shop = await trio(lab);
    const writer = await shop.writer();
    const next = random(seed());
    const scene: Mayhem = { shop, primary: 'pg1', next, hurt: (...words) => cut(lab, shop, next, words) };
    for (let cuts = 0, rounds = 0; cuts < CUTS; rounds += 1) {
      expect(rounds, 'rounds').toBeLessThan(10 + CUTS * 3);
      if (await somethingHappens(scene)) cuts += 1;
      await heed(shop);
      await shop.healthy();
      expect(await shop.takesWrites()).toEqual([scene.primary]);
      await writer.acknowledges(5, 90);
    }
    await shop.endsWell(scene.primary, writer);
  },
  { seconds: 300 + CUTS * 150 },
);
