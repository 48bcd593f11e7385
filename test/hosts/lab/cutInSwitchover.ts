import { expect } from 'vitest';
import { story } from './lab.ts';
import { pair } from './tree.ts';

/** No verb may wait for a host that is gone longer than this, in milliseconds. */
const PATIENCE = 60_000;

/** The cable of one node is pulled in the middle of a switchover to pg2. */
export function cutInSwitchover(cut: 'pg1' | 'pg2'): void {
  story(`the cable of ${cut} is pulled in the middle of a switchover to pg2`, async (lab) => {
    const { shop } = await pair(lab);
    const writer = await shop.writer();
    const moving = shop.starts('switchover', 'pg2', '--timeout', '20');
    // In the outage, or where that is too short to be seen, right after it.
    await shop.until(
      () => Promise.resolve(writer.outageMs > 200 || moving.child.exitCode !== null),
      'the writer waits',
    );
    await shop.hosts[cut]?.cut();
    lab.figure({ partitions: 1 });
    const ended = await moving.ended;
    expect(ended.ms).toBeLessThan(3 * PATIENCE);
    expect((await shop.takesWrites()).length).toBeLessThan(2);
    await shop.hosts[cut]?.heal();
    await shop.arrives('switchover', 'pg2');
    await shop.endsWell('pg2', writer);
  });
}
