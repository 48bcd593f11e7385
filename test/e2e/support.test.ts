import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { IS_ROOT, OWNER, command, freePort } from './support/machine.ts';
import { isAlive, scratch, stopServersIn } from './support/scratch.ts';
import { newServer, socketOf, sql, stopServer, startServer } from './support/server.ts';
import { NO_SSH, sshHost } from './support/sshHost.ts';
import { Writer, prepareWriter } from './support/writer.ts';

/** The harness itself: a test that cannot fail proves nothing. */

test('a writer knows what was acknowledged, what is lost, and how long nothing could be written', async () => {
  const pgdata = join(scratch(), 'data');
  const port = await freePort();
  newServer(pgdata, port, { listen_addresses: '127.0.0.1' });
  prepareWriter(pgdata);
  const writer = await new Writer([1, port]).start();
  await writer.acknowledges(20);
  expect(writer.lost(pgdata)).toEqual([]);

  stopServer(pgdata);
  startServer(pgdata);
  await writer.acknowledges(20);
  await writer.stop();
  expect(writer.outageMs).toBeGreaterThan(50);
  expect(writer.lost(pgdata)).toEqual([]);
  sql(pgdata, 'DELETE FROM written WHERE n = 7;');
  expect(writer.lost(pgdata)).toEqual([7]);

  const { pid } = socketOf(pgdata);
  stopServersIn(pgdata.replace(/\/data$/, ''));
  expect(isAlive(pid)).toBe(false);
});

describe.skipIf(NO_SSH !== undefined)('over ssh', () => {
  const dir = scratch();

  test('every name is this host, and words come through', async () => {
    const { ssh, stop } = await sshHost(dir);
    const who = (user: string): string =>
      command([ssh, '-o', 'BatchMode=yes', `${user}@web1`, 'id -un']).trim();
    expect(who(OWNER)).toBe(OWNER);
    if (IS_ROOT) expect(who('root')).toBe('root');
    stop();
    expect(() => who(OWNER)).toThrow('refused');
    expect(existsSync(dir)).toBe(true);
  });
});
