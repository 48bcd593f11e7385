import { expect } from 'vitest';
import { story } from './lab/lab.ts';
import { barePair, pair } from './lab/tree.ts';

story('packets to the standby are dropped: status waits once, not once a question', async (lab) => {
  const { shop, pg2 } = await pair(lab);
  await pg2.drop();
  lab.figure({ partitions: 1 });
  const cold = await shop.tries('status');
  const warm = await shop.tries('status');
  expect(cold.json()).toMatchObject({ status: 9 });
  expect(JSON.stringify(cold.json())).toContain('pg2: unreachable');
  // ssh gives up after 10 s, and notices a connection that died within 20.
  expect(Math.max(cold.ms, warm.ms)).toBeLessThan(30_000);
  lab.figure({ statusMs: cold.ms });
  await pg2.heal();
  await shop.healthy();
  await shop.endsWell('pg1');
});

story('a host that accepts connections and never answers', async (lab) => {
  const { shop, pg2 } = await pair(lab);
  await pg2.freeze();
  const frozen = await shop.tries('status');
  expect(frozen.json()).toMatchObject({ status: 9 });
  expect(frozen.ms).toBeLessThan(45_000);
  expect((await shop.tries('switchover', 'pg2')).json()).toMatchObject({ status: 4, changed: false });
  await pg2.thaw();
  await shop.healthy();
  await shop.endsWell('pg1');
});

story('an sshd that hangs after the login', async (lab) => {
  const { shop, pg2 } = await pair(lab);
  await pg2.write('/etc/ssh/sshrc', 'exec sleep 100000\n', { user: 'root' });
  const hung = await shop.tries('status');
  expect(hung.json()).toMatchObject({ status: 9 });
  expect(hung.ms).toBeLessThan(45_000);
  expect((await shop.tries('switchover', 'pg2')).json()).toMatchObject({ status: 4, changed: false });
  await pg2.exec(['rm', '/etc/ssh/sshrc'], { user: 'root' });
  await shop.healthy();
  await shop.endsWell('pg1');
});

story('a slow link of 8 Mbit/s', async (lab) => {
  const { shop, pg1 } = await barePair(lab);
  await pg1.slow('8mbit');
  await shop.does('init-primary', 'pg1');
  await shop.does('clone-standby', 'pg2');
  const writer = await shop.writer();
  await shop.does('switchover', 'pg2');
  await shop.endsWell('pg2', writer);
});
