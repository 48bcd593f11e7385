import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crashAhead, flock, streaming } from './support/flock.ts';
import { IS_ROOT, OWNER } from './support/machine.ts';
import { scratch } from './support/scratch.ts';
import { sql } from './support/server.ts';

/** The data, and what is kept beside them, are on a file system of their own. */
describe.skipIf(!IS_ROOT)('a rejoin whose disk gets full', async () => {
  const disk = join(scratch(), 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=0755', 'none', disk]);
  execFileSync('chown', [OWNER, disk]);
  const data = join(disk, 'a');
  const cluster = await flock({ a: undefined, b: 'a' }, { debian: { a: { cluster: data, data } } });
  const { pgdata, run } = cluster;
  sql(data, 'CREATE TABLE kept AS SELECT generate_series(1, 10000) AS i;');
  await crashAhead(cluster, 'a', 'UPDATE kept SET i = i + 1;');
  expect(await run(['promote', 'b'])).toMatchObject({ code: 0 });
  sql(pgdata('b'), `CREATE TABLE big AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 70000);`);
  const size = (mb: number) => execFileSync('mount', ['-o', `remount,size=${mb}m`, disk]);
  const used = () =>
    Number(execFileSync('df', ['-m', '--output=used', disk], { encoding: 'utf8' }).split('\n')[1]);

  test('says so, and goes on when there is room', { timeout: 200_000 }, async () => {
    size(used() + 100);
    const full = await run(['rejoin', 'a']);
    expect(full.code).toBe(5);
    expect(full.stderr).toMatch(/could not write file "\S+": No space left on device\n/);
    expect(full.stderr).toContain('Make room on a, then run this again');
    const refused = await run(['rejoin', 'a']);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(/a: \d+ MB are needed to keep the WAL that is lost, and \d+ MB are free/);
    size(used() + 300);
    const ended = await run(['rejoin', 'a']);
    expect(ended.code, ended.stderr).toBe(0);
    expect(streaming(pgdata('b'), 'a')).toBe(true);
    const rows = 'SELECT (SELECT count(*) FROM big), (SELECT sum(i) FROM kept);';
    expect(sql(data, rows)).toBe(sql(pgdata('b'), rows));
    expect(readdirSync(disk).map((name) => name.replace(/-\d{8}T.*$/, ''))).toEqual(['a', 'a.pgrepl-lost-1']);
  });
});
