import { readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { clusterFile } from './support/clusterFile.ts';
import { IS_ROOT, freePort, waitFor } from './support/machine.ts';
import { PASSWORD, streams } from './support/pair.ts';
import { pgrepl, type Result } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { sql, stopServer } from './support/server.ts';
import { NO_SSH, sshHost, type SshHost } from './support/sshHost.ts';
import { hasEveryRow, writerOn } from './support/writer.ts';

describe.skipIf(NO_SSH !== undefined)('over SSH', () => {
  const dir = scratch();
  let host: SshHost;

  beforeAll(async () => {
    host = await sshHost(dir);
  });

  const over = (words: readonly string[], ssh = host.ssh): Promise<Result> =>
    pgrepl([...words, '--json'], { env: { PGREPL_SSH: ssh } });

  /** Both servers are remote; the login is root, who becomes the owner, or the owner itself. */
  test.each(IS_ROOT ? ['root', 'postgres'] : [undefined])(
    'a pair is made and fails over, as %s',
    async (user) => {
      const at = (name: string): string => join(dir, `${user ?? 'me'} ${name}`);
      const [one, two] = [await freePort(), await freePort()];
      const on = host.destination('web', user);
      const file = clusterFile(
        dir,
        {
          pg1: { pgdata: at('one'), port: one, on },
          pg2: { pgdata: at("t'wo"), port: two, on, upstream: 'pg1' },
        },
        { name: `${user ?? 'me'}.yaml`, password: PASSWORD },
      );
      const first = await over(['init-primary', 'pg1', '-c', file]);
      expect(first.json().error).toBe(null);
      const second = await over(['clone-standby', 'pg2', '-c', file]);
      expect(second.json().error).toBe(null);
      expect(second.stdout + second.stderr).not.toContain(PASSWORD);
      await streams(at('one'), at("t'wo"), 'pg2');
      const status = await over(['status', '-c', file]);
      expect(status.json().nodes).toMatchObject([
        { name: 'pg1', role: 'primary' },
        { name: 'pg2', role: 'standby', upstream: 'pg1', state: 'streaming' },
      ]);
      for (const [verb, name] of [
        ['init-primary', 'pg1'],
        ['clone-standby', 'pg2'],
      ] as const)
        expect((await over([verb, name, '-c', file])).json()).toMatchObject({ outcome: 'unchanged' });
      const writer = await writerOn(at('one'), [one]);
      await writer.acknowledges(20);
      await writer.stop();
      await hasEveryRow(at("t'wo"), writer);
      stopServer(at('one'), 'immediate');
      expect((await over(['promote', 'pg2', '-c', file])).json()).toMatchObject({ outcome: 'done' });
      expect(sql(at("t'wo"), 'SELECT pg_is_in_recovery();')).toBe('f');
      expect(writer.lost(at("t'wo"))).toEqual([]);
      stopServer(at("t'wo"));
      expect(readdirSync(dir).filter((name) => name.includes('.pgrepl-'))).toEqual([]);
    },
  );

  const lost = (on: string): readonly string[] => [
    'clone-standby',
    '-D',
    '/tmp/x',
    '--from',
    'h',
    '--name',
    'pg2',
    '--on',
    on,
  ];

  test('a host without our key, unknown, or silent: 4, and what ssh said', async () => {
    const denied = await over(lost(host.destination('web', 'no-such-login')));
    expect(denied.json()).toMatchObject({ outcome: 'unreachable', status: 4, changed: false });
    expect(denied.json().error?.message).toMatch(/^pg2: ssh: .*Permission denied/);
    const unknown = await over(lost('ssh://no-such-host.invalid'), 'ssh');
    expect(unknown.json()).toMatchObject({ status: 4 });
    expect(unknown.json().error?.message).toMatch(/^pg2: ssh: .*no-such-host\.invalid/);
    const mute = createServer(() => undefined).listen(0, '127.0.0.1');
    await waitFor(() => mute.listening, { what: 'it listens' });
    const silent = await over(lost(`ssh://127.0.0.1:${(mute.address() as AddressInfo).port}`), 'ssh');
    mute.close();
    expect(silent.json()).toMatchObject({ status: 4 });
    expect(silent.json().error?.message).toMatch(/timed out|time-?out/i);
    expect(silent.ms).toBeLessThan(25_000);
  });
});
