import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { IS_ROOT, OWNER, asOwner, freePort } from './support/machine.ts';
import { pgrepl, type Options, type Result } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import {
  initdb,
  isRunning,
  passwordFile,
  setting,
  socketOf,
  sql,
  startServer,
  stopServer,
  writeAsOwner,
} from './support/server.ts';

const PASSWORD = 'secret of the role';

/** init-primary of a directory that allows this machine. */
async function initPrimary(
  pgdata: string,
  port: number,
  more: readonly string[] = [],
  options: Options = {},
): Promise<Result> {
  const dir = pgdata.replace(/\/[^/]*$/, '');
  const words = ['-D', pgdata, '-p', String(port), '--allow', '127.0.0.1', '--name', 'pg1'];
  const secret = passwordFile(dir, PASSWORD);
  return pgrepl(['init-primary', ...words, '--password-file', secret, ...more], options);
}

async function unchanged(pgdata: string, port: number, more: readonly string[] = []): Promise<void> {
  const again = await initPrimary(pgdata, port, ['--json', ...more]);
  expect(again.json()).toMatchObject({ outcome: 'unchanged', changed: false, steps: [], status: 0 });
  expect(again.code).toBe(0);
}

describe('an empty place becomes a primary', () => {
  const dir = scratch();
  const pgdata = join(dir, 'data');

  test('with checksums, a verifier, narrow rules and nothing half-made left', async () => {
    const port = await freePort();
    const check = await initPrimary(pgdata, port, ['--check']);
    expect(check).toMatchObject({ code: 10, stdout: '' });
    expect(readdirSync(dir)).toEqual(['password']);

    const first = await initPrimary(pgdata, port, ['--json']);
    expect(first).toMatchObject({ code: 0 });
    expect(first.json()).toMatchObject({
      command: 'init-primary',
      outcome: 'done',
      changed: true,
      error: null,
      nodes: [{ name: 'pg1', role: 'primary', timeline: 1 }],
    });
    expect(first.stdout + first.stderr).not.toContain(PASSWORD);
    expect(setting(pgdata, 'data_checksums')).toBe('on');
    expect(setting(pgdata, 'password_encryption')).toBe('scram-sha-256');
    expect(
      sql(
        pgdata,
        `SELECT rolcanlogin, rolreplication, rolsuper, left(rolpassword, 14) FROM pg_authid WHERE rolname = 'replicator';`,
      ),
    ).toBe('t|t|f|SCRAM-SHA-256$');
    const rules = sql(
      pgdata,
      'SELECT type, database, user_name, address, netmask, auth_method FROM pg_hba_file_rules ORDER BY line_number;',
    );
    expect(rules.split('\n')).toEqual(
      [
        'local|{all}|{all}|||peer',
        'host|{replication}|{replicator}|127.0.0.1|255.255.255.255|scram-sha-256',
        'host|{postgres}|{replicator}|127.0.0.1|255.255.255.255|scram-sha-256',
        'host|{all}|{all}|127.0.0.1|255.255.255.255|scram-sha-256',
        'host|{all}|{all}|::1|ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff|scram-sha-256',
      ].sort((a, b) => rules.indexOf(a) - rules.indexOf(b)),
    );
    expect(readdirSync(dir).sort()).toEqual(['data', 'password']);
    await unchanged(pgdata, port);
    expect((await initPrimary(pgdata, port, ['--check'])).code).toBe(0);
  });

  test('another address is added, and those from before stay', async () => {
    const { port } = socketOf(pgdata);
    const more = await initPrimary(pgdata, port, [
      '--allow',
      '192.0.2.7',
      '--allow',
      '2001:db8::/48',
      '--no-restart',
      '--json',
    ]);
    expect(more).toMatchObject({ code: 0 });
    expect(more.json()['notes']).toContain(
      'pg1: listen_addresses waits for a restart, and --no-restart leaves that to you',
    );
    const addresses = sql(
      pgdata,
      `SELECT address, netmask FROM pg_hba_file_rules WHERE database = '{replication}';`,
    );
    expect(addresses.split('\n').sort()).toEqual([
      '127.0.0.1|255.255.255.255',
      '192.0.2.7|255.255.255.255',
      '2001:db8::|ffff:ffff:ffff::',
    ]);
    expect(setting(pgdata, 'listen_addresses')).toBe('localhost');
    await unchanged(pgdata, port, ['--no-restart']);
    const restarted = await initPrimary(pgdata, port, ['--allow', '192.0.2.7']);
    expect(restarted).toMatchObject({ code: 0 });
    expect(restarted.stderr).toContain('restart: listen_addresses needs it');
    expect(setting(pgdata, 'listen_addresses')).toBe('*');
    await unchanged(pgdata, port);
  });

  test('a node with another password gets it, and one without is left alone', async () => {
    const { port } = socketOf(pgdata);
    const before = sql(pgdata, `SELECT rolpassword FROM pg_authid WHERE rolname = 'replicator';`);
    const args = ['init-primary', '-D', pgdata, '-p', String(port), '--allow', '127.0.0.1', '--json'];
    const without = await pgrepl(args);
    expect(without.json()).toMatchObject({ outcome: 'unchanged' });
    const other = await pgrepl([...args, '--password-file', passwordFile(dir, 'another one', 'other')]);
    expect(other.json()).toMatchObject({ outcome: 'done' });
    expect(sql(pgdata, `SELECT rolpassword FROM pg_authid WHERE rolname = 'replicator';`)).not.toBe(before);
  });
});

describe('the place', () => {
  test('a symbolic link stays one', async () => {
    const dir = scratch();
    asOwner(['mkdir', '-p', join(dir, 'disk')]);
    const pgdata = join(dir, 'link');
    symlinkSync(join(dir, 'disk', 'data'), pgdata);
    const port = await freePort();
    expect(await initPrimary(pgdata, port)).toMatchObject({ code: 0 });
    expect(lstatSync(pgdata).isSymbolicLink()).toBe(true);
    expect(isRunning(join(dir, 'disk', 'data'))).toBe(true);
    await unchanged(pgdata, port);
  });

  test('WAL goes where it is told to', async () => {
    const dir = scratch();
    const pgdata = join(dir, 'data');
    const port = await freePort();
    const waldir = join(dir, 'wal');
    expect(await initPrimary(pgdata, port, ['--waldir', waldir])).toMatchObject({ code: 0 });
    expect(lstatSync(join(pgdata, 'pg_wal')).isSymbolicLink()).toBe(true);
    expect(sql(pgdata, 'SELECT count(*) > 0 FROM pg_ls_waldir();')).toBe('t');
    await unchanged(pgdata, port, ['--waldir', waldir]);
    const other = await initPrimary(pgdata, port, ['--waldir', join(dir, 'other')]);
    expect(other).toMatchObject({ code: 3 });
    expect(other.stderr).toContain(`--waldir ${dir}/other has no effect: the server is there already`);
    stopServer(pgdata);
    expect(await initPrimary(pgdata, port, ['--waldir', join(dir, 'other')])).toMatchObject({ code: 3 });
    expect(await initPrimary(pgdata, port, ['--waldir', waldir])).toMatchObject({ code: 0 });
    for (const verb of ['status', 'promote', 'verify', 'doctor', 'slot list']) {
      const elsewhere = await pgrepl([...verb.split(' '), '-D', pgdata, '-p', '1']);
      expect(elsewhere).toMatchObject({ code: 3 });
      expect(elsewhere.stderr).toContain(`--port 1 has no effect: the server listens on port ${port}`);
    }
  });

  test.runIf(IS_ROOT)('a mount point, which cannot be renamed over', async () => {
    const dir = scratch();
    const pgdata = join(dir, 'volume');
    mkdirSync(pgdata);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m', 'none', pgdata]);
    mkdirSync(join(pgdata, 'lost+found'));
    const port = await freePort();
    const made = await initPrimary(pgdata, port);
    expect(made).toMatchObject({ code: 0 });
    expect(readdirSync(pgdata)).not.toContain('.pgrepl-new');
    expect(statSync(pgdata).mode & 0o777).toBe(0o700);
    await unchanged(pgdata, port);
  });

  test.runIf(IS_ROOT)('an empty directory that root made, where the owner may make none', async () => {
    const dir = scratch();
    mkdirSync(join(dir, 'roots', 'data'), { recursive: true });
    chmodSync(join(dir, 'roots'), 0o755);
    const pgdata = join(dir, 'roots', 'data');
    const port = await freePort();
    expect(await initPrimary(pgdata, port)).toMatchObject({ code: 0 });
    expect(execFileSync('stat', ['-c', '%U %a', pgdata]).toString().trim()).toBe(`${OWNER} 700`);
    await unchanged(pgdata, port);
  });

  test.runIf(IS_ROOT)('below directories that are not there yet', async () => {
    const dir = scratch();
    mkdirSync(join(dir, 'roots'));
    const pgdata = join(dir, 'roots', 'a', 'b', 'data');
    const port = await freePort();
    const args = ['-D', pgdata, '-p', String(port), '--password-file', passwordFile(dir, PASSWORD)];
    expect(await pgrepl(['init-primary', ...args])).toMatchObject({ code: 0 });
    expect(await pgrepl(['init-primary', ...args, '--check'])).toMatchObject({ code: 0 });
  });
});

describe('what is refused, with nothing touched', () => {
  const dir = scratch();

  test('a port that is taken', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    const refused = await initPrimary(join(dir, 'taken'), port);
    other.close();
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain(`pg1: port ${port} is taken`);
    expect(readdirSync(dir)).toEqual(['password']);
  });

  test('a directory that holds something else', async () => {
    const pgdata = join(dir, 'photos');
    writeAsOwner(join(pgdata, 'wedding.jpg'), 'smile');
    const refused = await initPrimary(pgdata, 5999, ['--json']);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.json()).toMatchObject({ outcome: 'refused', changed: false });
    expect(refused.json().refusals[0]?.message).toContain('is not empty and no data directory: wedding.jpg');
    expect(readFileSync(join(pgdata, 'wedding.jpg'), 'utf8')).toBe('smile');
  });

  test('a staging directory that is not ours', async () => {
    const pgdata = join(dir, 'other');
    writeAsOwner(`${pgdata}.pgrepl-new/precious`, 'mine');
    const refused = await initPrimary(pgdata, 5999);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain(`${pgdata}.pgrepl-new is in the way`);
    expect(readFileSync(`${pgdata}.pgrepl-new/precious`, 'utf8')).toBe('mine');
  });

  test('a standby, running and stopped', async () => {
    const pgdata = join(dir, 'standby');
    initdb(pgdata);
    const port = await freePort();
    writeAsOwner(join(pgdata, 'standby.signal'), '');
    const stopped = await initPrimary(pgdata, port);
    expect(stopped).toMatchObject({ code: 3 });
    expect(stopped.stderr).toContain('pg1: is a standby that does not run');
    startServer(pgdata, ['-o', `-p ${port} -c unix_socket_directories=/tmp`]);
    const running = await initPrimary(pgdata, port);
    expect(running).toMatchObject({ code: 3 });
    expect(running.stderr).toContain('pgrepl promote pg1');
  });

  test('no password for a role that is not there', async () => {
    const refused = await pgrepl(['init-primary', '-D', join(dir, 'none'), '-p', '5999']);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain('no password is given for the role replicator');
  });
});

describe('a dry run', () => {
  const dir = scratch();

  test('shows, and does nothing', async () => {
    const pgdata = join(dir, 'shown');
    const text = await initPrimary(pgdata, 5999, ['--dry-run']);
    expect(text).toMatchObject({ code: 0 });
    expect(text.stdout).toMatch(/1\. pg1: a place beside the target[\s\S]*initdb -D [\s\S]*it becomes real/);
    const json = await initPrimary(pgdata, 5999, ['--dry-run=json']);
    expect(json.json()).toMatchObject({ outcome: 'planned', changed: false });
    expect(json.json().steps.length).toBeGreaterThan(5);
    expect(text.stdout + json.stdout).not.toContain(PASSWORD);
    expect(readdirSync(dir)).toEqual(['password']);
  });

  test('as a script does what the interpreter does', async () => {
    const byUs = join(dir, 'a', 'data');
    const byScript = join(dir, 'b', 'data');
    asOwner(['mkdir', join(dir, 'a'), join(dir, 'b')]);
    const port = await freePort();
    expect(await initPrimary(byUs, port)).toMatchObject({ code: 0 });
    const [ours] = [pictureOf(byUs)];
    asOwner([
      'sh',
      '-c',
      'kill -INT "$(head -n 1 "$1/postmaster.pid")"; while [ -e "$1/postmaster.pid" ]; do sleep 0.05; done',
      'stop',
      byUs,
    ]);

    const script = await initPrimary(byScript, port, ['--dry-run=sh']);
    expect(script).toMatchObject({ code: 0 });
    expect(script.stdout).not.toContain(PASSWORD);
    const verifier =
      'SCRAM-SHA-256$4096:c2FsdHNhbHQ=$RDvO3j2bZQYFLyTUGhmKLwGUCIOd4+nUTS0gOLlYwWg=:oaSq5JJtUIgjU/OFNdiy4P8xA7q3trDlWS9HPDcgJwE=';
    const file = join(dir, 'init.sh');
    writeFileSync(file, script.stdout);
    execFileSync('sh', [file], {
      cwd: '/',
      env: { ...process.env, PGREPL_SECRET_1: verifier },
      stdio: 'pipe',
    });
    expect(pictureOf(byScript)).toEqual(ours);
  });
});

/**
 * What a run leaves: files with their modes, our texts, settings, rules, roles and slots. Without what comes from the
 * free disk, which may cross a step between two runs.
 */
function pictureOf(pgdata: string): Record<string, unknown> {
  const files = asOwner(['find', pgdata, '-maxdepth', '1', '-printf', '%f %m %u\n']).split('\n').sort();
  const text = (name: string): string =>
    readFileSync(join(pgdata, name), 'utf8')
      .replaceAll(pgdata, 'PGDATA')
      .replace(/^max_slot_wal_keep_size = .*$/m, 'max_slot_wal_keep_size = SIZED');
  return {
    files,
    texts: ['postgresql.conf', 'postgresql.auto.conf', 'pgrepl.conf', 'pg_hba.conf'].map(text),
    settings: sql(
      pgdata,
      `SELECT name, setting FROM pg_settings WHERE source = 'configuration file' AND name NOT IN ('port', 'max_slot_wal_keep_size') ORDER BY 1;`,
    ).replaceAll(pgdata, 'PGDATA'),
    roles: sql(pgdata, 'SELECT rolname, rolreplication, rolcanlogin, rolsuper FROM pg_roles ORDER BY 1;'),
    grants: sql(
      pgdata,
      `SELECT proname, proacl FROM pg_proc WHERE proname IN ('pg_ls_dir', 'pg_stat_file', 'pg_read_binary_file') ORDER BY 1, proacl::text;`,
    ),
  };
}
