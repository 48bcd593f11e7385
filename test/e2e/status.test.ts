import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { clusterFile, type FileNode } from './support/clusterFile.ts';
import { asOwner, program, waitFor } from './support/machine.ts';
import { pgrepl, startPgrepl } from './support/pgrepl.ts';
import { socketOf, startServer, stopServer } from './support/server.ts';
import { trio } from './support/trio.ts';

const cluster = trio();
beforeAll(() => cluster.make());

/** The tests go from a healthy cluster to a broken one, in their order. */
test('healthy: who streams from whom, and exit status 0', async () => {
  const shown = await cluster.run('status');
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toMatch(/^pg1 +primary +running +1 /m);
  expect(shown.stdout).toMatch(/ pg3 +standby +streaming +1 +\S+ B +\S+ s +pg3 +async$/m);
  expect(shown.stdout).toContain('\nhealthy\n');
  const { outcome, status, nodes, error } = (await cluster.run('status', '--json')).json();
  expect({ outcome, status, error }).toEqual({ outcome: 'done', status: 0, error: null });
  expect(nodes.map(({ name, role, upstream, slot }) => [name, role, upstream, slot])).toEqual([
    ['pg1', 'primary', null, null],
    ['pg2', 'standby', 'pg1', 'pg2'],
    ['pg3', 'standby', 'pg1', 'pg3'],
  ]);
});

test('one server by flags: its upstream by address, its standbys as it sees them, and nothing is wrong', async () => {
  const from = `127.0.0.1:${cluster.port('pg1')}`;
  const standby = await pgrepl(['status', '-D', cluster.data('pg2'), '--name', 'here', '--json']);
  expect(standby.json()).toMatchObject({
    outcome: 'done',
    nodes: [{ name: 'here', state: 'streaming', upstream: from }],
  });
  const primary = await pgrepl(['status', '-D', cluster.data('pg1'), '--name', 'here']);
  expect(primary.code).toBe(0);
  expect(primary.stdout).toMatch(/ pg2 \(127\.0\.0\.1\) +standby +streaming/);
  expect(primary.stdout).toMatch(/ pg3 \(127\.0\.0\.1\) +standby +streaming/);
  const tree = await pgrepl(['status', '-D', cluster.data('pg2'), '--name', 'here']);
  expect(tree.stdout).toMatch(new RegExp(`^${from} +unknown +elsewhere[^]* here +standby +streaming`, 'm'));
});

test('--watch draws frame after frame until it is interrupted', async () => {
  const { child, ended } = startPgrepl(['status', '--watch', '1', '-c', cluster.file]);
  let seen = '';
  child.stdout?.on('data', (text: string) => (seen += text));
  await waitFor(() => seen.split('healthy').length > 2, { what: 'a second frame' });
  child.kill('SIGINT');
  const { code, stdout, stderr } = await ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/recent lag\n/);
  expect((await cluster.run('status', '--watch', '--json')).code).toBe(2);
});

test('servers that never answer cost one time-out, and what their upstream knows of them is told', async () => {
  const pids = ['pg2', 'pg3'].map((name) => socketOf(cluster.data(name)).pid);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    const { code, stdout, ms } = await cluster.run('status');
    expect(code).toBe(9);
    expect(stdout).toContain('pg2: a server runs and does not answer');
    expect(stdout).toMatch(/ pg3 +unknown +unreachable +- +0 B +- +pg3 +async/);
    // Each of them takes five seconds.
    expect(ms).toBeLessThan(9500);
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
});

test('degraded: what is wrong, and the command that mends it', async () => {
  stopServer(cluster.data('pg3'));
  const shown = await cluster.run('status');
  expect(shown.code).toBe(9);
  expect(shown.stdout).toMatch(/pg3: stopped\n.*Start it/);
  expect((await cluster.run('status', '--json')).json()).toMatchObject({
    outcome: 'degraded',
    status: 9,
    error: { message: 'pg3: stopped' },
  });
  startServer(cluster.data('pg3'));
});

test('the primary is lost right after a switchover: the standbys have its timeline, which pg_control does not tell', async () => {
  const isWell = async (): Promise<boolean> => (await cluster.run('status')).code === 0;
  await waitFor(isWell, { what: 'pg3 streams again' });
  expect((await cluster.run('switchover', 'pg2')).code).toBe(0);
  stopServer(cluster.data('pg2'), 'immediate');
  const noticed = async (): Promise<string | false> => {
    const { stdout } = await cluster.run('status');
    return stdout.match(/ standby +not streaming /g)?.length === 2 && stdout;
  };
  const stdout = await waitFor(noticed, { what: 'both standbys notice it' });
  expect(stdout).toMatch(/pg3 +standby +not streaming +2 /);
  expect(stdout).toMatch(/Start pg2 again; if it is gone for good/);
  expect(stdout).not.toContain('would lose');
  startServer(cluster.data('pg2'));
  await waitFor(isWell, { what: 'all is well again' });
  expect((await cluster.run('switchover', 'pg1')).code).toBe(0);
});

test('two servers of one system that take writes: exit status 11', async () => {
  asOwner([program('pg_ctl'), '-D', cluster.data('pg2'), '-w', '-s', 'promote']);
  const shown = await cluster.run('status');
  expect(shown.code).toBe(11);
  expect(shown.stdout).toContain('split brain: pg1 (timeline 3) and pg2 (timeline 4)');
  expect((await cluster.run('status', '--json')).json()).toMatchObject({
    outcome: 'split-brain',
    status: 11,
  });
});

test('hosts that never answer cost one time-out too', async () => {
  const hang = join(cluster.dir, 'hang');
  writeFileSync(hang, '#!/bin/sh\nsleep 100\n', { mode: 0o755 });
  const host = (at: string): FileNode => ({ pgdata: '/pg', on: `ssh://${at}`, address: at });
  const file = clusterFile(
    cluster.dir,
    { far1: host('10.9.9.1'), far2: { ...host('10.9.9.2'), upstream: 'far1' } },
    { name: 'far.yaml' },
  );
  const { code, stdout, ms } = await pgrepl(['status', '-c', file, '--timeout', '5'], {
    env: { PGREPL_SSH: hang },
  });
  expect(code).toBe(9);
  expect(stdout).toContain('far2: unreachable: ssh: no answer within 5 s');
  expect(ms).toBeLessThan(9500);
});

test('what ssh says of a host is said once', async () => {
  const closed = join(cluster.dir, 'closed');
  const said = 'ssh: connect to host far1 port 22: Connection refused';
  writeFileSync(closed, `#!/bin/sh\necho '${said}' >&2\nexit 255\n`, { mode: 0o755 });
  const file = join(cluster.dir, 'far.yaml');
  const { stdout } = await pgrepl(['status', '-c', file, '--json'], { env: { PGREPL_SSH: closed } });
  expect(stdout).toContain(`"far1: unreachable: ${said}"`);
});
