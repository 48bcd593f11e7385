import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { flock, streaming } from './support/flock.ts';
import { waitFor } from './support/machine.ts';
import { socketOf, sql, stopServer } from './support/server.ts';

describe('a standby moves to another upstream', async () => {
  const cluster = await flock({ a: undefined, b: 'a', c: 'a' });
  const { pgdata, run, document } = cluster;
  const slots = (name: string) => sql(pgdata(name), 'SELECT slot_name FROM pg_replication_slots ORDER BY 1;');

  test('and nothing of it stays where it streamed from; a second run changes nothing', async () => {
    expect(await run(['follow', 'c', '--upstream', 'b', '--check'])).toMatchObject({ code: 10 });
    expect(await document(['follow', 'c', '--upstream', 'b'])).toMatchObject({ outcome: 'done' });
    expect(streaming(pgdata('b'), 'c')).toBe(true);
    expect([slots('a'), slots('b')]).toEqual(['b', 'c']);
    expect(await document(['follow', 'c', '--upstream', 'b'])).toMatchObject({
      outcome: 'unchanged',
      steps: [],
    });
    expect(await run(['follow', 'c', '--upstream', 'b', '--check'])).toMatchObject({ code: 0 });
  });

  test('not to itself, and not to who streams from it', async () => {
    const circle = await run(['follow', 'b', '--upstream', 'c']);
    expect(circle).toMatchObject({ code: 3 });
    expect(circle.stderr).toContain('c: streams from b: they would wait for each other');
    expect(await run(['follow', 'b', '--upstream', 'b'])).toMatchObject({ code: 3 });
    expect(await run(['follow', 'a', '--upstream', 'b'])).toMatchObject({ code: 3 });
    expect(await run(['follow', 'b', '--upstream', 'x'])).toMatchObject({ code: 2 });
    expect(await run(['follow', 'b'])).toMatchObject({ code: 2 });
  });

  test('by the script of a dry run as well', async () => {
    const script = await run(['follow', 'c', '--upstream', 'a', '--dry-run=sh']);
    expect(script).toMatchObject({ code: 0 });
    expect(script.stdout).not.toContain('secret of the role');
    const path = join(cluster.dir, 'follow.sh');
    writeFileSync(path, script.stdout);
    const env = { ...process.env, PGREPL_SECRET_1: 'secret of the role' };
    execFileSync('sh', [path], { cwd: '/', env, stdio: 'pipe' });
    expect([slots('a'), slots('b')]).toEqual(['b\nc', '']);
    expect(await document(['follow', 'c', '--upstream', 'a'])).toMatchObject({ outcome: 'unchanged' });
  });

  test('nothing is claimed while its startup process is frozen, and running it again arrives', async () => {
    const startup = startupOf(pgdata('c'));
    process.kill(startup, 'SIGSTOP');
    const frozen = await document(['follow', 'c', '--upstream', 'b', '--timeout', '2']);
    process.kill(startup, 'SIGCONT');
    expect(frozen).toMatchObject({ outcome: 'not-reached', status: 7, changed: true });
    expect(frozen.error?.message).toContain('b shows c streaming: not seen within 2 s');
    expect(await run(['follow', 'c', '--upstream', 'b'])).toMatchObject({ code: 0 });
    expect([slots('a'), slots('b')]).toEqual(['b', 'c']);
  });

  test('not where it is ahead of what the new upstream has', async () => {
    expect(await run(['follow', 'c', '--upstream', 'a'])).toMatchObject({ code: 0 });
    const walreceiver = Number(sql(pgdata('b'), 'SELECT pid FROM pg_stat_wal_receiver;'));
    process.kill(walreceiver, 'SIGSTOP');
    sql(pgdata('a'), 'CREATE TABLE late (i int);');
    const at = sql(pgdata('a'), 'SELECT pg_current_wal_flush_lsn();');
    await waitFor(() => sql(pgdata('c'), `SELECT pg_last_wal_replay_lsn() >= '${at}';`) === 't', {
      what: 'c has it',
    });
    stopServer(pgdata('a'), 'immediate');
    process.kill(walreceiver, 'SIGKILL');
    expect(await run(['promote', 'b', '--accept-loss', '100000000'])).toMatchObject({ code: 0 });
    const refused = await document(['follow', 'c', '--upstream', 'b']);
    expect(refused).toMatchObject({ outcome: 'refused', status: 3, changed: false });
    expect(refused.refusals[0]?.message).toMatch(
      /^c: has WAL of timeline 1 up to .*, and b left timeline 1 at .*: it is ahead$/,
    );
    expect(await document(['rejoin', 'c'])).toMatchObject({ outcome: 'done' });
    expect(streaming(pgdata('b'), 'c')).toBe(true);
    expect(sql(pgdata('c'), `SELECT to_regclass('late') IS NULL;`)).toBe('t');
  });
});

/** The child of the postmaster that replays. */
function startupOf(pgdata: string): number {
  const { pid } = socketOf(pgdata);
  const found = readdirSync('/proc').find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return Number(stat[1]) === pid && /startup/.test(readFileSync(`/proc/${name}/cmdline`, 'utf8'));
    } catch {
      return false;
    }
  });
  expect(found).toBeDefined();
  return Number(found);
}
