import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { clusterFile } from './support/clusterFile.ts';
import { asOwner, freePort } from './support/machine.ts';
import { clone, newPrimary, processes, streams, type Primary } from './support/pair.ts';
import { pgrepl, startPgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { setting, sql, stopServer } from './support/server.ts';
import { NO_SSH, sshHost } from './support/sshHost.ts';

const dir = scratch();
const PASSWORD = `s e'c"r\\e:t#$%&é\`~ \t;|*`;
const ROLE = `re pl"i'c\\a:t#or$é`;
/** What a directory may be called. */
const WEIRD = [`d a'ta"$x`, '-D -n', 'ä ö\\ü &;|', '%p %f `id`$(id)', 'a=b#c:d*[x]?'];
let primary: Primary;

beforeAll(async () => {
  primary = await newPrimary(
    dir,
    { max_connections: 300, max_prepared_transactions: 7 },
    {
      name: `pri m'ary`,
      role: ROLE,
      password: PASSWORD,
    },
  );
});

describe.each(WEIRD)('a directory called %s', (name) => {
  test('is cloned into, and found unchanged', async () => {
    asOwner(['mkdir', '--', join(dir, `in ${name}`)]);
    const to = { name: 'pg2', pgdata: join(dir, `in ${name}`, name), port: await freePort() };
    const more = ['--replication-role', ROLE, '--waldir', join(dir, `in ${name}`, `wal ${name}`)];
    const made = await clone(primary, to, more);
    expect(made.stderr).not.toContain(PASSWORD);
    expect(made.code, made.stderr).toBe(0);
    await streams(primary.pgdata, to.pgdata, 'pg2');
    expect(setting(to.pgdata, 'data_directory')).toBe(to.pgdata);
    expect((await clone(primary, to, [...more, '--json'])).json()).toMatchObject({ outcome: 'unchanged' });
    stopServer(to.pgdata);
  });
});

test('floors of the upstream are met', async () => {
  const to = { name: 'floors', pgdata: join(dir, 'floors'), port: await freePort() };
  expect(await clone(primary, to, ['--replication-role', ROLE])).toMatchObject({ code: 0 });
  expect(setting(to.pgdata, 'max_connections')).toBe('300');
  expect(setting(to.pgdata, 'max_prepared_transactions')).toBe('7');
  stopServer(to.pgdata);
});

test.skipIf(NO_SSH !== undefined)('over SSH', async () => {
  const host = await sshHost(dir);
  const pgdata = join(dir, `over ssh ${WEIRD.join(' ').replaceAll('/', '')}`);
  const file = clusterFile(
    dir,
    {
      pg1: { pgdata: primary.pgdata, port: primary.port, on: host.destination('web') },
      'pg-2.x': { pgdata, port: await freePort(), on: host.destination('web'), upstream: 'pg1' },
    },
    { role: ROLE, password: PASSWORD, name: `a 'file'.yaml` },
  );
  const env = { PGREPL_SSH: host.ssh };
  const made = await pgrepl(['clone-standby', 'pg-2.x', '-c', file, '--json'], { env });
  expect(made.stdout + made.stderr).not.toContain(PASSWORD);
  expect(made.json().error).toBe(null);
  expect(made.json()).toMatchObject({ outcome: 'done', nodes: [{ name: 'pg-2.x', slot: 'pg_2_x' }] });
  await streams(primary.pgdata, pgdata, 'pg-2.x');
  stopServer(pgdata);
});

describe('a dry run', () => {
  test('as a script does what the interpreter does', async () => {
    const [byUs, byScript] = [join(dir, 'by', `u s'`), join(dir, 'script', `u s'`)];
    asOwner(['mkdir', join(dir, 'by'), join(dir, 'script')]);
    const port = await freePort();
    const words = ['--replication-role', ROLE];
    expect(await clone(primary, { name: 'us', pgdata: byUs, port }, words)).toMatchObject({ code: 0 });
    const ours = pictureOf(byUs);
    stopServer(byUs);
    sql(primary.pgdata, `SELECT pg_drop_replication_slot('us');`);

    const inPgpass = PASSWORD.replace(/[:\\]/g, '\\$&');
    const to = { name: 'us', pgdata: byScript, port };
    const text = await clone(primary, to, [...words, '--dry-run']);
    expect(text.stdout).toMatch(/pg_basebackup[\s\S]*it becomes real[\s\S]*it streams from/);
    const script = await clone(primary, to, [...words, '--dry-run=sh']);
    expect(script).toMatchObject({ code: 0 });
    expect(text.stdout + script.stdout).not.toContain(PASSWORD);
    expect(sql(primary.pgdata, `SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'us';`)).toBe(
      '0',
    );
    expect(run(script.stdout, { PGREPL_SECRET_1: PASSWORD, PGREPL_SECRET_2: inPgpass })).toMatch(
      /it streams from/,
    );
    expect(pictureOf(byScript)).toEqual(ours);
    await streams(primary.pgdata, byScript, 'us');
    stopServer(byScript);
  });
});

function run(script: string, env: Readonly<Record<string, string>>): string {
  const file = join(dir, 'run.sh');
  writeFileSync(file, script);
  const words = ['-c', 'sh "$1" --yes 2>&1 </dev/null', 'sh', file];
  return execFileSync('sh', words, { cwd: '/', env: { ...process.env, ...env }, timeout: 50_000 }).toString();
}

/** What a clone leaves: files with their modes and our texts. */
function pictureOf(pgdata: string): Record<string, unknown> {
  const files = asOwner(['find', pgdata, '-maxdepth', '1', '-printf', '%f %m %u\n']).split('\n').sort();
  const names = ['postgresql.conf', 'postgresql.auto.conf', 'pgrepl.conf', 'pg_hba.conf', 'pgrepl.pgpass'];
  const text = (name: string): string =>
    readFileSync(join(pgdata, name), 'utf8').replaceAll(pgdata.replaceAll("'", "\\\\''"), 'DIR');
  const alike = (name: string): string =>
    text(name)
      .replaceAll(/\/(by|script)\//g, '/X/')
      .replace(/^(max_slot_wal_keep_size|wal_keep_size) = .*/gm, '$1 = (from the free disk)');
  return { files, texts: names.map(alike) };
}

test('what is on a terminal is plain lines elsewhere, and no secret is in any argv', async () => {
  const to = { name: 'seen', pgdata: join(dir, 'seen'), port: await freePort() };
  const words = ['--replication-role', ROLE, '--max-rate', '20M'];
  const argv: string[] = [];
  const { ended } = startPgrepl(
    [
      ...['clone-standby', '-D', to.pgdata, '-p', String(to.port), '--name', 'seen', ...words],
      ...['--from', `127.0.0.1:${primary.port}`, '--password-file', primary.passwordFile],
    ],
    { onStderr: () => argv.push(allWords()) },
  );
  const made = await ended;
  expect(made).toMatchObject({ code: 0 });
  expect(made.stderr).toMatch(/^seen {2}100 % {2}\d+ MB of \d+ MB {2}[\d.]+ MB\/s {2}0 s left$/m);
  for (const control of ['\r', '\u001b']) expect(made.stderr).not.toContain(control);
  expect(argv.join('\n')).toContain('pg_basebackup');
  expect(argv.join('\n')).not.toContain(PASSWORD);
  expect(processes('pg_basebackup', to.pgdata)).toEqual([]);
  stopServer(to.pgdata);
});

function allWords(): string {
  return execFileSync('ps', ['-eo', 'args', 'ww']).toString();
}
