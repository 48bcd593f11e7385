import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { crashAhead, flock, streaming, type Flock } from './support/flock.ts';
import { IS_ROOT, asOwner, bindir, command, onPath, program, waitFor } from './support/machine.ts';
import { setting, sql } from './support/server.ts';
import { hasEveryRow, prepareWriter, Writer } from './support/writer.ts';

const AHEAD = 'CREATE TABLE lost AS SELECT generate_series(1, 5000) AS i; DROP TABLE lost;';

/** What the writer needs is on both before the one crashes. */
async function prepared({ pgdata }: Flock): Promise<void> {
  prepareWriter(pgdata('a'));
  await waitFor(() => sql(pgdata('b'), "SELECT count(*) FROM pg_class WHERE relname = 'written';") === '1', {
    what: 'b has it',
  });
}

/** Its new upstream went on all the while, and it has all of that. */
async function keeps({ pgdata }: Flock, writer: Writer): Promise<void> {
  await writer.acknowledges(3);
  await writer.stop();
  expect(writer.lost(pgdata('b'))).toEqual([]);
  await hasEveryRow(pgdata('a'), writer);
}

test(
  'without checksums, by wal_log_hints, and by the script of a dry run',
  { timeout: 200_000 },
  async () => {
    const cluster = await flock({ a: undefined, b: 'a' }, { byHand: true });
    const { pgdata, run, document, dir } = cluster;
    expect([setting(pgdata('a'), 'data_checksums'), setting(pgdata('a'), 'wal_log_hints')]).toEqual([
      'off',
      'on',
    ]);
    await prepared(cluster);
    await crashAhead(cluster, 'a', AHEAD);
    expect(await run(['promote', 'b'])).toMatchObject({ code: 0 });
    const writer = await new Writer([cluster.port('b')]).start();
    const script = await run(['rejoin', 'a', '--dry-run=sh']);
    expect(script).toMatchObject({ code: 0 });
    expect(script.stdout).not.toContain('secret of the role');
    const path = join(dir, 'rejoin.sh');
    writeFileSync(path, script.stdout);
    const env = {
      ...process.env,
      PGREPL_SECRET_1: 'secret of the role',
      PGREPL_SECRET_2: 'secret of the role',
    };
    execFileSync('sh', [path], { cwd: '/', env, stdio: 'pipe' });
    expect(streaming(pgdata('b'), 'a')).toBe(true);
    await keeps(cluster, writer);
    expect(readdirSync(dir).filter((name) => name.startsWith('a.pgrepl'))).toEqual([
      expect.stringMatching(/^a\.pgrepl-lost-1-/),
    ]);
    expect(await document(['rejoin', 'a'])).toMatchObject({ outcome: 'unchanged' });
  },
);

const MAJOR = basename(dirname(bindir()));
const NO_DEBIAN =
  !IS_ROOT || onPath('pg_createcluster') === undefined || !bindir().startsWith('/usr/lib/postgresql/');

describe.skipIf(NO_DEBIAN)("Debian's layout", () => {
  const name = `pgrepl-rejoin-${randomBytes(3).toString('hex')}`;
  const etc = `/etc/postgresql/${MAJOR}/${name}`;
  const data = `/var/lib/postgresql/${MAJOR}/${name}`;
  afterAll(() => {
    if (existsSync(etc)) command(['pg_dropcluster', '--stop', MAJOR, name]);
    command(['sh', '-c', 'rm -rf -- "$1".pgrepl-*', 'rm', data]);
  });

  test('configuration elsewhere stays, and none comes into the data', { timeout: 200_000 }, async () => {
    const cluster = await flock(
      { a: undefined, b: 'a' },
      { debian: { a: { cluster: `${MAJOR}/${name}`, data } } },
    );
    const { run, document, pgdata } = cluster;
    const own = () =>
      ['postgresql.conf', 'pg_hba.conf', 'conf.d/99-pgrepl.conf'].map((file) =>
        readFileSync(join(etc, file), 'utf8'),
      );
    const archive = join(cluster.dir, 'archive');
    appendFileSync(join(etc, 'postgresql.conf'), `restore_command = 'cp ${archive}/%f "%p"'\n`);
    const before = own();
    await prepared(cluster);
    await crashAhead(cluster, 'a', `${AHEAD} CHECKPOINT;`);
    // Only an archive has what pg_rewind reads of it, and only the configuration elsewhere tells of that.
    asOwner(['mkdir', archive]);
    const redo = /REDO WAL file:\s+(\S+)/.exec(asOwner([program('pg_controldata'), data]))?.[1] ?? '';
    for (const segment of readdirSync(join(data, 'pg_wal')).filter(
      (file) => /^[0-9A-F]{24}$/.test(file) && file < redo,
    ))
      asOwner(['mv', join(data, 'pg_wal', segment), archive]);
    expect(await run(['promote', 'b'])).toMatchObject({ code: 0 });
    // A copy of a primary whose pg_hba.conf is elsewhere has one that lets nobody in.
    expect(await run(['init-primary', 'b'])).toMatchObject({ code: 0 });
    const writer = await new Writer([cluster.port('b')]).start();
    const back = await document(['rejoin', 'a']);
    expect(back, JSON.stringify(back.error)).toMatchObject({ outcome: 'done' });
    const rewind = back.steps.find(({ why }) => why === 'rewind it to b');
    expect(rewind?.['argv']).toContain(`--config-file=${etc}/postgresql.conf`);
    expect(rewind?.['argv']).toContain('--restore-target-wal');
    expect(streaming(pgdata('b'), 'a')).toBe(true);
    await keeps(cluster, writer);
    expect(sql(data, 'SHOW config_file;')).toBe(`${etc}/postgresql.conf`);
    expect(existsSync(join(data, 'postgresql.conf'))).toBe(false);
    expect(own()).toEqual(before);
    expect(await document(['rejoin', 'a'])).toMatchObject({ outcome: 'unchanged' });
  });
});
