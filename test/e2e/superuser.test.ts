import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clusterFile } from './support/clusterFile.ts';
import { asOwner, freePort, OWNER, program } from './support/machine.ts';
import { PASSWORD } from './support/pair.ts';
import { pgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { configure, passwordFile, startServer, stopServer } from './support/server.ts';

/** Clusters whose superuser is not called like the owner of the data. */

async function newCluster(dir: string, superuser: string, hba: string, ident = ''): Promise<string> {
  const pgdata = join(dir, 'data');
  asOwner([
    program('initdb'),
    '-D',
    pgdata,
    '-U',
    superuser,
    '--auth=trust',
    '--no-sync',
    '--locale=C.UTF-8',
  ]);
  configure(pgdata, { port: await freePort(), unix_socket_directories: '/tmp', fsync: 'off' });
  writeFileSync(join(pgdata, 'pg_hba.conf'), hba);
  writeFileSync(join(pgdata, 'pg_ident.conf'), ident);
  startServer(pgdata);
  return pgdata;
}

describe('found without being told', () => {
  const WAYS: readonly (readonly [string, string, string, string])[] = [
    ['admin', 'everybody is let in', 'local all all trust\n', ''],
    [
      `the (100%) one`,
      'a map names it',
      'local all all peer map=us\n',
      `us ${OWNER} "the (100%) one"\nus root admin\n`,
    ],
    ['db admin', 'a map of any name', 'local all all peer map=us\n', 'us /^(.*)$ "db admin"\n'],
  ];

  test.each(WAYS)('%s: %s', async (superuser, _, hba, ident) => {
    const dir = scratch();
    const pgdata = await newCluster(dir, superuser, hba, ident);
    const words = ['-D', pgdata, '--allow', '127.0.0.1', '--password-file', passwordFile(dir, PASSWORD)];
    const made = await pgrepl(['init-primary', ...words, '--json']);
    expect(made.stdout).toContain('"outcome":"done"');
    expect(await pgrepl(['init-primary', ...words, '--check'])).toMatchObject({ code: 0 });
    stopServer(pgdata);
    // Stopped, its name is read from the files: the steps after the start ask as that role.
    const started = await pgrepl(['init-primary', ...words, '--json']);
    expect(started.stdout).toContain('"outcome":"done"');
    expect(await pgrepl(['status', '-D', pgdata])).toMatchObject({ code: 0 });
  });
});

test('a pair: copied, swapped, and brought back', async () => {
  const dir = scratch();
  const pgdata = await newCluster(dir, 'admin', 'local all all trust\n');
  const nodes = {
    pg1: { pgdata },
    pg2: { pgdata: join(dir, 'pg2'), port: await freePort(), upstream: 'pg1' },
  };
  const file = ['-c', clusterFile(dir, nodes)];
  for (const line of ['init-primary pg1', 'clone-standby pg2', 'verify', 'switchover pg2', 'status']) {
    const { code, stderr } = await pgrepl([...line.split(' '), ...file]);
    expect({ line, code, stderr }).toMatchObject({ code: 0 });
  }
  stopServer(nodes.pg2.pgdata, 'immediate');
  for (const line of ['promote pg1', 'rejoin pg2', 'status']) {
    const { code, stderr } = await pgrepl([...line.split(' '), ...file]);
    expect({ line, code, stderr }).toMatchObject({ code: 0 });
  }
});

test('nobody is let in: who was tried, what the server said, and the option', async () => {
  const dir = scratch();
  const pgdata = await newCluster(dir, 'admin', 'local all boss trust\nlocal all all reject\n');
  const words = ['-D', pgdata, '--password-file', passwordFile(dir, PASSWORD)];
  const { code, stderr } = await pgrepl(['init-primary', ...words]);
  expect(code).toBe(4);
  expect(stderr).toMatch(/as postgres: pg_hba.conf rejects .*; as admin: pg_hba.conf rejects/);
  expect(stderr).toContain('--superuser');
  appendFileSync(join(pgdata, 'pg_ident.conf'), `us ${OWNER} boss\n`);
  const { error } = (await pgrepl(['status', '-D', pgdata, '--json'])).json();
  expect(error?.message).toContain('; as boss: role "boss" does not exist; as admin:');
});

test('told by an option, by the file, and for one node', async () => {
  const dir = scratch();
  // The owner has a role of its name, which is no superuser, and the one that is one has not the first OID.
  const pgdata = await newCluster(dir, 'first', 'local all all trust\n');
  const { port } = { port: await freePort() };
  const psql = [program('psql'), '-XAtqw', '-h', '/tmp', '-U', 'first', '-d', 'postgres'];
  const at = ['-p', asOwner(['sed', '-n', '4p', join(pgdata, 'postmaster.pid')]).trim()];
  asOwner(
    [...psql, ...at],
    `CREATE ROLE ${OWNER} LOGIN; CREATE ROLE boss LOGIN SUPERUSER; ALTER ROLE first NOLOGIN;`,
  );
  const words = ['-D', pgdata, '--allow', '127.0.0.1', '--password-file', passwordFile(dir, PASSWORD)];
  const refused = await pgrepl(['init-primary', ...words]);
  expect(refused).toMatchObject({ code: 4 });
  expect(refused.stderr).toContain(`as ${OWNER}: must be superuser`);
  expect(refused.stderr).toContain('as first: role "first" is not permitted to log in');
  expect(await pgrepl(['init-primary', ...words, '--superuser', 'boss'])).toMatchObject({ code: 0 });
  const wrong = await pgrepl(['status', '-D', pgdata, '--superuser', 'nobody', '--json']);
  expect(wrong.json().error?.message).toContain('as nobody: role "nobody" does not exist');
  const nodes = { pg1: { pgdata }, pg2: { pgdata: join(dir, 'pg2'), port, upstream: 'pg1' } };
  const yaml = clusterFile(dir, nodes);
  appendFileSync(yaml, 'superuser: boss\n');
  for (const line of ['init-primary pg1', 'clone-standby pg2', 'verify', 'switchover pg2', 'doctor']) {
    const { code, stderr, stdout } = await pgrepl([...line.split(' '), '-c', yaml]);
    expect({ line, code, stderr, stdout }).toMatchObject({ code: 0 });
  }
});

test('a new cluster has the owner as its superuser', async () => {
  const dir = scratch();
  const words = ['-D', join(dir, 'new'), '-p', String(await freePort()), '--superuser', 'admin'];
  const { code, stderr } = await pgrepl([
    'init-primary',
    ...words,
    '--password-file',
    passwordFile(dir, PASSWORD),
  ]);
  expect(code).toBe(3);
  expect(stderr).toContain(`the superuser of a new one is ${OWNER}, not admin`);
});
