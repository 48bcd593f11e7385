import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { clusterFile } from './support/clusterFile.ts';
import { asOwner, freePort } from './support/machine.ts';
import { allow, newPrimary, PASSWORD, streams } from './support/pair.ts';
import { killedAfter, pgrepl, type Result } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { socketOf, sql, startServer, stopServer } from './support/server.ts';
import { Writer, prepareWriter } from './support/writer.ts';

describe('promote', () => {
  const dir = scratch();
  const nodes = ['pg1', 'pg2', 'pg3'];
  let file: string;

  beforeAll(async () => {
    const primary = await newPrimary(dir, { wal_retrieve_retry_interval: '500ms' }, { name: 'pg1' });
    allow(primary.pgdata, 'host all,replication replicator 127.0.0.1/32 scram-sha-256');
    const standby = async (name: string) => ({
      pgdata: join(dir, name),
      port: await freePort(),
      upstream: 'pg1',
    });
    file = clusterFile(
      dir,
      {
        pg1: { pgdata: primary.pgdata, port: primary.port },
        pg2: await standby('pg2'),
        pg3: await standby('pg3'),
      },
      { password: PASSWORD },
    );
    prepareWriter(primary.pgdata);
    for (const name of ['pg2', 'pg3'])
      expect(await pgrepl(['clone-standby', name, '-c', file])).toMatchObject({ code: 0 });
    for (const name of nodes) stopServer(join(dir, name));
    asOwner(['mkdir', join(dir, 'saved')]);
    for (const name of nodes) asOwner(['cp', '-a', join(dir, name), join(dir, 'saved', name)]);
  });

  function restore(): void {
    for (const name of nodes) {
      asOwner(['rm', '-rf', join(dir, name)]);
      asOwner(['cp', '-a', join(dir, 'saved', name), join(dir, name)]);
    }
    for (const name of ['pg2', 'pg3']) startServer(join(dir, name));
  }

  const promote = (...more: string[]): Promise<Result> =>
    pgrepl(['promote', 'pg2', '-c', file, '--timeout', '30', ...more]);

  test.each([1, 2, 4, 6, 9, 11])('killed when %i steps were done, it arrives', async (steps) => {
    restore();
    const ports = ['pg2', 'pg3'].map((name) => socketOf(join(dir, name)).port);
    const writing = new Writer(ports).start();
    expect(await killedAfter(['promote', 'pg2', '-c', file], steps)).toBe(true);
    const again = await promote();
    expect(again.code, again.stderr).toBe(0);
    expect(sql(join(dir, 'pg2'), 'SELECT pg_is_in_recovery();')).toBe('f');
    await streams(join(dir, 'pg2'), join(dir, 'pg3'), 'pg3');
    expect((await promote('--json')).json()).toMatchObject({ outcome: 'unchanged' });
    const writer = await writing;
    await writer.acknowledges(3);
    await writer.stop();
    await streams(join(dir, 'pg2'), join(dir, 'pg3'), 'pg3');
    for (const name of ['pg2', 'pg3']) expect(writer.lost(join(dir, name))).toEqual([]);
    for (const name of ['pg3', 'pg2']) stopServer(join(dir, name), 'immediate');
  });
});
