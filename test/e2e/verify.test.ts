import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { waitFor } from './support/machine.ts';
import { pgrepl, startPgrepl } from './support/pgrepl.ts';
import { socketOf, sql, startServer, stopServer } from './support/server.ts';
import { trio } from './support/trio.ts';

const cluster = trio();
beforeAll(() => cluster.make());

const LEFT = `SELECT count(*) FROM pg_class WHERE relname LIKE 'pgrepl_verify%';`;

/** The process that replays WAL, frozen and let go again. */
async function frozen(name: string, work: () => Promise<void>): Promise<void> {
  const { pid } = socketOf(cluster.data(name));
  const startup = readdirSync('/proc').find((each) => {
    if (!/^\d+$/.test(each)) return false;
    try {
      const parent = /\) \S (\d+)/.exec(readFileSync(`/proc/${each}/stat`, 'utf8'))?.[1];
      return Number(parent) === pid && readFileSync(`/proc/${each}/cmdline`, 'utf8').includes('startup');
    } catch {
      return false;
    }
  });
  process.kill(Number(startup), 'SIGSTOP');
  await work().finally(() => process.kill(Number(startup), 'SIGCONT'));
}

test('the row is read on every standby, and nothing of it is left, nor of an earlier one', async () => {
  sql(cluster.data('pg1'), 'CREATE TABLE pgrepl_verify_0123456789abcdef (token text);');
  const shown = await cluster.run('verify');
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toMatch(
    /pg2: read the row that was written on pg1, after [\d.]+ ms\n.*pg3: read the row/,
  );
  expect(sql(cluster.data('pg1'), LEFT)).toBe('0');
  const { standbys } = (await cluster.run('verify', '--json')).json();
  expect(standbys).toMatchObject([
    { node: 'pg2', is: 'read', ms: expect.any(Number) as number },
    { node: 'pg3', is: 'read', ms: expect.any(Number) as number },
  ]);
});

test('the primary alone by flags: its standbys say what they received', async () => {
  const shown = await pgrepl(['verify', '-D', cluster.data('pg1'), '--name', 'here']);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain('pg2: is no node of the cluster, and said that it received the row');
  const standby = await pgrepl(['verify', '-D', cluster.data('pg2')]);
  expect(standby).toMatchObject({ code: 9 });
  expect(standby.stdout).toContain('no node takes writes');
});

test('a standby that does not replay is told, and the table is dropped even where pgrepl is killed', async () => {
  await frozen('pg3', async () => {
    const shown = await cluster.run('verify', '--timeout', '1');
    expect(shown.code).toBe(9);
    expect(shown.stdout).toMatch(/pg3: the row was not read: .*not seen within 1 s/);
    const { child, ended } = startPgrepl(['verify', '-c', cluster.file]);
    await waitFor(() => sql(cluster.data('pg1'), LEFT) === '1', { what: 'the table' });
    child.kill('SIGKILL');
    await ended;
    await waitFor(() => sql(cluster.data('pg1'), LEFT) === '0', { what: 'that the table goes' });
  });
});

test('one that is late on purpose is not waited for; one that is paused is wrong', async () => {
  sql(cluster.data('pg2'), `ALTER SYSTEM SET recovery_min_apply_delay = '1h';`);
  sql(cluster.data('pg2'), 'SELECT pg_reload_conf();');
  await waitFor(() => sql(cluster.data('pg2'), 'SHOW recovery_min_apply_delay;') === '1h', {
    what: 'the delay',
  });
  const late = (await cluster.run('verify', '--json')).json();
  expect(late).toMatchObject({ outcome: 'done', standbys: [{ is: 'delayed' }, { is: 'read' }] });
  expect(JSON.stringify(late['standbys'])).toContain(
    'replays 3600 s late, as it is told to; it received the row',
  );
  sql(cluster.data('pg3'), 'SELECT pg_wal_replay_pause();');
  const paused = await cluster.run('verify');
  expect(paused.code).toBe(9);
  expect(paused.stdout).toContain('pg3: its replay is paused');
  sql(cluster.data('pg3'), 'SELECT pg_wal_replay_resume();');
});

test('--deep says what it looked at and what it did not', async () => {
  const without = (await cluster.run('verify', '--deep')).stdout;
  expect(without).toMatch(/pg1: checksums: no page with a wrong checksum/);
  expect(without).toMatch(
    /- pg1: amcheck: skipped: in postgres, template1 the extension amcheck is not installed/,
  );
  sql(cluster.data('pg1'), 'CREATE EXTENSION amcheck;');
  await waitFor(
    () => sql(cluster.data('pg3'), `SELECT count(*) FROM pg_extension WHERE extname = 'amcheck';`) === '1',
    {
      what: 'the extension on the standby',
    },
  );
  const { outcome, deep } = (await cluster.run('verify', '--deep', '--json')).json();
  expect(outcome).toBe('done');
  expect(deep).toContainEqual({
    node: 'pg3',
    check: 'amcheck',
    is: 'good',
    message: expect.stringContaining(
      'tables and indexes of postgres are sound; skipped: in template1',
    ) as string,
  });
});

test('--deep names the node whose data are damaged, and what is', async () => {
  const [pg1, pg3] = [cluster.data('pg1'), cluster.data('pg3')];
  sql(pg1, 'CREATE TABLE damaged AS SELECT generate_series(1, 1000) AS n;');
  sql(pg1, 'CHECKPOINT;');
  const end = sql(pg1, 'SELECT pg_current_wal_lsn();');
  await waitFor(() => sql(pg3, `SELECT pg_last_wal_replay_lsn() >= '${end}';`) === 't', {
    what: 'the table',
  });
  const file = join(pg3, sql(pg1, `SELECT pg_relation_filepath('damaged');`));
  // Its pages are on disk when it has been stopped, and no WAL is replayed over them at its start.
  stopServer(pg3);
  const pages = readFileSync(file);
  pages.fill(0x5a, 8192 + 4000, 8192 + 4100);
  writeFileSync(file, pages);
  startServer(pg3);
  expect(() => sql(pg3, 'SELECT count(*) FROM damaged;')).toThrow('invalid page in block 1');
  const found = await cluster.run('verify', '--deep', '--json');
  expect(found).toMatchObject({ code: 9 });
  const deep = found.json()['deep'] as readonly {
    node: string;
    check: string;
    is: string;
    message: string;
  }[];
  const bad = deep.filter(({ is }) => is === 'bad').map(({ node, message }) => `${node}: ${message}`);
  expect(bad).toEqual([
    expect.stringMatching(/^pg3: pages with wrong checksums were read: postgres: \d+, last at /),
    expect.stringMatching(/^pg3: pg_amcheck found: .*(damaged|invalid page)/),
  ]);
});

test('without a primary nothing can be written', async () => {
  stopServer(cluster.data('pg1'));
  const shown = await cluster.run('verify');
  expect(shown.code).toBe(9);
  expect(shown.stdout).toContain('no node takes writes');
});
