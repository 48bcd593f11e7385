import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { clusterFile } from '../e2e/support/clusterFile.ts';
import { asOwner, freePort, program, waitFor } from '../e2e/support/machine.ts';
import { pgrepl, type Result } from '../e2e/support/pgrepl.ts';
import { scratch } from '../e2e/support/scratch.ts';
import { sql, writeAsOwner } from '../e2e/support/server.ts';
import { writerOn } from '../e2e/support/writer.ts';
import { bareServer, bindirOf, startWith } from './support.ts';

/** recovery.conf by pg_basebackup -R up to 11, standby.signal from 12 on; to 15, which pg_basebackup here copies from. */
describe.each([10, 11, 12, 13, 14, 15])('PostgreSQL %i', (major) => {
  let dir = '';
  beforeEach(() => {
    // A second attempt finds nothing of the first.
    dir = scratch();
  });
  const data = (name: string): string => join(dir, name);

  test('a pair made by hand as in any tutorial is taken over', async () => {
    const [first, second] = [await freePort(), await freePort()];
    const file = clusterFile(dir, {
      pg1: { pgdata: data('pg1'), port: first, bindir: bindirOf(major) },
      pg2: { pgdata: data('pg2'), port: second, bindir: bindirOf(major), upstream: 'pg1' },
    });
    byHand(first, second);
    const run = (...words: readonly string[]): Promise<Result> => pgrepl([...words, '-c', file, '--json']);
    const done = async (...words: readonly string[]): Promise<void> => {
      expect((await run(...words)).json()).toMatchObject({ outcome: 'done', error: null });
      expect((await run(...words)).json()).toMatchObject({ outcome: 'unchanged', steps: [] });
    };
    // Up to 13 the role has an MD5 hash, which becomes a SCRAM verifier: it asks, since the standby streams with it.
    if (major < 14) expect((await run('init-primary', 'pg1')).json()).toMatchObject({ status: 3 });
    await done('init-primary', 'pg1', ...(major < 14 ? ['--yes'] : []));
    await done('follow', 'pg2', '--upstream', 'pg1');
    expect((await run('status')).json()).toMatchObject({ status: 0 });
    const writer = await writerOn(data('pg1'), [first, second]);
    onTestFinished(async () => writer.stop());
    for (const to of ['pg2', 'pg1']) {
      await done('switchover', to);
      await writer.acknowledges(3);
    }
    await writer.stop();
    await waitFor(() => writer.lost(data('pg2')).length === 0, { what: 'pg2 has every row' });
    expect(writer.lost(data('pg1'))).toEqual([]);
    const files = readdirSync(data('pg2'));
    expect([files.includes('recovery.conf'), files.includes('standby.signal')]).toEqual([
      major < 12,
      major >= 12,
    ]);
  }, 180_000);

  function byHand(first: number, second: number): void {
    bareServer(major, data('pg1'));
    appendFileSync(join(data('pg1'), 'postgresql.conf'), `port = ${first}\n`);
    startWith(major, data('pg1'));
    sql(data('pg1'), "CREATE ROLE replicator LOGIN REPLICATION PASSWORD 'secret of the role';");
    const from = `host=127.0.0.1 port=${first} user=replicator password='secret of the role'`;
    asOwner([program('pg_basebackup'), '-D', data('pg2'), '-R', '-X', 'stream', '-c', 'fast', '-d', from]);
    withOwnKeys(join(data('pg2'), major < 12 ? 'recovery.conf' : 'postgresql.auto.conf'));
    appendFileSync(join(data('pg2'), 'postgresql.conf'), `port = ${second}\n`);
    startWith(major, data('pg2'));
    expect(readdirSync(data('pg2')).includes('recovery.conf')).toBe(major < 12);
  }

  /** pg_basebackup of a newer major writes what the older libpq of the server does not know: its own would not. */
  function withOwnKeys(path: string): void {
    const keys = /^(user|password|host|port|sslmode|krbsrvname|target_session_attrs)$/;
    const text = readFileSync(path, 'utf8').replace(/^primary_conninfo = '(.*)'$/m, (_line, all: string) => {
      const known = all
        .match(/\w+=(?:''(?:[^']|'(?!'))*''|\S+)/g)
        ?.filter((pair) => keys.test(pair.split('=')[0] ?? ''));
      return `primary_conninfo = '${known?.join(' ') ?? ''}'`;
    });
    writeAsOwner(path, text);
  }
});
