import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { freePort, waitFor } from './support/machine.ts';
import { clone, newPrimary, processes, streams, type Primary } from './support/pair.ts';
import { scratch } from './support/scratch.ts';
import { sql, stopServer } from './support/server.ts';

/**
 * The network goes silent behind a question: nobody closes a connection, and no byte comes any more. A postmaster that
 * stands still would be noticed by connect_timeout; this one has let psql in.
 */

const dir = scratch();
let primary: Primary;

beforeAll(async () => {
  primary = await newPrimary(dir);
});

/** A way to the server on which the connection that says this hears nothing any more, the first time. */
async function silentAfter(
  word: string,
): Promise<{ port: number; silenced: () => boolean; close: () => void }> {
  let silenced = false;
  const server = createServer((client) => {
    const upstream = connect(primary.port, '127.0.0.1');
    let open = true;
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('error', () => client.destroy()).on('close', () => open && client.destroy());
    client.on('data', (bytes: Buffer) => {
      if (!silenced && bytes.includes(word)) {
        silenced = true;
        open = false;
      }
      if (open) upstream.write(bytes);
    });
    upstream.on('data', (bytes: Buffer) => open && client.write(bytes));
  }).listen(0, '127.0.0.1');
  await waitFor(() => server.listening, { what: 'the way is open' });
  return {
    port: (server.address() as AddressInfo).port,
    silenced: () => silenced,
    close: () => void server.close(),
  };
}

test(
  'psql that makes the slot is bounded, and nothing holds the lock after it',
  { timeout: 150_000 },
  async () => {
    const way = await silentAfter('CREATE_REPLICATION_SLOT');
    const to = { name: 'pg2', pgdata: join(dir, 'pg2'), port: await freePort() };
    const ended = await clone({ ...primary, port: way.port }, to, ['--json'], { seconds: 100 });
    expect(way.silenced()).toBe(true);
    expect(ended.json()).toMatchObject({ outcome: 'rolled-back', status: 6, changed: false });
    // Twenty seconds for psql; its step would give up after sixty, and leave it.
    expect(ended.ms).toBeGreaterThan(19_000);
    expect(ended.ms).toBeLessThan(55_000);
    expect(processes('psql', `port=${way.port}`)).toEqual([]);
    expect(sql(primary.pgdata, 'SELECT slot_name FROM pg_replication_slots;')).toBe('');
    expect((await clone({ ...primary, port: way.port }, to, ['--json'])).json()).toMatchObject({
      outcome: 'done',
    });
    await streams(primary.pgdata, to.pgdata, 'pg2');
    stopServer(to.pgdata);
    way.close();
  },
);
