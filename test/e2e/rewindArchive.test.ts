import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crashAhead, flock, streaming } from './support/flock.ts';
import { asOwner } from './support/machine.ts';
import { configure, isRunning, sql } from './support/server.ts';

/**
 * The old primary has no WAL any more of the time before it was left: checkpoints of its own, after that, removed it. It
 * is in an archive.
 */
describe('a rejoin of a server whose WAL is in an archive alone', async () => {
  const settings = { archive_mode: 'on', wal_keep_size: '0', autovacuum: 'off' };
  const cluster = await flock({ a: undefined, b: 'a' }, { settings });
  const { dir, pgdata, run } = cluster;
  const a = pgdata('a');
  const archive = join(dir, 'archive');
  asOwner(['mkdir', archive]);
  configure(a, { archive_command: `cp %p ${archive}/%f` });
  sql(a, 'SELECT pg_reload_conf();');
  sql(a, 'CREATE TABLE t AS SELECT generate_series(1, 100000) AS i;');
  sql(
    a,
    `CREATE PROCEDURE archived() LANGUAGE plpgsql AS $$
    DECLARE name text := pg_walfile_name(pg_current_wal_lsn());
    BEGIN
      PERFORM pg_switch_wal();
      WHILE NOT EXISTS (SELECT FROM pg_ls_dir('${archive}') AS f WHERE f = name) LOOP
        PERFORM pg_sleep(0.02);
      END LOOP;
    END $$;`,
  );
  sql(a, 'CHECKPOINT;');
  sql(a, 'INSERT INTO t VALUES (0);');
  await crashAhead(cluster, 'a', 'UPDATE t SET i = -i; CALL archived(); CHECKPOINT;');
  expect(await run(['promote', 'b'])).toMatchObject({ code: 0 });
  const left = join(a, 'pg_wal');
  const archived = readdirSync(archive).filter((name) => existsSync(join(left, name)));
  asOwner(['rm', '--', ...archived.map((name) => join(left, name))]);

  test('is refused, with the setting that would fetch it', async () => {
    const ended = await run(['rejoin', 'a']);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(
      /a: pg_rewind needs WAL of it from before 0\/\w+ on, where b left timeline 1, and it has that no longer/,
    );
    expect(ended.stderr).toContain('Set restore_command on a if an archive has it, then run this again');
  });

  test('is undone where that command fails, and both are named', async () => {
    configure(a, { restore_command: `cp ${archive}/nowhere/%f %p` });
    const before = readdirSync(left);
    const ended = await run(['rejoin', 'a']);
    expect(ended.code).toBe(6);
    expect(ended.stderr).toContain(`cp: cannot stat '${archive}/nowhere/0000000100000000000000`);
    expect(ended.stderr).toMatch(
      /The restore_command of a \(\S+\/postgresql.conf line \d+\) does not fetch it; mend that, then run this again/,
    );
    expect(isRunning(a)).toBe(false);
    expect(readdirSync(left)).toEqual(expect.arrayContaining(before));
    expect(readdirSync(dir).filter((name) => name.startsWith('a.pgrepl'))).toEqual([]);
  });

  test('goes by that command', async () => {
    configure(a, { restore_command: `cp ${archive}/%f %p` });
    const ended = await run(['rejoin', 'a']);
    expect(ended.code, ended.stderr).toBe(0);
    expect(streaming(pgdata('b'), 'a')).toBe(true);
    expect(sql(a, 'SELECT sum(i) FROM t;')).toBe('5000050000');
    const kept = readdirSync(dir).find((name) => name.startsWith('a.pgrepl-lost')) ?? '';
    expect(readFileSync(join(dir, kept, 'rewind.log'), 'utf8')).toContain('need to copy');
  });
});
