import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IS_ROOT, OWNER, as, asOwner, bindir, command, freePort, onPath } from './support/machine.ts';
import { pgrepl, type Options, type Result } from './support/pgrepl.ts';
import { scratch, stopServersIn } from './support/scratch.ts';
import { passwordFile, setting, socketOf, sql, writeAsOwner } from './support/server.ts';

/** Debian's layout: configuration in /etc/postgresql, data in /var/lib/postgresql, pg_ctlcluster in between. */

const MAJOR = basename(dirname(bindir()));
const NO_DEBIAN = !IS_ROOT
  ? 'it takes root'
  : onPath('pg_createcluster') === undefined || !bindir().startsWith('/usr/lib/postgresql/')
    ? 'there is no pg_createcluster; it is in the package postgresql-common'
    : undefined;
if (NO_DEBIAN !== undefined) console.error(`tests of Debian's layout are skipped: ${NO_DEBIAN}`);

const mark = randomBytes(3).toString('hex');

describe.skipIf(NO_DEBIAN !== undefined)("Debian's layout", () => {
  const dir = scratch();
  const made: string[] = [];
  afterAll(() => made.forEach(drop));

  function drop(name: string): void {
    if (existsSync(`/etc/postgresql/${MAJOR}/${name}`)) {
      try {
        command(['pg_dropcluster', '--stop', MAJOR, name]);
      } catch (error) {
        console.error(String(error));
        stopServersIn(`/var/lib/postgresql/${MAJOR}/${name}`);
      }
    }
  }

  /** A name that no cluster of this machine has. */
  function named(what: string): { name: string; cluster: string; data: string; etc: string } {
    const name = `pgrepl-${what}-${mark}`;
    made.push(name);
    const [data, etc] = [`/var/lib/postgresql/${MAJOR}/${name}`, `/etc/postgresql/${MAJOR}/${name}`];
    return { name, cluster: `${MAJOR}/${name}`, data, etc };
  }

  function initPrimary(words: readonly string[], options: Options = {}): Promise<Result> {
    const secret = passwordFile(dir, 'secret of the role', options.user ?? 'password');
    if (options.user !== undefined) writeAsOwner(secret, 'secret of the role');
    return pgrepl(['init-primary', ...words, '--allow', '127.0.0.1', '--password-file', secret], options);
  }

  async function unchanged(words: readonly string[]): Promise<void> {
    const again = await initPrimary([...words, '--json']);
    expect(again.json()).toMatchObject({ outcome: 'unchanged', steps: [] });
  }

  /** What pg_lsclusters says to anybody: port, state, owner. */
  function listed(name: string): string {
    const lines = command(as('nobody', ['pg_lsclusters', '-h'])).split('\n');
    return (
      lines
        .find((line) => line.split(/\s+/)[1] === name)
        ?.split(/\s+/)
        .slice(2, 5)
        .join(' ') ?? 'not there'
    );
  }

  test('a cluster is created by its name, and pg_lsclusters knows it', async () => {
    const { name, cluster, data, etc } = named('new');
    const port = await freePort();
    const waldir = join(dir, 'wal');
    expect(await initPrimary([cluster, '-p', String(port), '--waldir', waldir])).toMatchObject({ code: 0 });
    expect(listed(name)).toBe(`${port} online ${OWNER}`);
    expect(setting(data, 'data_checksums')).toBe('on');
    expect(readFileSync(join(etc, 'conf.d', '99-pgrepl.conf'), 'utf8')).toContain('wal_keep_size');
    expect(existsSync(join(data, 'postgresql.conf'))).toBe(false);
    expect(sql(data, 'SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL;')).toBe('0');
    expect(existsSync(waldir)).toBe(true);
    await unchanged([cluster]);
    await unchanged(['-D', cluster]);
    await unchanged(['-D', data, '-p', String(port)]);
  });

  describe('one that is there', () => {
    let it: ReturnType<typeof named>;
    let port = 0;

    beforeAll(async () => {
      it = named('old');
      port = await freePort();
      command(['pg_createcluster', '--port', String(port), MAJOR, it.name, '--', '--no-sync']);
      writeAsOwner(
        join(it.etc, 'conf.d', '50-mine.conf'),
        "wal_level = 'minimal'\nmax_wal_senders = 0\n",
        0o644,
      );
      command(['pg_ctlcluster', MAJOR, it.name, 'start']);
    });

    test('is adopted by its data directory, and restarted by pg_ctlcluster', async () => {
      const conf = readFileSync(join(it.etc, 'postgresql.conf'), 'utf8');
      const adopted = await initPrimary(['-D', it.data, '--json']);
      expect(adopted).toMatchObject({ code: 0 });
      const restarts = adopted.json().steps.filter(({ why }) => String(why).startsWith('restart'));
      expect(restarts).toMatchObject([{ argv: ['pg_ctlcluster', MAJOR, it.name, 'restart', '-m', 'fast'] }]);
      expect(setting(it.data, 'wal_level')).toBe('replica');
      expect(readFileSync(join(it.etc, 'postgresql.conf'), 'utf8')).toBe(conf);
      expect(listed(it.name)).toBe(`${port} online ${OWNER}`);
      await unchanged(['-D', it.data]);
      await unchanged([it.cluster]);
    });

    test('a file that comes after ours is told by its line', async () => {
      const later = join(it.etc, 'conf.d', 'zz-later.conf');
      writeAsOwner(later, "# mine\nwal_level = 'minimal'\n", 0o644);
      const refused = await initPrimary([it.cluster]);
      expect(refused).toMatchObject({ code: 3 });
      expect(refused.stderr).toContain(`wal_level is minimal by ${later} line 2`);
      command(['rm', later]);
    });

    test('is started again when it is stopped, by its owner too', async () => {
      command(['pg_ctlcluster', MAJOR, it.name, 'stop']);
      expect(await initPrimary([it.cluster], { user: OWNER })).toMatchObject({ code: 0 });
      expect(socketOf(it.data).port).toBe(port);
      await unchanged([it.cluster]);
    });
  });

  test('its owner creates one as root does', async () => {
    const { name, cluster } = named('owner');
    const port = await freePort();
    const created = await initPrimary([cluster, '-p', String(port)], { user: OWNER });
    expect({ code: created.code, stderr: created.stderr }).toMatchObject({ code: 0 });
    expect(listed(name)).toBe(`${port} online ${OWNER}`);
    await unchanged([cluster]);
  });
});

/** Programs where Red Hat has them, and a unit nobody runs: `--bindir` and what it finds by itself. */
test('programs elsewhere are named with --bindir', async () => {
  const dir = scratch();
  const pgdata = join(dir, 'data');
  const bin = join(dir, 'bin');
  asOwner(['ln', '-s', bindir(), bin]);
  const port = await freePort();
  const words = [
    '-D',
    pgdata,
    '-p',
    String(port),
    '--bindir',
    bin,
    '--password-file',
    passwordFile(dir, 'secret'),
  ];
  expect(await pgrepl(['init-primary', ...words])).toMatchObject({ code: 0 });
  expect(await pgrepl(['init-primary', ...words, '--check'])).toMatchObject({ code: 0 });
  writeFileSync(join(dir, 'file'), '');
  const nothing = await pgrepl([
    'init-primary',
    ...words,
    '-D',
    join(dir, 'other'),
    '-p',
    '5999',
    '--bindir',
    '/nowhere',
  ]);
  expect(nothing).toMatchObject({ code: 3 });
  expect(nothing.stderr).toContain('no initdb is there in /nowhere');
});
