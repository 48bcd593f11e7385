import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { crashAhead, flock, streaming } from './support/flock.ts';
import { asOwner, waitFor } from './support/machine.ts';
import { processes } from './support/pair.ts';
import { isRunning, sql, startServer, stopServer } from './support/server.ts';
import { Writer, prepareWriter } from './support/writer.ts';

/**
 * `a` crashed and `b` was promoted; a rewind of `a` to `b` is cut short, and then `b` is lost too: `c` is promoted, which
 * never received the last of what `b` wrote, and of which `a` has a part by now. `gone` is a table that `a` had removed:
 * its files come from `b` whole, and nothing in the WAL of `a` says so.
 */
describe('another failover before a rewind has come to its end', async () => {
  const cluster = await flock({ a: undefined, b: 'a', c: 'a' }, { settings: { autovacuum: 'off' } });
  const { dir, pgdata, run, document } = cluster;
  const names = ['a', 'b', 'c'] as const;
  sql(pgdata('a'), 'CREATE TABLE kept AS SELECT generate_series(1, 100000) AS i;');
  sql(pgdata('a'), 'CREATE TABLE gone AS SELECT generate_series(1, 20000) AS i;');
  prepareWriter(pgdata('a'));
  // What was before this is not replayed after a rewind.
  sql(pgdata('a'), 'VACUUM;');
  sql(pgdata('a'), 'CHECKPOINT;');
  for (const name of ['b', 'c'])
    await waitFor(() => sql(pgdata(name), `SELECT to_regclass('written') IS NOT NULL;`) === 't', {
      what: `${name} has it`,
    });
  await crashAhead(cluster, 'a', 'DROP TABLE IF EXISTS gone; UPDATE kept SET i = i + 1;');
  // As it is before it hears of that, it would take the same number.
  stopServer(pgdata('c'));
  asOwner(['cp', '-a', pgdata('c'), join(dir, 'saved-twin')]);
  expect(await run(['promote', 'b'])).toMatchObject({ code: 0 });
  startServer(pgdata('c'));
  expect(await run(['follow', 'c', '--upstream', 'b'])).toMatchObject({ code: 0 });
  expect(streaming(pgdata('b'), 'c')).toBe(true);
  stopServer(pgdata('c'));
  sql(pgdata('b'), 'DELETE FROM gone WHERE i % 2 = 0; UPDATE kept SET i = -i; CHECKPOINT;');
  stopServer(pgdata('b'));
  for (const name of names) asOwner(['cp', '-a', pgdata(name), join(dir, `saved-${name}`)]);
  let writer: Writer | undefined;
  afterAll(async () => writer?.stop());

  /** As it was when `a` was to be rejoined for the first time. */
  async function again(): Promise<void> {
    await writer?.stop();
    for (const name of names) if (isRunning(pgdata(name))) stopServer(pgdata(name), 'immediate');
    for (const name of names)
      asOwner([
        'sh',
        '-c',
        'rm -rf "$1/$2" "$1/$2".pgrepl-*; cp -a "$1/saved-$2" "$1/$2"',
        'again',
        dir,
        name,
      ]);
    startServer(pgdata('b'));
  }

  /** `rejoin` is killed when it has said that. */
  async function killedAfter(why: string): Promise<void> {
    await run(['rejoin', 'a'], {
      onStderr: (said, child) => {
        if (said.includes(`✓ a: ${why}`)) child.kill('SIGKILL');
      },
    });
    await waitFor(() => processes('pg_rewind', pgdata('a')).length === 0, { what: 'pg_rewind ends' });
    expect(isRunning(pgdata('a'))).toBe(false);
  }

  /** The start alone fails: somebody else has the port of `a`. */
  async function notStarted(): Promise<void> {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(cluster.port('a'), '127.0.0.1', resolve));
    const ended = await run(['rejoin', 'a']);
    expect(ended.code, ended.stderr).toBe(5);
    expect(ended.stderr).toContain('✗ a: start it as a standby');
    await new Promise((resolve) => other.close(resolve));
    expect(existsSync(join(dir, 'a.pgrepl-rewind'))).toBe(false);
  }

  async function failover(): Promise<void> {
    stopServer(pgdata('b'), 'immediate');
    startServer(pgdata('c'));
    const promoted = await run(['promote', 'c', '--yes', '--primary-is-dead', '--accept-loss', '999999999']);
    expect(promoted.code, promoted.stderr).toBe(0);
    writer = await new Writer([cluster.port('c')]).start();
  }

  async function arrived(): Promise<void> {
    expect(streaming(pgdata('c'), 'a')).toBe(true);
    // First of all: what is read at c sets hint bits there, and whole pages come to a.
    expect(sql(pgdata('a'), 'SELECT sum(i) FROM gone;')).toBe('200010000');
    await writer?.acknowledges(3);
    await writer?.stop();
    const rows =
      'SELECT (SELECT sum(i) FROM kept), (SELECT sum(i) FROM gone), (SELECT count(*) FROM written);';
    await waitFor(() => sql(pgdata('a'), rows) === sql(pgdata('c'), rows), { what: 'a has what c has' });
    expect(await document(['rejoin', 'a'])).toMatchObject({ outcome: 'unchanged' });
  }

  /** It arrives in one run; gives what it said. */
  async function arrives(): Promise<string> {
    await failover();
    const ended = await run(['rejoin', 'a']);
    expect(ended.code, ended.stderr).toBe(0);
    await arrived();
    return ended.stderr;
  }

  const kept = (): string[] =>
    readdirSync(dir)
      .filter((name) => name.startsWith('a.pgrepl'))
      .map((name) => name.replace(/-\d{8}T.*$/, ''));

  test('when it is done, and nothing else is', { timeout: 200_000 }, async () => {
    await again();
    await killedAfter('rewind it to b');
    expect(readFileSync(join(dir, 'a.pgrepl-rewind', 'state'), 'utf8')).toBe('done\n');
    expect(await arrives()).toContain('a: was rewound to b, which is not the primary any more');
    expect(kept()).toEqual(['a.pgrepl-lost-1']);
  });

  test('when it is done, and so is all but the start', { timeout: 200_000 }, async () => {
    await again();
    await notStarted();
    expect(await arrives()).toMatch(
      /a: cannot stream as it is: it has WAL past \S+, where c left timeline 2/,
    );
    expect(kept()).toEqual(['a.pgrepl-lost-1', 'a.pgrepl-lost-2']);
  });

  test(
    'when it is done, and the next primary takes the number of the last one',
    { timeout: 200_000 },
    async () => {
      await again();
      asOwner(['sh', '-c', 'rm -rf "$1/c"; cp -a "$1/saved-twin" "$1/c"', 'twin', dir]);
      await killedAfter('rewind it to b');
      const history = () => sql(pgdata('c'), `SELECT pg_read_file('pg_wal/00000002.history');`);
      const theirs = sql(pgdata('b'), `SELECT pg_read_file('pg_wal/00000002.history');`);
      const said = await arrives();
      expect(history().split('\t')[1]).toBe(theirs.split('\t')[1]);
      expect(said).toContain(
        'a: was rewound to b, which is not the primary any more, and c has the same timeline',
      );
    },
  );

  test('when pg_rewind was killed in the middle', { timeout: 200_000 }, async () => {
    await again();
    const log = join(dir, 'a.pgrepl-rewind', 'rewind.log');
    const going = run(['rejoin', 'a']);
    await waitFor(() => existsSync(log) && readFileSync(log, 'utf8').includes('need to copy'), {
      what: 'it writes',
    });
    for (const pid of processes('pg_rewind', pgdata('a'))) process.kill(pid, 'SIGKILL');
    await going;
    await arrives();
  });

  test('when the machine went down before it was on the disk', { timeout: 200_000 }, async () => {
    await again();
    await killedAfter('its own files again');
    const damage = 'echo begun >"$1/state"; echo other >"$1/boot"';
    asOwner(['sh', '-c', damage, 'damage', join(dir, 'a.pgrepl-rewind')]);
    expect(await arrives()).toContain('an earlier rewind of it was cut short');
    expect(kept()).toEqual(['a.pgrepl-lost-1']);
  });

  test(
    'and where the WAL of what was copied is not there, only a new copy helps',
    { timeout: 200_000 },
    async () => {
      await again();
      await notStarted();
      const last = sql(pgdata('b'), 'SELECT pg_walfile_name(pg_current_wal_lsn());');
      asOwner(['rm', join(pgdata('a'), 'pg_wal', last)]);
      await failover();
      const refused = await run(['rejoin', 'a']);
      expect(refused).toMatchObject({ code: 3 });
      expect(refused.stderr).toContain('a: cannot be rewound: its data have changes of up to');
      expect(refused.stderr).toContain('pgrepl rejoin a --allow-reclone');
      const copied = await run(['rejoin', 'a', '--allow-reclone', '--yes']);
      expect(copied.code, copied.stderr).toBe(0);
      await arrived();
    },
  );
});
