import { appendFileSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { clusterFile } from './support/clusterFile.ts';
import { asOwner, freePort, program } from './support/machine.ts';
import { pgrepl, type Result } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import {
  configure,
  initdb,
  newServer,
  passwordFile,
  setting,
  socketOf,
  sql,
  startServer,
  stopServer,
  writeAsOwner,
} from './support/server.ts';

/** Servers that are there already become primaries where they are, and keep what people wrote. */

function adopt(pgdata: string, more: readonly string[] = []): Promise<Result> {
  const secret = passwordFile(join(pgdata, '..'), 'secret of the role');
  const words = ['-D', pgdata, '--name', 'pg1', '--allow', '127.0.0.1', '--password-file', secret];
  return pgrepl(['init-primary', ...words, ...more]);
}

async function isSettled(pgdata: string, more: readonly string[] = []): Promise<void> {
  const again = await adopt(pgdata, [...more, '--json']);
  const { outcome, changed, status, steps } = again.json();
  const whys = steps.map(({ why, ms }) => `${String(why)}: ${String(ms)}`);
  expect({ outcome, changed, status, whys }).toEqual({
    outcome: 'unchanged',
    changed: false,
    status: 0,
    whys: [],
  });
}

const text = (pgdata: string, name = 'postgresql.conf'): string => readFileSync(join(pgdata, name), 'utf8');

/** Takes a line of postgresql.conf away, and all that comes after it. */
function cutFrom(pgdata: string, line: number): void {
  const kept = text(pgdata)
    .split('\n')
    .slice(0, line - 1);
  writeFileSync(join(pgdata, 'postgresql.conf'), `${kept.join('\n')}\n`);
}

describe('a running server that replicates nothing', () => {
  const dir = scratch();
  const pgdata = join(dir, 'old data');
  let conf = '';

  beforeAll(async () => {
    initdb(pgdata);
    configure(pgdata, { port: await freePort(), unix_socket_directories: '/tmp', fsync: 'off' });
    appendFileSync(
      join(pgdata, 'postgresql.conf'),
      'wal_level = minimal\nmax_wal_senders = 0 # naïve; no line end',
    );
    conf = text(pgdata);
    startServer(pgdata);
    sql(pgdata, 'CREATE TABLE precious AS SELECT 1 AS n;');
  });

  test('without a restart what needs one waits, and it says so', async () => {
    const { pid } = socketOf(pgdata);
    const first = await adopt(pgdata, ['--no-restart']);
    expect(first).toMatchObject({ code: 0 });
    expect(first.stderr).toContain('max_wal_senders, wal_level');
    expect(first.stderr).toContain('and --no-restart leaves that to you');
    expect(socketOf(pgdata).pid).toBe(pid);
    expect(setting(pgdata, 'wal_level')).toBe('minimal');
    await isSettled(pgdata, ['--no-restart']);
  });

  test('with one it is a primary, and what people wrote is still theirs', async () => {
    const { pid } = socketOf(pgdata);
    const then = await adopt(pgdata);
    expect(then).toMatchObject({ code: 0 });
    expect(then.stderr).toMatch(/restart: [a-z_, ]*wal_level[a-z_, ]* needs? it/);
    expect(socketOf(pgdata).pid).not.toBe(pid);
    expect(setting(pgdata, 'wal_level')).toBe('replica');
    expect(setting(pgdata, 'max_wal_senders')).toBe('10');
    expect(setting(pgdata, 'wal_log_hints')).toBe('on');
    expect(sql(pgdata, 'SELECT n FROM precious;')).toBe('1');
    expect(text(pgdata)).toBe(`${conf}\ninclude_if_exists = 'pgrepl.conf'  # pgrepl\n`);
    await isSettled(pgdata);
  });

  test('a value that comes after ours is told with its file and line', async () => {
    appendFileSync(join(pgdata, 'postgresql.conf'), 'wal_level = minimal\nmax_wal_senders = 0\n');
    const line = text(pgdata).split('\n').length - 2;
    stopServer(pgdata);
    startServer(pgdata);
    const refused = await adopt(pgdata);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain(`wal_level is minimal by ${pgdata}/postgresql.conf line ${line}`);
    expect(refused.stderr).toContain(`max_wal_senders is 0 by ${pgdata}/postgresql.conf line ${line + 1}`);
    cutFrom(pgdata, line);
    sql(pgdata, 'SELECT pg_reload_conf();');
    const mended = await adopt(pgdata);
    expect(mended).toMatchObject({ code: 0 });
    expect(mended.stderr).toContain('restart: ');
    await isSettled(pgdata);
  });

  test('and while it is stopped it is seen in the files', async () => {
    stopServer(pgdata);
    appendFileSync(join(pgdata, 'postgresql.conf'), "wal_level = 'minimal'\n");
    const line = text(pgdata).split('\n').length - 1;
    const refused = await adopt(pgdata);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain(`${pgdata}/postgresql.conf line ${line}`);
    cutFrom(pgdata, line);
    startServer(pgdata);
  });

  test('ALTER SYSTEM beats us, and is told with its line and the command that takes it back', async () => {
    sql(pgdata, 'ALTER SYSTEM SET wal_log_hints = off;');
    sql(pgdata, "ALTER SYSTEM SET listen_addresses = '';");
    const refused = await adopt(pgdata, ['--allow', '192.0.2.1', '--json']);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.json().refusals.map(({ message }) => message)).toEqual([
      `pg1: wal_log_hints is off by ALTER SYSTEM, ${pgdata}/postgresql.auto.conf line 3, and that beats every other file`,
      `pg1: listen_addresses is empty by ALTER SYSTEM, ${pgdata}/postgresql.auto.conf line 4, and that beats every other file`,
    ]);
    sql(pgdata, 'ALTER SYSTEM RESET wal_log_hints;');
    sql(pgdata, 'ALTER SYSTEM RESET listen_addresses;');
    await isSettled(pgdata);
  });

  test('a wrong line in a file is told before anything is done', async () => {
    appendFileSync(join(pgdata, 'postgresql.conf'), 'max_wal_sender = 3\n');
    appendFileSync(join(pgdata, 'pg_hba.conf'), 'host all all 10.0.0.0/99 md5\n');
    const refused = await adopt(pgdata, ['--allow', '192.0.2.1']);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain('unrecognized configuration parameter "max_wal_sender"');
    expect(refused.stderr).toMatch(/pg_hba\.conf line \d+: /);
    expect(text(pgdata, 'pg_hba.conf')).not.toContain('192.0.2.1');
  });
});

describe('other servers', () => {
  const dir = scratch();

  test('one that is stopped is started, with slots for the standbys of its file', async () => {
    const pgdata = join(dir, 'stopped');
    initdb(pgdata);
    const port = await freePort();
    configure(pgdata, { unix_socket_directories: '/tmp', fsync: 'off' });
    const file = clusterFile(dir, {
      pg1: { pgdata, port },
      pg2: { pgdata: join(dir, 'two'), port: port + 1, address: '192.0.2.2', upstream: 'pg1' },
      pg3: {
        pgdata: join(dir, 'three'),
        port: port + 2,
        address: '192.0.2.3',
        upstream: 'pg2',
        slot: 'third',
      },
      pg4: { pgdata: join(dir, 'four'), port: port + 3, address: '192.0.2.4', upstream: 'pg1' },
    });
    const args = ['init-primary', 'pg1', '-c', file, '--json'];
    const first = await pgrepl(args);
    expect(first).toMatchObject({ code: 0 });
    expect(sql(pgdata, 'SELECT slot_name, restart_lsn FROM pg_replication_slots ORDER BY 1;')).toBe(
      'pg2|\npg4|',
    );
    expect(
      sql(
        pgdata,
        `SELECT DISTINCT address FROM pg_hba_file_rules WHERE 'replicator' = ANY (user_name) ORDER BY 1;`,
      ),
    ).toBe('127.0.0.1\n192.0.2.2\n192.0.2.3\n192.0.2.4');
    expect(socketOf(pgdata).port).toBe(port);
    expect((await pgrepl(args)).json()).toMatchObject({ outcome: 'unchanged' });
    sql(pgdata, "SELECT pg_drop_replication_slot('pg4');");
    expect((await pgrepl(args)).json()).toMatchObject({
      outcome: 'done',
      steps: [{ why: expect.stringContaining('pg4') }],
    });
  });

  test('its configuration is elsewhere, and the rules in a third place', async () => {
    const pgdata = join(dir, 'elsewhere');
    const etc = join(dir, 'etc pg');
    initdb(pgdata);
    asOwner(['mkdir', etc]);
    asOwner([
      'mv',
      join(pgdata, 'postgresql.conf'),
      join(pgdata, 'pg_hba.conf'),
      join(pgdata, 'pg_ident.conf'),
      etc,
    ]);
    asOwner(['mv', join(etc, 'pg_hba.conf'), join(etc, 'rules')]);
    asOwner(['cp', join(etc, 'rules'), join(etc, 'pg_hba.conf')]);
    const port = await freePort();
    configure(etc, { port, unix_socket_directories: '/tmp', data_directory: pgdata });
    writeAsOwner(join(etc, 'more.conf'), `hba_file = '${etc}/rules'\n`);
    appendFileSync(join(etc, 'postgresql.conf'), "include 'more.conf'\n");
    asOwner([program('pg_ctl'), '-D', etc, '-w', '-s', '-l', join(pgdata, 'log'), 'start']);
    expect(await adopt(pgdata)).toMatchObject({ code: 0 });
    expect(text(etc, 'rules')).toContain('replicator');
    expect(text(etc, 'pg_hba.conf')).not.toContain('replicator');
    expect(setting(pgdata, 'wal_log_hints')).toBe('on');
    await isSettled(pgdata);
    asOwner([program('pg_ctl'), '-D', etc, '-w', '-s', 'stop']);
    const stopped = await adopt(pgdata);
    expect(stopped).toMatchObject({ code: 0 });
    await isSettled(pgdata);
  });

  test('one whose files are full of surprises', async () => {
    const pgdata = join(dir, 'odd');
    const sockets = join(dir, 'sock ets');
    const port = await freePort();
    asOwner(['mkdir', sockets]);
    asOwner([program('initdb'), '-D', pgdata, '--no-sync', '-E', 'LATIN1', '--locale=C', '-A', 'peer']);
    mkdirSync(join(pgdata, 'extra'));
    configure(pgdata, { port, unix_socket_directories: `"${sockets}",/tmp`, fsync: 'off' });
    const real = join(dir, 'kept elsewhere.conf');
    asOwner(['mv', join(pgdata, 'postgresql.conf'), real]);
    asOwner(['ln', '-s', real, join(pgdata, 'postgresql.conf')]);
    const latin =
      "include_dir = 'extra'\r\ndefault_transaction_read_only = on\r\n# gr\u00fc\u00dfe\r\nwork_mem 5MB";
    appendFileSync(real, Buffer.from(latin, 'latin1'));
    const conf = readFileSync(real);
    writeAsOwner(join(pgdata, 'extra', '10-mine.conf'), 'max_wal_senders 0\nwal_level minimal\n');
    const hba = '# who\r\nlocal all all peer\r\nhost all all 127.0.0.1/32 scram-sha-256\r\n';
    writeAsOwner(join(pgdata, 'pg_hba.conf'), hba, 0o640);
    startServerIn(pgdata);
    sql(pgdata, `SET default_transaction_read_only = off; CREATE ROLE "rep li'c""ator" LOGIN;`);
    const made = await adopt(pgdata, ['--replication-role', `rep li'c"ator`]);
    expect(made).toMatchObject({ code: 0 });
    expect(text(pgdata, 'pg_hba.conf')).toContain(hba.slice(hba.indexOf('local')));
    expect(setting(pgdata, 'wal_level')).toBe('replica');
    expect(setting(pgdata, 'work_mem')).toBe('5MB');
    expect(lstatSync(join(pgdata, 'postgresql.conf')).isSymbolicLink()).toBe(true);
    expect(readFileSync(real).subarray(0, conf.length).equals(conf)).toBe(true);
    expect(asOwner(['stat', '-c', '%a', join(pgdata, 'pg_hba.conf')]).trim()).toBe('640');
    await isSettled(pgdata, ['--replication-role', `rep li'c"ator`]);
  });

  test('one that was told otherwise on its command line', async () => {
    const pgdata = join(dir, 'told');
    initdb(pgdata);
    configure(pgdata, { port: await freePort(), unix_socket_directories: '/tmp' });
    startServer(pgdata, ['-o', '-c wal_level=minimal -c max_wal_senders=0']);
    const refused = await adopt(pgdata);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain('wal_level is minimal by the command line of the server');
  });

  test('one that recovers to a point in time', async () => {
    const pgdata = join(dir, 'recovers');
    initdb(pgdata);
    writeAsOwner(join(pgdata, 'recovery.signal'), '');
    const refused = await adopt(pgdata);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain('recovery.signal');
  });

  test('one on another port than was said', async () => {
    const pgdata = join(dir, 'port');
    const port = await freePort();
    newServer(pgdata, port);
    const refused = await adopt(pgdata, ['-p', '1']);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain(`pg1: the server listens on port ${port}, not 1`);
  });
});

function startServerIn(pgdata: string): void {
  asOwner([program('pg_ctl'), '-D', pgdata, '-w', '-s', '-l', join(pgdata, 'log'), 'start']);
}
