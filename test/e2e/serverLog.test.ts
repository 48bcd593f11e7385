import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clusterFile } from './support/clusterFile.ts';
import { asOwner, freePort, program } from './support/machine.ts';
import { pgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { configure, initdb, socketOf } from './support/server.ts';
import { hasEveryRow, writerOn } from './support/writer.ts';

/** Where the postmaster's stderr goes. */
function logOf(pgdata: string): string {
  return readlinkSync(`/proc/${socketOf(pgdata).pid}/fd/2`);
}

test("a log that somebody's pg_ctl began is kept by a restart and by a switchover there and back", async () => {
  const dir = scratch();
  const log = join(dir, "the server's.log");
  const pg1 = { pgdata: join(dir, 'pg1'), port: await freePort() };
  const pg2 = { pgdata: join(dir, 'pg2'), port: await freePort(), upstream: 'pg1' };
  initdb(pg1.pgdata);
  configure(pg1.pgdata, {
    port: pg1.port,
    unix_socket_directories: '/tmp',
    wal_level: 'minimal',
    max_wal_senders: 0,
  });
  asOwner([program('pg_ctl'), '-D', pg1.pgdata, '-w', '-s', '-l', log, 'start']);
  const file = ['-c', clusterFile(dir, { pg1, pg2 })];
  const before = socketOf(pg1.pgdata).pid;
  const done = async (...words: readonly string[]) => {
    const { code, stderr } = await pgrepl([...words, ...file]);
    expect({ words, code, stderr }).toMatchObject({ code: 0 });
  };
  await done('init-primary', 'pg1');
  expect(socketOf(pg1.pgdata).pid).not.toBe(before);
  expect(logOf(pg1.pgdata)).toBe(log);
  await done('clone-standby', 'pg2');
  expect(logOf(pg2.pgdata)).toBe(join(pg2.pgdata, 'pgrepl-start.log'));
  const writer = await writerOn(pg1.pgdata, [pg1.port, pg2.port]);
  await done('switchover', 'pg2');
  expect(logOf(pg1.pgdata)).toBe(log);
  await done('switchover', 'pg1');
  expect(logOf(pg1.pgdata)).toBe(log);
  await writer.acknowledges(3);
  await writer.stop();
  for (const { pgdata } of [pg1, pg2]) await hasEveryRow(pgdata, writer);
  expect(existsSync(join(pg1.pgdata, 'pgrepl-start.log'))).toBe(false);
  expect(readFileSync(log, 'utf8').match(/starting PostgreSQL/g)?.length).toBe(3);
});
