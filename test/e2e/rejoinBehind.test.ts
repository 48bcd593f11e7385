import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crashAhead, flock, streaming } from './support/flock.ts';
import { OWNER, as, asOwner, program, waitFor } from './support/machine.ts';
import { configure, isRunning, socketOf, sql } from './support/server.ts';

const received = `SELECT bool_and(flush_lsn = pg_current_wal_lsn()) FROM pg_stat_replication;`;

/** What pg_rewind reads, and what the server begins with, may lie well before the fork. */
describe('a rejoin', () => {
  test('of a standby that received what is lost, and has not replayed it', async () => {
    const { pgdata, run, dir } = await flock({ a: undefined, b: 'a', c: 'a' });
    sql(pgdata('a'), 'CREATE TABLE t AS SELECT 1 AS i;');
    configure(pgdata('c'), { recovery_min_apply_delay: '15s' });
    sql(pgdata('c'), 'SELECT pg_reload_conf();');
    await waitFor(() => sql(pgdata('c'), 'SHOW recovery_min_apply_delay;') === '15s', { what: 'the delay' });
    for (let n = 0; n < 3; n += 1)
      sql(pgdata('a'), 'INSERT INTO t VALUES (2); SELECT pg_switch_wal(); CHECKPOINT;');
    await waitFor(() => sql(pgdata('a'), received) === 't', { what: 'both have it' });
    const b = Number(sql(pgdata('a'), `SELECT pid FROM pg_stat_replication WHERE application_name = 'b';`));
    process.kill(b, 'SIGSTOP');
    sql(pgdata('a'), 'INSERT INTO t VALUES (3); SELECT pg_switch_wal(); INSERT INTO t VALUES (3);');
    const ahead = `SELECT flush_lsn = pg_current_wal_lsn() FROM pg_stat_replication WHERE application_name = 'c';`;
    await waitFor(() => sql(pgdata('a'), ahead) === 't', { what: 'c has it' });
    asOwner([program('pg_ctl'), '-D', pgdata('a'), '-s', '-W', '-m', 'immediate', 'stop']);
    process.kill(b, 'SIGKILL');
    await waitFor(() => !isRunning(pgdata('a')), { what: 'the crash' });
    expect(await run(['promote', 'b', '--yes', '--accept-loss', '99999999'])).toMatchObject({ code: 0 });
    const ended = await run(['rejoin', 'c', '--timeout', '60']);
    expect(ended.code, ended.stderr).toBe(0);
    expect(streaming(pgdata('b'), 'c')).toBe(true);
    const kept = readdirSync(dir).find((name) => name.startsWith('c.pgrepl-lost')) ?? '';
    expect(readFileSync(join(dir, kept, 'rewind.log'), 'utf8')).toContain('no rewind required');
    sql(pgdata('b'), 'INSERT INTO t VALUES (4);');
    const rows = 'SELECT array_agg(i ORDER BY i) FROM t;';
    await waitFor(() => sql(pgdata('c'), rows) === sql(pgdata('b'), rows), { what: 'c follows' });
    expect(sql(pgdata('c'), rows)).toBe('{1,2,2,2,4}');
  });

  test('whose last common checkpoint began in WAL that only the node itself has', async () => {
    const settings = { checkpoint_timeout: '30s', checkpoint_completion_target: '0.2', wal_keep_size: '0' };
    const cluster = await flock({ a: undefined, b: 'a' }, { settings });
    const { pgdata, run } = cluster;
    const a = pgdata('a');
    sql(a, 'CREATE TABLE t AS SELECT generate_series(1, 200000) AS i;');
    const { port, socketDir } = socketOf(a);
    const redo = 'SELECT redo_lsn FROM pg_control_checkpoint();';
    const before = sql(a, redo);
    const words = [program('psql'), '-h', socketDir, '-p', String(port), '-d', 'postgres'];
    const start = sql(a, 'SHOW server_version_num;') < '150000' ? 'pg_start_backup' : 'pg_backup_start';
    const [name = '', ...rest] = as(OWNER, [...words, '-c', `SELECT ${start}('slowly', false)`]);
    spawn(name, rest, { cwd: '/', stdio: 'ignore' });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    for (let n = 0; n < 4; n += 1) sql(a, 'INSERT INTO t VALUES (0); SELECT pg_switch_wal();');
    await waitFor(() => sql(a, redo) !== before, { what: 'the checkpoint' });
    const far = 'SELECT checkpoint_lsn - redo_lsn > 3 * 16777216 FROM pg_control_checkpoint();';
    expect(sql(a, far)).toBe('t');
    sql(a, 'INSERT INTO t VALUES (0);');
    await waitFor(() => sql(a, received) === 't', { what: 'b has it' });
    const began = sql(a, 'SELECT pg_walfile_name(redo_lsn) FROM pg_control_checkpoint();');
    await crashAhead(cluster, 'a', 'INSERT INTO t VALUES (-1);');
    expect(await run(['promote', 'b'])).toMatchObject({ code: 0 });
    sql(pgdata('b'), 'CHECKPOINT;');
    expect(readdirSync(join(pgdata('b'), 'pg_wal'))).not.toContain(began);
    const ended = await run(['rejoin', 'a', '--timeout', '60']);
    expect(ended.code, ended.stderr).toBe(0);
    expect(streaming(pgdata('b'), 'a')).toBe(true);
    expect(sql(a, 'SELECT sum(i) FROM t;')).toBe(sql(pgdata('b'), 'SELECT sum(i) FROM t;'));
  });
});
