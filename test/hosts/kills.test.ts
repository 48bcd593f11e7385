import { expect } from 'vitest';
import { kill, random, seed } from './lab/kill.ts';
import { story } from './lab/lab.ts';
import { somethingHappens, type Mayhem } from './lab/mayhem.ts';
import { trio } from './lab/tree.ts';

const KILLS = Number(process.env['PGREPL_KILLS'] ?? 10);

story(
  `pgrepl is killed at ${KILLS} random instants of all its verbs, and run again`,
  async (lab) => {
    console.error(`kills: PGREPL_SEED=${seed()} PGREPL_KILLS=${KILLS}`);
    const shop = await trio(lab);
    const writer = await shop.writer();
    const next = random(seed());
    const hurt: Mayhem['hurt'] = (...words) => kill(lab, shop, next(), ...words);
    const scene: Mayhem = { shop, primary: 'pg1', next, hurt };
    for (let kills = 0, rounds = 0; kills < KILLS; rounds += 1) {
      expect(rounds, 'rounds').toBeLessThan(20 + KILLS * 3);
      if (await somethingHappens(scene)) kills += 1;
      expect(await shop.takesWrites()).toEqual([scene.primary]);
      await writer.acknowledges(5, 90);
    }
    await shop.endsWell(scene.primary, writer);
  },
  { seconds: 200 + KILLS * 60 },
);
