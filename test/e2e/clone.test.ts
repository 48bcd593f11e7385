import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { clusterFile } from './support/clusterFile.ts';
import { IS_ROOT, OWNER, asOwner, freePort, waitFor } from './support/machine.ts';
import { clone, newPrimary, PASSWORD, streams, type Primary, type Target } from './support/pair.ts';
import { pgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { passwordFile, serverLog, setting, sql, stopServer } from './support/server.ts';

const dir = scratch();
let primary: Primary;

beforeAll(async () => {
  primary = await newPrimary(dir);
});

async function target(name: string, pgdata = join(dir, name)): Promise<Target> {
  return { name, pgdata, port: await freePort() };
}

async function unchanged(to: Target, more: readonly string[] = []): Promise<void> {
  const again = await clone(primary, to, ['--json', ...more]);
  expect(again.json()).toMatchObject({ outcome: 'unchanged', changed: false, steps: [], status: 0 });
}

describe('with nothing but a replication login', () => {
  let to: Target;

  test('an empty place becomes a standby that streams', async () => {
    to = await target('plain');
    expect(await clone(primary, to, ['--check'])).toMatchObject({ code: 10 });
    const made = await clone(primary, to, ['--json']);
    expect(made).toMatchObject({ code: 0 });
    expect(made.json()).toMatchObject({
      command: 'clone-standby',
      outcome: 'done',
      changed: true,
      error: null,
      nodes: [{ name: 'plain', role: 'standby', state: 'streaming', timeline: 1, slot: 'plain' }],
    });
    expect(made.stdout + made.stderr).not.toContain(PASSWORD);
    await streams(primary.pgdata, to.pgdata, 'plain');
    await unchanged(to);
  });

  test('its files are its own', () => {
    expect(statSync(join(to.pgdata, 'pgrepl.pgpass')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(to.pgdata, 'postgresql.auto.conf'), 'utf8')).not.toContain(PASSWORD);
    expect(setting(to.pgdata, 'port')).toBe(String(to.port));
    expect(readdirSync(dir).filter((name) => name.includes('.pgrepl-'))).toEqual([]);
    expect(sql(primary.pgdata, `SELECT slot_name, active FROM pg_replication_slots;`)).toBe('plain|t');
    expect(serverLog(primary.pgdata)).not.toContain(PASSWORD);
  });

  test('another password at the primary: running it again brings it here', async () => {
    const later = { ...primary, passwordFile: passwordFile(dir, "another 'one'", 'later') };
    sql(primary.pgdata, `ALTER ROLE replicator PASSWORD 'another ''one''';`);
    sql(primary.pgdata, `SELECT pg_terminate_backend(pid) FROM pg_stat_replication;`);
    await waitFor(() => sql(to.pgdata, `SELECT count(*) FROM pg_stat_wal_receiver;`) === '0', {
      what: 'the standby is cut off',
    });
    expect(await clone(later, to)).toMatchObject({ code: 0 });
    await streams(primary.pgdata, to.pgdata, 'plain');
    sql(primary.pgdata, `ALTER ROLE replicator PASSWORD '${PASSWORD}';`);
    expect(await clone(primary, to)).toMatchObject({ code: 0 });
  });

  test('stopped, it is started', async () => {
    stopServer(to.pgdata);
    const started = await clone(primary, to, ['--json', '--timeout', '20']);
    expect(started.json()).toMatchObject({
      outcome: 'done',
      steps: [{ do: 'write' }, { why: 'start the server' }, { do: 'expect' }],
    });
    await unchanged(to);
    stopServer(to.pgdata);
  });
});

test('from another standby, by a cluster file', async () => {
  const [first, second] = [await target('casc1'), await target('casc2')];
  const file = clusterFile(dir, {
    pg1: { pgdata: primary.pgdata, port: primary.port },
    casc1: { pgdata: first.pgdata, port: first.port, upstream: 'pg1' },
    casc2: { pgdata: second.pgdata, port: second.port, upstream: 'casc1' },
  });
  for (const name of ['casc1', 'casc2'])
    expect(await pgrepl(['clone-standby', name, '-c', file])).toMatchObject({ code: 0 });
  expect((await pgrepl(['clone-standby', 'casc2', '-c', file, '--json'])).json()).toMatchObject({
    outcome: 'unchanged',
    nodes: [{ name: 'casc2', upstream: 'casc1', state: 'streaming' }],
  });
  expect(sql(first.pgdata, 'SELECT application_name, state FROM pg_stat_replication;')).toBe(
    'casc2|streaming',
  );
  stopServer(second.pgdata);
  stopServer(first.pgdata);
});

describe('--replace moves aside and keeps', () => {
  const aside = (name: string): readonly string[] =>
    readdirSync(dir).filter((each) => each.startsWith(`${name}.pgrepl-old-`));

  test('a primary of another system', async () => {
    const other = await newPrimary(dir, {}, { name: 'other' });
    sql(other.pgdata, 'CREATE TABLE precious AS SELECT 42 AS answer;');
    const to = { name: 'other', pgdata: other.pgdata, port: other.port };
    const refused = await clone(primary, to);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toMatch(/other: a server runs in .* and takes writes \(system \d+\)\n.*--replace/);
    const unasked = await clone(primary, to, ['--replace']);
    expect(unasked).toMatchObject({ code: 3 });
    expect(unasked.stderr).toContain('nobody said yes');
    expect(sql(other.pgdata, 'SELECT answer FROM precious;')).toBe('42');
    expect(await clone(primary, to, ['--replace', '--yes'])).toMatchObject({ code: 0 });
    await streams(primary.pgdata, to.pgdata, 'other');
    expect(aside('other')).toHaveLength(1);
    expect(lstatSync(join(dir, aside('other')[0] ?? '', 'PG_VERSION')).isFile()).toBe(true);
    await unchanged(to, ['--replace', '--yes']);
    expect(aside('other')).toHaveLength(1);
  });

  test('a standby of another slot, running and stopped', async () => {
    const to = { name: 'other', pgdata: join(dir, 'other'), port: await freePort() };
    const refused = await clone(primary, to, ['--slot', 'another']);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain('pgrepl follow other');
    expect(await clone(primary, to, ['--slot', 'another', '--replace', '--yes'])).toMatchObject({ code: 0 });
    expect(aside('other')).toHaveLength(2);
    stopServer(to.pgdata);
    const stopped = await clone(primary, to, ['--slot', 'third']);
    expect(stopped).toMatchObject({ code: 3 });
    expect(stopped.stderr).toContain('is a stopped server of this cluster');
    expect(await clone(primary, to, ['--slot', 'third', '--replace', '--yes'])).toMatchObject({ code: 0 });
    expect(aside('other')).toHaveLength(3);
    stopServer(to.pgdata);
    sql(
      primary.pgdata,
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active;',
    );
  });
});

describe('the place', () => {
  test('a symbolic link stays one, and WAL goes where it is told to', async () => {
    asOwner(['mkdir', '-p', join(dir, 'disk', 'fast')]);
    const to = await target('linked', join(dir, 'link'));
    symlinkSync(join(dir, 'disk', 'data'), to.pgdata);
    const waldir = ['--waldir', join(dir, 'disk', 'fast', 'wal')];
    expect(await clone(primary, to, waldir)).toMatchObject({ code: 0 });
    expect(lstatSync(to.pgdata).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(dir, 'disk', 'data', 'pg_wal')).isSymbolicLink()).toBe(true);
    await streams(primary.pgdata, to.pgdata, 'linked');
    await unchanged(to, waldir);
    const other = await clone(primary, to, ['--waldir', join(dir, 'elsewhere')]);
    expect(other).toMatchObject({ code: 3 });
    expect(other.stderr).toContain(`has no effect: the server is there already, with its WAL in ${dir}`);
    const replaced = await clone(primary, to, ['--replace', '--yes', '--slot', 'other_one']);
    expect(replaced).toMatchObject({ code: 3 });
    expect(replaced.stderr).toContain(`pg_wal of the server that is there is a link to`);
    const same = await clone(primary, to, ['--replace', '--yes', '--slot', 'other_one', ...waldir]);
    expect(same).toMatchObject({ code: 3 });
    expect(same.stderr).toContain('which WAL is to go to, is not empty');
    stopServer(to.pgdata);
  });

  test('tablespaces go where they are mapped to', async () => {
    const [from, to] = [join(dir, 'space=1'), join(dir, "space '2")];
    asOwner(['mkdir', from]);
    sql(primary.pgdata, `CREATE TABLESPACE extra LOCATION '${from}';`);
    sql(primary.pgdata, 'CREATE TABLE far (n int) TABLESPACE extra; INSERT INTO far VALUES (7);');
    const standby = await target('spaced');
    allowDatabase();
    const refused = await clone(primary, standby);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain(`${from}, which the tablespace extra is to go to, is not empty`);
    const wrong = await clone(primary, standby, ['-T', `/nowhere=${to}`]);
    expect(wrong.stderr).toContain('has no tablespace at /nowhere');
    const mapping = ['-T', `${from.replace('=', '\\=')}=${to}`];
    expect(await clone(primary, standby, mapping)).toMatchObject({ code: 0 });
    expect(sql(standby.pgdata, 'SELECT n FROM far;')).toBe('7');
    expect(readdirSync(to)).toHaveLength(1);
    await unchanged(standby, mapping);
    const other = await clone(primary, standby, ['-T', `${from.replace('=', '\\=')}=${to}2`]);
    expect(other).toMatchObject({ code: 3 });
    expect(other.stderr).toContain(`--tablespace-mapping to ${to}2 has no effect`);
    const elsewhere = await clone(primary, { ...standby, port: standby.port + 1 });
    expect(elsewhere).toMatchObject({ code: 3 });
    expect(elsewhere.stderr).toContain('has no effect: the server listens on port');
    stopServer(standby.pgdata);
    sql(primary.pgdata, `DROP TABLE far; DROP TABLESPACE extra;`);
  });

  test.runIf(IS_ROOT)('a mount point, which cannot be renamed over', async () => {
    const to = await target('volume');
    mkdirSync(to.pgdata);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=600m', 'none', to.pgdata]);
    mkdirSync(join(to.pgdata, 'lost+found'));
    expect(await clone(primary, to)).toMatchObject({ code: 0 });
    expect(readdirSync(to.pgdata)).not.toContain('.pgrepl-new');
    await unchanged(to);
    expect(await clone(primary, to, ['--slot', 'volume2', '--replace', '--yes'])).toMatchObject({ code: 0 });
    await streams(primary.pgdata, to.pgdata, 'volume');
    const old = readdirSync(to.pgdata).filter((name) => name.startsWith('.pgrepl-old-'));
    expect(readdirSync(join(to.pgdata, old[0] ?? ''))).toContain('PG_VERSION');
    stopServer(to.pgdata);
  });

  test.runIf(IS_ROOT)('an empty directory that root made, where the owner may make none', async () => {
    mkdirSync(join(dir, 'roots', 'data'), { recursive: true });
    chmodSync(join(dir, 'roots'), 0o755);
    const to = await target('roots', join(dir, 'roots', 'data'));
    expect(await clone(primary, to)).toMatchObject({ code: 0 });
    expect(execFileSync('stat', ['-c', '%U %a', to.pgdata]).toString().trim()).toBe(`${OWNER} 700`);
    await unchanged(to);
    stopServer(to.pgdata);
  });
});

/** Only who may ask a database sees tablespaces and sizes. */
function allowDatabase(): void {
  const path = join(primary.pgdata, 'pg_hba.conf');
  asOwner(
    ['sh', '-c', 'cat >>"$1"', 'append', path],
    'host postgres replicator 127.0.0.1/32 scram-sha-256\n',
  );
  sql(primary.pgdata, 'SELECT pg_reload_conf();');
}
