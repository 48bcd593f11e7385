import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { IS_ROOT, bindir, command, freePort, onPath } from './support/machine.ts';
import { clone, newPrimary, PASSWORD, streams, type Primary } from './support/pair.ts';
import { pgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { passwordFile, setting, sql, stopServer } from './support/server.ts';

const major = /(\d+)\/bin$/.exec(bindir())?.[1] ?? '';
const made: string[] = [];

/** A cluster of Debian's, of a name that nobody else has. */
function debianName(): string {
  const name = `e2e_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  made.push(name);
  return name;
}

afterAll(() => {
  for (const name of made) {
    if (existsSync(`/etc/postgresql/${major}/${name}`))
      execFileSync('pg_dropcluster', ['--stop', major, name], { stdio: 'ignore' });
    execFileSync('rm', [
      '-rf',
      `/var/lib/postgresql/${major}/${name}`,
      `/var/log/postgresql/postgresql-${major}-${name}.log`,
    ]);
  }
});

const dataOf = (name: string): string => `/var/lib/postgresql/${major}/${name}`;

describe.skipIf(!IS_ROOT || onPath('pg_createcluster') === undefined || major === '')(
  "Debian's layout",
  () => {
    const dir = scratch();

    async function restarts(name: string, primary: Primary): Promise<void> {
      command(['pg_ctlcluster', major, name, 'restart']);
      await streams(primary.pgdata, dataOf(name), name);
    }

    function cloneInto(name: string, port: number, primary: Primary, ...more: string[]) {
      const words = ['-p', String(port), '--name', name, '--password-file', primary.passwordFile];
      return pgrepl([
        'clone-standby',
        `${major}/${name}`,
        ...words,
        '--from',
        `127.0.0.1:${primary.port}`,
        ...more,
      ]);
    }

    test('a cluster that is not there is made around the copy', async () => {
      const primary = await newPrimary(dir);
      const name = debianName();
      const port = await freePort();
      const ended = await cloneInto(name, port, primary);
      expect(ended.code, ended.stderr).toBe(0);
      await streams(primary.pgdata, dataOf(name), name);
      expect(setting(dataOf(name), 'config_file')).toBe(`/etc/postgresql/${major}/${name}/postgresql.conf`);
      expect(setting(dataOf(name), 'port')).toBe(String(port));
      expect(setting(dataOf(name), 'wal_retrieve_retry_interval')).toBe('500ms');
      expect(command(['pg_lsclusters', '-h'])).toMatch(
        new RegExp(`^${major} +${name} +${port} +online,recovery `, 'm'),
      );
      expect((await cloneInto(name, port, primary, '--json')).json()).toMatchObject({ outcome: 'unchanged' });
      await restarts(name, primary);
      command(['pg_ctlcluster', major, name, 'stop']);
      expect(await cloneInto(name, port, primary)).toMatchObject({ code: 0 });
      stopServer(primary.pgdata, 'immediate');
      const promoted = await pgrepl(['promote', `${major}/${name}`, '--name', name, '--json']);
      expect(promoted.json()).toMatchObject({ outcome: 'done' });
      expect(setting(dataOf(name), 'primary_conninfo')).toBe('');
    });

    test('one that is there keeps its configuration; its data are moved aside; and a plain directory is cloned from it', async () => {
      const primary = await newPrimary(dir, { max_connections: 150 }, { name: 'second' });
      const name = debianName();
      const port = await freePort();
      execFileSync('pg_createcluster', ['--port', String(port), major, name], { stdio: 'ignore' });
      const conf = `/etc/postgresql/${major}/${name}/conf.d/mine.conf`;
      execFileSync('sh', ['-c', `echo "work_mem = '5MB'" >"$1"`, 'conf', conf]);
      const refused = await cloneInto(name, port, primary);
      expect(refused).toMatchObject({ code: 3 });
      expect(refused.stderr).toContain('a data directory of another cluster');
      const ended = await cloneInto(name, port, primary, '--replace', '--yes');
      expect(ended.code, ended.stderr).toBe(0);
      await streams(primary.pgdata, dataOf(name), name);
      expect(setting(dataOf(name), 'work_mem')).toBe('5MB');
      expect(setting(dataOf(name), 'max_connections')).toBe('150');
      await restarts(name, primary);

      const debian: Primary = { pgdata: dataOf(name), port, passwordFile: passwordFile(dir, PASSWORD) };
      execFileSync('sh', [
        '-c',
        'f=$1; { echo "host replication all 127.0.0.1/32 scram-sha-256"; cat "$f"; } >"$f.new" && cat "$f.new" >"$f" && rm "$f.new"',
        'hba',
        `/etc/postgresql/${major}/${name}/pg_hba.conf`,
      ]);
      sql(debian.pgdata, 'SELECT pg_reload_conf();');
      const to = { name: 'plain', pgdata: join(dir, 'plain'), port: await freePort() };
      const plain = await clone(debian, to);
      expect(plain.code, plain.stderr).toBe(0);
      expect(setting(to.pgdata, 'max_connections')).toBe('150');
      expect(existsSync(join(to.pgdata, 'postgresql.conf'))).toBe(true);
      expect((await clone(debian, to, ['--json'])).json()).toMatchObject({ outcome: 'unchanged' });
      stopServer(to.pgdata);
      execFileSync('rm', ['-rf', ...asideOf(name)]);
    });

    function asideOf(name: string): readonly string[] {
      return command(['sh', '-c', `ls -d ${dataOf(name)}.pgrepl-old-*`])
        .trim()
        .split('\n');
    }
  },
);
