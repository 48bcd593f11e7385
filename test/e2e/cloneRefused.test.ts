import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { clusterFile } from './support/clusterFile.ts';
import { IS_ROOT, OWNER, asOwner, freePort, idOf, waitFor } from './support/machine.ts';
import { allow, clone, cloneWords, newPrimary, processes, type Primary } from './support/pair.ts';
import { pgrepl, startPgrepl, type Result } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { newServer, passwordFile, sql, startServer, stopServer, writeAsOwner } from './support/server.ts';

const dir = scratch();
let primary: Primary;

beforeAll(async () => {
  primary = await newPrimary(dir, { max_wal_senders: 4, max_replication_slots: 2 });
  allow(primary.pgdata, 'host postgres replicator 127.0.0.1/32 scram-sha-256');
});

const to = { name: 'pg2', pgdata: join(dir, 'pg2'), port: 5999 };

/** Refused in one sentence with a hint, and nothing is there that was not there before. */
async function refused(ended: Promise<Result>, code: number, said: RegExp, hint: RegExp): Promise<void> {
  const result = await ended;
  const { outcome, changed, status, error } = result.json();
  expect({ code: result.code, outcome, changed, status }).toEqual({
    code,
    outcome: { 2: 'refused', 3: 'refused', 4: 'unreachable' }[code],
    changed: false,
    status: code,
  });
  expect(error?.message).toMatch(said);
  expect(error?.hint ?? '').toMatch(hint);
  expect(existsSync(`${to.pgdata}.pgrepl-new`)).toBe(false);
  expect(sql(primary.pgdata, `SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'pg2';`)).toBe('0');
}

function from(place: string): Promise<Result> {
  const words = ['clone-standby', '-D', to.pgdata, '-p', String(to.port), '--name', 'pg2', '--json'];
  return pgrepl([...words, '--from', place, '--password-file', primary.passwordFile]);
}

describe('the upstream', () => {
  test('does not know the password: the line of pg_hba.conf that decided', async () => {
    clusterFile(dir, {
      pg1: { pgdata: primary.pgdata, port: primary.port },
      pg2: { pgdata: to.pgdata, port: to.port, upstream: 'pg1' },
    });
    const wrong = ['-c', join(dir, 'pgrepl.yaml'), '--password-file', passwordFile(dir, 'wrong', 'wrong')];
    await refused(
      pgrepl(['clone-standby', 'pg2', ...wrong, '--json']),
      3,
      /pg2: pg1 \(127\.0\.0\.1:\d+\) does not let the role replicator replicate .*password authentication failed/,
      /pg_hba\.conf line 2 decides \(scram-sha-256\)\. pgrepl init-primary pg1 sets the password/,
    );
    const none = ['clone-standby', '-D', to.pgdata, '--name', 'pg2', '--from', `127.0.0.1:${primary.port}`];
    await refused(pgrepl([...none, '--json']), 3, /no password supplied/, /--password-file names it here/);
  });

  test('has no line for the role', async () => {
    sql(primary.pgdata, `CREATE ROLE reader LOGIN PASSWORD 'secret of the role';`);
    const words = [...cloneWords(primary, to), '--json', '--replication-role'];
    await refused(
      pgrepl([...words, 'reader']),
      3,
      /must be superuser or replication role|permission denied/,
      /makes the role/,
    );
    await refused(pgrepl([...words, 'nobody']), 3, /password authentication failed for user "nobody"/, /./);
    const path = join(primary.pgdata, 'pg_hba.conf');
    const before = readFileSync(path, 'utf8');
    writeAsOwner(path, 'local all all peer\n');
    sql(primary.pgdata, 'SELECT pg_reload_conf();');
    await refused(
      pgrepl(['clone-standby', 'pg2', '-c', join(dir, 'pgrepl.yaml'), '--json']),
      3,
      /no pg_hba\.conf entry for replication connection/,
      /No line of .*pg_hba\.conf lets 127\.0\.0\.1 in for replication.*--allow/,
    );
    writeAsOwner(path, before);
    sql(primary.pgdata, 'SELECT pg_reload_conf();');
  });

  test('is down, has no such name, or never answers', async () => {
    await refused(
      from(`127.0.0.1:${await freePort()}`),
      4,
      /cannot be reached .*Connection refused/,
      /running/,
    );
    await refused(from('no-such-host.invalid'), 4, /could not translate host name/, /./);
    const mute = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    await refused(from(`127.0.0.1:${(mute.address() as AddressInfo).port}`), 4, /timeout expired/, /./);
    mute.close();
  });

  test('has the slot in use, none free, or no walsender', async () => {
    sql(primary.pgdata, `SELECT pg_create_physical_replication_slot('busy', true);`);
    const words = ['-h', '127.0.0.1', '-p', String(primary.port), '-U', 'replicator', '-S', 'busy'];
    asOwner(['mkdir', join(dir, 'received')]);
    const receiver = ['pg_receivewal', '-D', join(dir, 'received'), '--no-loop', ...words];
    const password = readFileSync(primary.passwordFile, 'utf8');
    asOwner([
      'sh',
      '-c',
      'PGPASSWORD=$1; export PGPASSWORD; shift; "$@" >/dev/null 2>&1 &',
      'x',
      password,
      ...receiver,
    ]);
    await waitFor(() => sql(primary.pgdata, `SELECT active FROM pg_replication_slots;`) === 't', {
      what: 'the slot is in use',
    });
    await refused(
      clone(primary, to, ['--slot', 'busy', '--json']),
      3,
      /the slot busy is in use by the process \d+/,
      /--slot/,
    );
    sql(primary.pgdata, `SELECT pg_create_physical_replication_slot('more');`);
    await refused(
      clone(primary, to, ['--json']),
      3,
      /all 2 replication slots are taken/,
      /max_replication_slots/,
    );
    sql(primary.pgdata, `SELECT pg_drop_replication_slot('more');`);
    for (const pid of processes('pg_receivewal', join(dir, 'received'))) process.kill(pid);
    await waitFor(() => sql(primary.pgdata, `SELECT active FROM pg_replication_slots;`) === 'f', {
      what: 'the slot is free',
    });
    sql(primary.pgdata, `SELECT pg_drop_replication_slot('busy');`);
  });

  test('writes too little into its WAL', async () => {
    const pgdata = join(dir, 'minimal');
    const port = await freePort();
    newServer(pgdata, port, { wal_level: 'minimal', max_wal_senders: 0 });
    sql(pgdata, `CREATE ROLE replicator LOGIN REPLICATION PASSWORD 'secret of the role';`);
    allow(pgdata, 'host all,replication replicator 127.0.0.1/32 scram-sha-256');
    await refused(from(`127.0.0.1:${port}`), 3, /max_wal_senders|wal_level is minimal/, /./);
    stopServer(pgdata);
  });
});

describe('the target', () => {
  test('holds something else, or a copy of somebody else', async () => {
    const pgdata = join(dir, 'photos');
    writeAsOwner(join(pgdata, 'wedding.jpg'), 'smile');
    const photos = clone(primary, { ...to, pgdata }, ['--json', '--replace', '--yes']);
    await refused(photos, 3, /is not empty and no data directory: wedding\.jpg is there/, /--pgdata/);
    expect(readFileSync(join(pgdata, 'wedding.jpg'), 'utf8')).toBe('smile');
    const other = join(dir, 'other');
    writeAsOwner(`${other}.pgrepl-new/precious`, 'mine');
    const staged = clone(primary, { ...to, pgdata: other }, ['--json']);
    await refused(staged, 3, /other\.pgrepl-new is in the way/, /Move it away/);
    expect(readFileSync(`${other}.pgrepl-new/precious`, 'utf8')).toBe('mine');
  });

  test('has its port taken', async () => {
    const taken = clone(primary, { ...to, port: primary.port }, ['--json']);
    await refused(taken, 3, new RegExp(`pg2: port ${primary.port} is taken`), /--port/);
  });

  test('is wrong on the command line, all of it told', async () => {
    const words = ['clone-standby', '-D', to.pgdata, '--name', 'pg2', '--json'];
    await refused(pgrepl(words), 2, /what is it to be a standby of/, /--from/);
    await refused(
      pgrepl([...words, '--from', 'a b']),
      2,
      /neither a node of the file nor HOST/,
      /10\.0\.0\.11/,
    );
    await refused(
      pgrepl(['clone-standby', '-D', 'a\nb', '--json', '--from', 'x']),
      2,
      /must not hold a newline/,
      /^$/,
    );
    const wrong = [...words, '--from', 'x', '-T', 'a=b', '-T', '/a=/b\n/c', '--waldir', 'wal'];
    const told = (await pgrepl(wrong)).json().error?.problems.map(({ message }) => message);
    expect(told).toEqual([
      '--tablespace-mapping a=b: is not OLD=NEW with two absolute paths',
      '--tablespace-mapping: must not hold a newline or NUL',
      '--waldir: must be an absolute path, and "wal" is none',
    ]);
  });

  test.runIf(IS_ROOT)('is on a disk that is too small', async () => {
    const small = tmpfs('small', 20);
    await refused(
      clone(primary, { ...to, pgdata: join(small, 'data') }, ['--json']),
      3,
      /pg2: \d+ MB are needed for the copy of .*, and (19|20) MB are free for .*small\/data/,
      /larger disk/,
    );
  });

  test.runIf(IS_ROOT)('is on a disk that is full before the copy is whole', async () => {
    const small = tmpfs('filled', 110);
    const data = join(small, 'data');
    // As init-primary makes it for a standby of the cluster file.
    sql(primary.pgdata, "SELECT pg_create_physical_replication_slot('pg2');");
    const { ended } = startPgrepl([
      ...cloneWords(primary, { ...to, pgdata: data }),
      '--max-rate',
      '4M',
      '--json',
    ]);
    await waitFor(() => existsSync(join(small, 'data.pgrepl-new', 'data', 'base')), {
      what: 'the copy runs',
    });
    execFileSync('sh', [
      '-c',
      'dd if=/dev/zero of="$1" bs=1M 2>/dev/null || true',
      'fill',
      join(small, 'filler'),
    ]);
    const result = await ended;
    expect(result.json()).toMatchObject({ outcome: 'rolled-back', status: 6, changed: false });
    expect(result.json().error?.message).toMatch(/No space left on device/);
    expect(readdirSync(small)).toEqual(['filler']);
    expect(sql(primary.pgdata, 'SELECT slot_name, restart_lsn FROM pg_replication_slots;')).toBe('pg2|');
    sql(primary.pgdata, "SELECT pg_drop_replication_slot('pg2');");
    expect(processes('pg_basebackup', small)).toEqual([]);
  });
});

function tmpfs(name: string, megabytes: number): string {
  const path = join(dir, name);
  mkdirSync(path);
  const { uid, gid } = idOf(OWNER);
  const options = `size=${megabytes}m,uid=${uid},gid=${gid},mode=0700`;
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', path]);
  return path;
}

test('two primaries of one cluster are not made one by force', async () => {
  const twin = join(dir, 'twin');
  const port = await freePort();
  stopServer(primary.pgdata);
  asOwner(['cp', '-a', primary.pgdata, twin]);
  startServer(primary.pgdata);
  startServer(twin, ['-o', `-p ${port}`]);
  const same = clone(primary, { ...to, pgdata: twin, port }, ['--json', '--replace', '--yes']);
  await refused(same, 3, /takes writes, and is of the same cluster as .*: two primaries/, /rejoin/);
  stopServer(twin);
});
