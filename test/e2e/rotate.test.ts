import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { waitFor } from './support/machine.ts';
import { streams } from './support/pair.ts';
import { pgrepl, type Result } from './support/pgrepl.ts';
import { serverLog, sql } from './support/server.ts';
import { isSound, trioWithWriter } from './support/swapping.ts';

/** The password of the role is changed while both standbys stream: docs/operations/rotate-password.md. */

const NEW = `new: "one" \\ 'two'`;
const stage = trioWithWriter();
function withStatus(status: number, { code, stdout, stderr }: Result): Result & { said: string } {
  const said = `${stdout}${stderr}`;
  expect({ code, said }).toMatchObject({ code: status });
  expect(said).not.toContain(NEW);
  return { code, stdout, stderr, said } as Result & { said: string };
}

/** The connection of a standby is cut; it comes back with the password that its file has. */
async function comesBack(name: string): Promise<void> {
  const [pid] = sql(
    stage.data('pg1'),
    `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name = '${name}';`,
  ).split('|');
  expect(Number(pid)).toBeGreaterThan(0);
  await streams(stage.data('pg1'), stage.data(name), name);
}

test('nothing is to be done as long as the file says the password that is there', async () => {
  withStatus(0, await stage.run('clone-standby', 'pg2', '--check'));
  withStatus(0, await stage.run('follow', 'pg3', '--upstream', 'pg1', '--check'));
});

test('a standby is not given a password that the primary does not take yet', async () => {
  writeFileSync(join(stage.dir, 'pgrepl.password'), `${NEW}\n`, { mode: 0o600 });
  for (const words of [
    ['clone-standby', 'pg2'],
    ['follow', 'pg3', '--upstream', 'pg1'],
  ]) {
    const { said } = withStatus(3, await stage.run(...words));
    expect(said).toContain('password authentication failed');
    expect(said).toContain('pgrepl init-primary pg1 sets the password of the role');
  }
});

test('the primary gets it, and asks first: who streams could not come back', async () => {
  const { said } = withStatus(3, await stage.run('init-primary', 'pg1'));
  expect(said).toContain('replace the password of the role replicator: pg');
  withStatus(0, await stage.run('init-primary', 'pg1', '--yes'));
  withStatus(10, await stage.run('clone-standby', 'pg2', '--check'));
  const { said: told } = withStatus(9, await stage.run('doctor', 'pg2', '--json'));
  expect(told).toContain('holds another password than the cluster file');
});

/** On its host, without the cluster file. */
function byHand(name: string): Promise<Result> {
  const upstream = ['--upstream', `127.0.0.1:${stage.port('pg1')}`];
  return pgrepl([
    'follow',
    '-D',
    stage.data(name),
    ...upstream,
    '--password-file',
    join(stage.dir, 'pgrepl.password'),
  ]);
}

test('one whose connection ends before it has it is told by status, with what brings it', async () => {
  for (const [name, verb] of [
    ['pg2', ['clone-standby', 'pg2']],
    ['pg3', ['follow', 'pg3', '--upstream', 'pg1']],
    ['pg3', undefined],
  ] as const) {
    sql(
      stage.data('pg1'),
      `SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name = '${name}';`,
    );
    await waitFor(() => sql(stage.data(name), 'SELECT count(*) FROM pg_stat_wal_receiver;') === '0', {
      what: `${name} is cut off`,
    });
    const { said } = withStatus(9, await stage.run('status'));
    expect(said).toContain(
      `${name}: does not stream from pg1: pg1 refuses the password in its password file`,
    );
    expect(said).toContain(
      `Its password was changed: \`pgrepl clone-standby ${name}\` brings the one of the`,
    );
    withStatus(0, await (verb === undefined ? byHand(name) : stage.run(...verb)));
    await streams(stage.data('pg1'), stage.data(name), name);
    writeFileSync(join(stage.data(name), 'pgrepl.pgpass'), '*:*:*:replicator:old\n');
  }
});

test('each standby gets it, by either verb, and nothing restarts', async () => {
  const started = sql(stage.data('pg2'), 'SELECT pg_postmaster_start_time();');
  withStatus(0, await stage.run('clone-standby', 'pg2'));
  withStatus(0, await stage.run('follow', 'pg3', '--upstream', 'pg1'));
  expect(sql(stage.data('pg2'), 'SELECT pg_postmaster_start_time();')).toBe(started);
  for (const name of ['pg2', 'pg3']) await comesBack(name);
  withStatus(0, await stage.run('clone-standby', 'pg2', '--check'));
  withStatus(0, await stage.run('follow', 'pg3', '--upstream', 'pg1', '--check'));
  withStatus(0, await stage.run('doctor'));
  for (const name of ['pg1', 'pg2', 'pg3']) expect(serverLog(stage.data(name))).not.toContain(NEW);
  expect(readFileSync(join(stage.data('pg2'), 'pgrepl.pgpass'), 'utf8')).toContain('*:*:*:replicator:');
});

test('a switchover afterwards finds everybody with the new one', async () => {
  withStatus(0, await stage.run('switchover', 'pg2'));
  await isSound(stage, 'pg2');
  withStatus(0, await stage.run('verify'));
});
