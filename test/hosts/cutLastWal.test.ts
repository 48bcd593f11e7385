import { expect } from 'vitest';
import type { Writer } from '../e2e/support/writer.ts';
import type { TheCluster } from './lab/cluster.ts';
import type { Host } from './lab/host.ts';
import { HELD, heldStop } from './lab/heldStop.ts';
import { story, type Lab } from './lab/lab.ts';

/** No verb may wait for a host that is gone longer than this, in milliseconds. */
const PATIENCE = 120_000;

type Scene = { shop: TheCluster; pg1: Host; pg2: Host; writer: Writer };

/** The network fails when the primary is about to stop: rows are written that the candidate does not get any more. */
async function failsAtTheStop(
  lab: Lab,
  fail: (scene: Scene) => Promise<void>,
): Promise<Scene & { code: number }> {
  const [pg1, pg2] = await Promise.all([lab.host('pg1'), lab.host('pg2')]);
  const { hold, held, goOn } = await heldStop(pg1);
  const shop = lab.cluster({ pg1: { host: pg1, bindir: HELD }, pg2: { host: pg2, upstream: 'pg1' } });
  await shop.does('init-primary', 'pg1');
  await shop.does('clone-standby', 'pg2');
  const scene = { shop, pg1, pg2, writer: await shop.writer() };
  await hold();
  const moving = shop.starts('switchover', 'pg2', '--timeout', '10');
  await held();
  await fail(scene);
  lab.figure({ partitions: 1 });
  await goOn();
  const { code, ms } = await moving.ended;
  expect(ms).toBeLessThan(PATIENCE);
  expect((await shop.takesWrites()).length, 'never two at once').toBeLessThan(2);
  return { ...scene, code };
}

story('the network between the two fails before the last WAL is sent: all is taken back', async (lab) => {
  const { shop, pg1, writer, code } = await failsAtTheStop(lab, async ({ pg1, pg2, writer }) => {
    await pg1.dropReplicationTo(pg2);
    await writer.acknowledges(20);
  });
  expect(code).toBe(6);
  expect(await shop.takesWrites()).toEqual(['pg1']);
  await writer.acknowledges(5, 90);
  await pg1.heal();
  await shop.healthy();
  await shop.arrives('switchover', 'pg2');
  await shop.endsWell('pg2', writer);
});

for (const how of ['cut', 'drop'] as const)
  for (const name of ['pg1', 'pg2'] as const)
    story(
      `${name} is out of reach (${how}) from the stop of the primary on: one primary in the end`,
      async (lab) => {
        const { shop, writer, code, ...hosts } = await failsAtTheStop(lab, async (scene) =>
          scene[name][how](),
        );
        expect([4, 5, 6, 7]).toContain(code);
        await hosts[name].heal();
        await shop.arrives('switchover', 'pg2');
        await shop.endsWell('pg2', writer);
      },
    );
