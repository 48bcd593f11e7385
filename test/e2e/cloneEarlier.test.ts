import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asOwner, freePort, IS_ROOT, OWNER, program, waitFor } from './support/machine.ts';
import { clone, newPrimary, PASSWORD, processes, streams, type Primary } from './support/pair.ts';
import { scratch } from './support/scratch.ts';
import { sql } from './support/server.ts';

const dir = scratch();
let primary: Primary;
const stopped: number[] = [];

beforeAll(async () => {
  primary = await newPrimary(dir);
});

afterAll(() => {
  for (const pid of stopped) process.kill(pid, 'SIGKILL');
});

/** What receives WAL by the slot, and does not move any more: as the upstream sees a host that was cut off. */
async function cutOff(slot: string, name: string): Promise<void> {
  const to = join(dir, `wal of ${slot}`);
  const from = `host=127.0.0.1 port=${primary.port} user=replicator password='${PASSWORD}' application_name=${name}`;
  const words = [program('pg_receivewal'), '-D', to, '-S', slot, '-d', from];
  asOwner(['mkdir', to]);
  asOwner([...words, '--create-slot']);
  spawn('runuser', ['-u', OWNER, '--', ...words], { stdio: 'ignore' });
  const active = `SELECT count(*) FROM pg_replication_slots WHERE slot_name = '${slot}' AND active;`;
  await waitFor(() => sql(primary.pgdata, active) === '1', { what: `${slot} is in use` });
  const [pid = 0] = processes('pg_receivewal', to);
  stopped.push(pid);
  process.kill(pid, 'SIGSTOP');
}

test.skipIf(!IS_ROOT)('a slot that an earlier copy to this node still holds is freed', async () => {
  await cutOff('pg2', 'pgrepl_pg2');
  const to = { name: 'pg2', pgdata: join(dir, 'pg2'), port: await freePort() };
  const made = await clone(primary, to, ['--json']);
  expect(made.json()).toMatchObject({ outcome: 'done' });
  expect(made.json().steps.map(({ why }) => why)).toContain(
    `end what an earlier copy left open at 127.0.0.1:${primary.port}`,
  );
  await streams(primary.pgdata, to.pgdata, 'pg2');
  expect((await clone(primary, to, ['--json'])).json()).toMatchObject({ outcome: 'unchanged' });
});

test.skipIf(!IS_ROOT)("somebody else's use of the slot is left alone", async () => {
  await cutOff('pg3', 'archive');
  const to = { name: 'pg3', pgdata: join(dir, 'pg3'), port: await freePort() };
  const refused = await clone(primary, to);
  expect(refused).toMatchObject({ code: 3 });
  expect(refused.stderr).toContain('the slot pg3 is in use by the process');
});
