import { expect } from 'vitest';
import { kill, random, seed } from './lab/kill.ts';
import { story } from './lab/lab.ts';
import { pair } from './lab/pair.ts';

const KILLS = Number(process.env['PGREPL_KILLS'] ?? 10);

story(
  `pgrepl is killed at ${KILLS} random instants, and run again`,
  async (lab) => {
    console.error(`kills: PGREPL_SEED=${seed()} PGREPL_KILLS=${KILLS}`);
    const { shop, pg1, pg2 } = await pair(lab);
    const writer = await shop.writer();
    const next = random(seed());
    let primary = 'pg1';
    for (let done = 0; done < KILLS; done += 1) {
      const standby = primary === 'pg1' ? 'pg2' : 'pg1';
      const pick = next();
      if (pick < 0.5) {
        await kill(lab, shop, next(), 'switchover', standby);
        primary = standby;
      } else if (pick < 0.85) {
        const host = standby === 'pg1' ? pg1 : pg2;
        await shop.does('remove-standby', standby, '--yes');
        await host.exec(['rm', '-rf', shop.pgdata(standby)]);
        await shop.does('init-primary', primary);
        await kill(lab, shop, next(), 'clone-standby', standby, '--from', primary);
      } else {
        await kill(lab, shop, next(), 'init-primary', primary);
      }
      expect(await shop.takesWrites()).toEqual([primary]);
      await writer.acknowledges(5, 90);
    }
    await shop.endsWell(primary, writer);
  },
  { seconds: 200 + KILLS * 60 },
);
