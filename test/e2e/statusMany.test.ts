import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { IS_ROOT, OWNER, idOf, waitFor } from './support/machine.ts';
import { configure, socketOf, sql, startServer, stopServer, writeAsOwner } from './support/server.ts';
import { fleet } from './support/trio.ts';

/**
 * More nodes on one host than programs that look at it (observe/glances.ts). Each of the three asks its share: pg1, pg4
 * and pg7; pg2, pg5 and pg8; pg3 and pg6.
 */
const STANDBYS = ['pg2', 'pg3', 'pg4', 'pg5', 'pg6', 'pg7', 'pg8'];
const STREAMS = Object.fromEntries(STANDBYS.map((name) => [name, 'streaming']));

const cluster = fleet(STANDBYS);
beforeAll(() => cluster.make());

async function states(): Promise<Record<string, string>> {
  const { nodes } = (await cluster.run('status', '--json')).json();
  return Object.fromEntries(nodes.map(({ name, state }) => [name, state]));
}

test('every one is told what its own server says', async () => {
  const shown = await cluster.run('status', '--json');
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.json().nodes.map(({ name, state, slot }) => [name, state, slot])).toEqual([
    ['pg1', 'running', null],
    ...STANDBYS.map((name) => [name, 'streaming', name]),
  ]);
});

test('one that never answers and one that is stopped keep nobody else from being told', async () => {
  const { pid } = socketOf(cluster.data('pg2'));
  stopServer(cluster.data('pg3'));
  process.kill(pid, 'SIGSTOP');
  try {
    const { code, stdout, ms } = await cluster.run('status');
    expect(code).toBe(9);
    expect(stdout).toContain('pg2: a server runs and does not answer');
    expect(stdout).toContain('pg3: stopped');
    for (const name of ['pg4', 'pg5', 'pg6', 'pg7', 'pg8'])
      expect(stdout).toMatch(new RegExp(` ${name} +standby +streaming`));
    // A connection has five seconds, and the silence before it one.
    expect(ms).toBeLessThan(9500);
  } finally {
    process.kill(pid, 'SIGCONT');
    startServer(cluster.data('pg3'));
  }
  await waitFor(async () => (await cluster.run('status')).code === 0, { what: 'all are well again' });
});

test('nor does one that lets nobody in, and one whose socket has a name that must be quoted', async () => {
  const [odd, shut] = [cluster.data('pg4'), cluster.data('pg5')];
  const sockets = join(cluster.dir, "pg4's sockets");
  mkdirSync(sockets);
  if (IS_ROOT) chownSync(sockets, idOf(OWNER).uid, idOf(OWNER).gid);
  configure(odd, { unix_socket_directories: sockets });
  stopServer(odd);
  startServer(odd);
  const rules = join(shut, 'pg_hba.conf');
  writeAsOwner(rules, `local all all reject\n${readFileSync(rules, 'utf8')}`);
  sql(shut, 'SELECT pg_reload_conf();');
  const isTold = async (): Promise<boolean> => {
    const found = await states();
    return found['pg5'] !== 'streaming' && found['pg4'] === 'streaming';
  };
  await waitFor(isTold, { what: 'pg4 streams again, and pg5 has read its rules' });
  const { pg5, ...others } = await states();
  expect({ pg5, ...others }).toEqual({ pg1: 'running', ...STREAMS, pg5: 'unreachable' });
  expect((await cluster.run('status')).stdout).toMatch(/pg5: .*no superuser was let in by the socket/);
});
