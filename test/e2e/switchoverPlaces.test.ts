import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterFile } from './support/clusterFile.ts';
import { IS_ROOT, OWNER, bindir, command, freePort, onPath } from './support/machine.ts';
import { pgrepl, type Result } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { setting, sql } from './support/server.ts';
import { NO_SSH, sshHost, type SshHost } from './support/sshHost.ts';
import { endsWith, isSound, trioWithWriter } from './support/swapping.ts';
import { hasEveryRow, writerOn } from './support/writer.ts';

describe.skipIf(NO_SSH !== undefined)('over ssh', () => {
  const stage = trioWithWriter();
  let host: SshHost;
  let file = '';

  beforeAll(async () => {
    host = await sshHost(stage.dir);
    // The nodes' addresses are this machine's own: to pgrepl they are all on one.
    const on = host.destination('far', IS_ROOT ? 'root' : OWNER);
    const node = (name: string) => ({ pgdata: stage.data(name), port: stage.port(name), on });
    const nodes = {
      pg1: node('pg1'),
      pg2: { ...node('pg2'), upstream: 'pg1' },
      pg3: { ...node('pg3'), upstream: 'pg1' },
    };
    file = clusterFile(stage.dir, nodes, { name: 'far.yaml' });
  });

  const far = (to: string): Promise<Result> =>
    pgrepl(['switchover', to, '-c', file, '--json'], { env: { PGREPL_SSH: host.ssh } });

  test('to and fro, and nothing is lost', async () => {
    expect(endsWith(await far('pg2'), 0).json()).toMatchObject({ outcome: 'done' });
    await isSound(stage, 'pg2');
    expect(endsWith(await far('pg2'), 0).json()).toMatchObject({ outcome: 'unchanged' });
    endsWith(await far('pg1'), 0);
    await isSound(stage, 'pg1');
  });
});

const major = /(\d+)\/bin$/.exec(bindir())?.[1] ?? '';
const noDebian = !IS_ROOT || onPath('pg_createcluster') === undefined || major === '';

describe.skipIf(noDebian)("Debian's layout", () => {
  const dir = scratch();
  const clusters = ['one', 'two'].map((name) => `e2e_${process.pid}_${name}`);
  const [one = '', two = ''] = clusters;
  const dataOf = (name: string): string => `/var/lib/postgresql/${major}/${name}`;

  afterAll(() => {
    for (const name of clusters) {
      if (existsSync(`/etc/postgresql/${major}/${name}`))
        execFileSync('pg_dropcluster', ['--stop', major, name], { stdio: 'ignore' });
      const log = `/var/log/postgresql/postgresql-${major}-${name}.log`;
      execFileSync('sh', ['-c', 'rm -rf "$1" "$1".pgrepl-* "$2"', 'rm', dataOf(name), log]);
    }
  });

  test('pg_ctlcluster starts what was stopped, and its configuration stays where it was', async () => {
    const [first, second] = [await freePort(), await freePort()];
    const file = clusterFile(dir, {
      one: { pgdata: `${major}/${one}`, port: first },
      two: { pgdata: `${major}/${two}`, port: second, upstream: 'one' },
    });
    const run = (...words: string[]): Promise<Result> => pgrepl([...words, '-c', file]);
    endsWith(await run('init-primary', 'one'), 0);
    execFileSync('pg_createcluster', ['--port', String(second), major, two], { stdio: 'ignore' });
    endsWith(await run('clone-standby', 'two', '--replace', '--yes'), 0);
    const writer = await writerOn(dataOf(one), [first, second]);
    for (const to of ['two', 'one']) {
      endsWith(await run('switchover', to), 0);
      await writer.acknowledges(3);
      const [there, here] = to === 'two' ? [two, one] : [one, two];
      expect(sql(dataOf(there), 'SELECT pg_is_in_recovery();')).toBe('f');
      expect(setting(dataOf(here), 'config_file')).toBe(`/etc/postgresql/${major}/${here}/postgresql.conf`);
      await hasEveryRow(dataOf(here), writer);
      expect(command(['pg_lsclusters', '-h'])).toMatch(
        new RegExp(`^${major} +${here} .* online,recovery `, 'm'),
      );
    }
    await writer.stop();
    expect(writer.lost(dataOf(one))).toEqual([]);
    expect((await run('switchover', 'one', '--json')).json()).toMatchObject({ outcome: 'unchanged' });
  });
});
