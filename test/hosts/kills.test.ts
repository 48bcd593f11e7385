import { expect } from 'vitest';
import { random, seed } from './lab/kill.ts';
import { story } from './lab/lab.ts';
import { somethingIsKilled, type Mayhem } from './lab/mayhem.ts';

const KILLS = Number(process.env['PGREPL_KILLS'] ?? 10);

story(
  `pgrepl is killed at ${KILLS} random instants of all its verbs, and run again`,
  async (lab) => {
    console.error(`kills: PGREPL_SEED=${seed()} PGREPL_KILLS=${KILLS}`);
    const [pg1, pg2, pg3] = await Promise.all([lab.host('pg1'), lab.host('pg2'), lab.host('pg3')]);
    const shop = lab.cluster({
      pg1: { host: pg1 },
      pg2: { host: pg2, upstream: 'pg1' },
      pg3: { host: pg3, upstream: 'pg1' },
    });
    await shop.does('init-primary', 'pg1');
    await shop.does('clone-standby', 'pg2');
    await shop.does('clone-standby', 'pg3');
    const writer = await shop.writer();
    const scene: Mayhem = { lab, shop, primary: 'pg1', next: random(seed()) };
    for (let kills = 0, rounds = 0; kills < KILLS; rounds += 1) {
      expect(rounds, 'rounds').toBeLessThan(20 + KILLS * 3);
      if (await somethingIsKilled(scene)) kills += 1;
      expect(await shop.takesWrites()).toEqual([scene.primary]);
      await writer.acknowledges(5, 90);
    }
    await shop.endsWell(scene.primary, writer);
  },
  { seconds: 200 + KILLS * 60 },
);
