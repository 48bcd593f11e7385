import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ADD_INCLUDE, EDIT_AUTO } from '../../src/tools/config.ts';
import * as shell from '../../src/tools/shell.ts';
import { script } from '../../src/tools/shell.ts';
import { MAKE_SLOT, DROP_SLOT } from '../../src/tools/slot.ts';
import {
  INSTALL,
  LOOK_OUTSIDE,
  MAKE_STAGING,
  MOVE_ASIDE,
  REMOVE_MADE,
  REMOVE_STAGING,
} from '../../src/tools/staging.ts';

const root = mkdtempSync(join(tmpdir(), 'pgrepl-shell-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let dir: string;
let count = 0;
beforeEach(() => {
  count += 1;
  dir = join(root, `${count} it's "a" $dir \\ é`);
  mkdirSync(dir);
});

function sh(words: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  const [program = '', ...rest] = words;
  return spawnSync(program, rest, { input, encoding: 'utf8', timeout: 20_000 });
}

function fine(words: readonly string[], input = ''): string {
  const { status, stdout, stderr } = sh(words, input);
  expect(status, stderr).toBe(0);
  return stdout;
}

const read = (path: string): string => readFileSync(path, 'utf8');

describe('WRITE', () => {
  const write = (path: string, text: string, mode = '0600'): string =>
    fine(script(shell.WRITE, 'write', path, mode), text);

  test.each(['plain', '-n', `q'u"o$te\\`, 'new\nline', 'ä &;|*?', '.hidden'])('a file called %j', (name) => {
    write(join(dir, name), 'one\0two\n', '0640');
    expect(read(join(dir, name))).toBe('one\0two\n');
    expect(statSync(join(dir, name)).mode & 0o777).toBe(0o640);
    expect(readdirSync(dir)).toEqual([name]);
  });

  test('keeps the link and the mode of one that is there', () => {
    writeFileSync(join(dir, 'real'), 'old');
    chmodSync(join(dir, 'real'), 0o644);
    symlinkSync('real', join(dir, 'link'));
    write(join(dir, 'link'), 'new', 'keep');
    expect(lstatSync(join(dir, 'link')).isSymbolicLink()).toBe(true);
    expect(read(join(dir, 'real'))).toBe('new');
    expect(statSync(join(dir, 'real')).mode & 0o777).toBe(0o644);
  });

  test('leaves one that is the same, and mends the mode of one that is not', () => {
    const path = join(dir, '-f');
    write(path, 'text', '0600');
    const before = statSync(path);
    write(path, 'text', '0600');
    write(path, 'text', 'keep');
    expect(statSync(path)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
    chmodSync(path, 0o644);
    write(path, 'text', '0600');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    write(path, 'other', '0600');
    expect(read(path)).toBe('other');
    expect(readdirSync(dir)).toEqual(['-f']);
  });

  test('makes the directory, and goes over what a dead run left', () => {
    mkdirSync(join(dir, 'a'));
    writeFileSync(join(dir, 'a', 'f.pgrepl-tmp'), 'half');
    write(join(dir, 'a', 'f'), 'whole');
    write(join(dir, 'b', 'c', 'f'), 'deep');
    expect(readdirSync(join(dir, 'a'))).toEqual(['f']);
    expect(read(join(dir, 'b', 'c', 'f'))).toBe('deep');
  });
});

test('EDIT_AUTO takes out the named settings alone, and appends', () => {
  const path = join(dir, 'postgresql.auto.conf');
  writeFileSync(
    path,
    `# hand\nprimary_conninfo = 'a'\n  PRIMARY_SLOT_NAME='b'\nprimary_conninfo_x = 'c'\nport 1`,
  );
  const words = script(EDIT_AUTO, 'edit', path, 'primary_conninfo', 'primary_slot_name');
  fine(words, `primary_conninfo = 'd'\n`);
  expect(read(path)).toBe(
    `# hand\n  PRIMARY_SLOT_NAME='b'\nprimary_conninfo_x = 'c'\nport 1\nprimary_conninfo = 'd'\n`.replace(
      `  PRIMARY_SLOT_NAME='b'\n`,
      '',
    ),
  );
  rmSync(path);
  fine(words, 'x = 1\n');
  expect(read(path)).toBe('x = 1\n');
});

test('ADD_INCLUDE adds one line, once, and leaves the rest byte for byte', () => {
  const path = join(dir, 'postgresql.conf');
  writeFileSync(path, 'port = 1\r\n# no end');
  for (const _ of [1, 2]) fine(script(ADD_INCLUDE, 'include', path, 'pgrepl.conf'));
  expect(read(path)).toBe(
    `port = 1\r\n# no end\ninclude_if_exists = 'pgrepl.conf'  # pgrepl: keep this line last\n`,
  );
});

test.each([
  ["include_dir 'conf.d'\n", ''],
  ["  include_dir = 'conf.d'  # Debian's\n", ''],
  ["include_dir = '/etc/postgresql/15/main/conf.d/'\n", ''],
  [
    "#include_dir = 'conf.d'\n",
    "include_if_exists = 'conf.d/99-pgrepl.conf'  # pgrepl: keep this line last\n",
  ],
])('ADD_INCLUDE looks whether conf.d is read: %j', (text, added) => {
  const path = join(dir, 'postgresql.conf');
  writeFileSync(path, text);
  for (const _ of [1, 2]) fine(script(ADD_INCLUDE, 'include', path, 'conf.d/99-pgrepl.conf'));
  expect(read(path)).toBe(text + added);
});

describe('LEASH', () => {
  const leash = (...words: string[]): readonly string[] => script(shell.LEASH, 'leash', ...words);

  test('hands on its own bytes, words and status', async () => {
    const [program = '', ...rest] = leash('sh', '-c', 'cat; printf "[%s]" "$@"; exit 9', 'x', `a 'b'`, '');
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'ignore'] });
    let stdout = '';
    child.stdout.on('data', (chunk) => (stdout += String(chunk)));
    // Not ended: the end of stdin is what ends a program on a leash.
    child.stdin.write(`7\nab\n\ncd\nrest`);
    const status = await new Promise((resolve) => child.on('close', resolve));
    child.stdin.end();
    expect({ status, stdout }).toEqual({ status: 9, stdout: `ab\n\ncd\n[a 'b'][]` });
  });

  test('ends the program and what it started when we are gone', async () => {
    const [program = '', ...rest] = leash('sh', '-c', 'sleep 60 & echo $! $$; wait');
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.write('0\n');
    const pids = await new Promise<string>((resolve) =>
      child.stdout.once('data', (chunk) => resolve(String(chunk))),
    );
    const status = new Promise((resolve) => child.on('exit', resolve));
    child.stdin.end();
    expect(await status).toBe(143);
    // They are told to end; when they do is the machine's business.
    for (const pid of pids.trim().split(' '))
      await vi.waitFor(() => expect(runs(pid)).toBe(false), { timeout: 5000, interval: 20 });
  });
});

function runs(pid: string): boolean {
  const stat = existsSync(`/proc/${pid}/stat`) ? read(`/proc/${pid}/stat`) : '';
  return stat !== '' && !/\) Z /.test(stat);
}

describe('a staging directory', () => {
  const make = (...outside: string[]) =>
    sh(script(MAKE_STAGING, 'staging', `${dir}/data.pgrepl-new`, '', ...outside));
  const remove = () => sh(script(REMOVE_STAGING, 'remove', `${dir}/data.pgrepl-new`));
  const staging = () => join(dir, 'data.pgrepl-new');

  test('is made with a mark, removed with it, and refused without', () => {
    expect(make().status).toBe(0);
    expect(statSync(staging()).mode & 0o777).toBe(0o700);
    expect(remove().status).toBe(0);
    expect(remove().status).toBe(0);
    mkdirSync(staging());
    writeFileSync(join(staging(), 'mine'), '');
    for (const ended of [make(), remove()])
      expect(ended).toMatchObject({ status: 1, stderr: expect.stringContaining('is not ours') as string });
    expect(readdirSync(staging())).toEqual(['mine']);
  });

  test('a directory outside it must be empty, and is emptied again while the copy is not real', () => {
    const space = join(dir, 'space');
    mkdirSync(join(space, 'PG_15_202209061'), { recursive: true });
    expect(make(space)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is not empty') as string,
    });
    rmSync(space, { recursive: true });
    expect(make(space).status).toBe(0);
    mkdirSync(join(staging(), 'data'));
    mkdirSync(join(space, 'PG_15_202209061'), { recursive: true });
    mkdirSync(join(space, 'lost+found'));
    expect(remove().status).toBe(0);
    expect(readdirSync(space)).toEqual(['lost+found']);
  });

  test.each(['somebody', '.git', 'photos'])('what pg_basebackup does not make there stays: %s', (name) => {
    const space = join(dir, 'space');
    make(space);
    mkdirSync(join(staging(), 'data'));
    mkdirSync(join(space, 'PG_15_202209061'), { recursive: true });
    writeFileSync(join(space, name), '');
    expect(remove()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('was not made by the copy') as string,
    });
    expect(readdirSync(space).sort()).toEqual(['PG_15_202209061', name].sort());
  });

  test('nothing outside is touched once the copy is real', () => {
    const space = join(dir, 'space');
    make(space);
    mkdirSync(join(space, 'PG_15_202209061'), { recursive: true });
    expect(remove().status).toBe(0);
    expect(readdirSync(space)).toEqual(['PG_15_202209061']);
  });

  test('nothing is touched that the data directory links to', () => {
    const wal = join(dir, 'wal');
    make(wal);
    mkdirSync(join(staging(), 'data'));
    mkdirSync(wal, { recursive: true });
    writeFileSync(join(wal, '000000010000000000000001'), '');
    mkdirSync(join(dir, 'data'));
    symlinkSync(wal, join(dir, 'data', 'pg_wal'));
    expect(remove()).toMatchObject({ status: 1, stderr: expect.stringContaining('is in use') as string });
    expect(readdirSync(wal)).toEqual(['000000010000000000000001']);
  });

  test('becomes real by one rename, over an empty directory too', () => {
    make();
    mkdirSync(join(staging(), 'data'));
    writeFileSync(join(staging(), 'data', 'PG_VERSION'), '15\n');
    mkdirSync(join(dir, 'data'));
    fine(script(INSTALL, 'install', staging(), join(dir, 'data')));
    expect(readdirSync(dir)).toEqual(['data']);
    expect(sh(script(INSTALL, 'install', staging(), join(dir, 'data'))).status).toBe(1);
  });

  test('inside a mount point it goes on where it was cut short', () => {
    const real = join(dir, 'data');
    const inside = join(real, '.pgrepl-new');
    fine(script(MAKE_STAGING, 'staging', inside, '5433'));
    mkdirSync(join(inside, 'data', 'global'), { recursive: true });
    for (const name of ['PG_VERSION', '.dot', `o'dd "na\nme`])
      writeFileSync(join(inside, 'data', name), name);
    mkdirSync(join(real, 'base'));
    fine(script(INSTALL, 'install', inside, real));
    expect(readdirSync(real).sort()).toEqual(['.dot', 'PG_VERSION', 'base', 'global', `o'dd "na\nme`].sort());
    expect(statSync(real).mode & 0o777).toBe(0o700);
  });
});

test('MOVE_ASIDE out of a mount point goes on into the directory of the first run', () => {
  const files = ['PG_VERSION', 'base', '.dot'];
  for (const name of files) writeFileSync(join(dir, name), name);
  mkdirSync(join(dir, '.pgrepl-old-1'));
  writeFileSync(join(dir, '.pgrepl-old-1', 'global'), '');
  mkdirSync(join(dir, 'lost+found'));
  fine(script(MOVE_ASIDE, 'aside', dir, join(dir, '.pgrepl-old-2'), 'inside'));
  expect(readdirSync(dir).sort()).toEqual(['.pgrepl-old-1', 'lost+found']);
  expect(readdirSync(join(dir, '.pgrepl-old-1')).sort()).toEqual([...files, 'global'].sort());
});

test('LOOK_OUTSIDE tells what is where a copy will put things', () => {
  const staging = join(dir, 'data.pgrepl-new');
  mkdirSync(staging);
  writeFileSync(join(staging, 'outside'), `${dir}/ours\n`);
  for (const name of ['ours', 'used', 'empty']) mkdirSync(join(dir, name));
  for (const name of ['ours', 'used']) writeFileSync(join(dir, name, 'f'), '');
  const names = ['ours', 'used', 'empty', 'not/there', 'used/f'];
  const out = fine(script(LOOK_OUTSIDE, 'outside', staging, ...names.map((name) => join(dir, name))));
  expect(
    out
      .trim()
      .split('\n')
      .map((line) => line.replace(/^\d+ \d+ /, '').replaceAll(dir, 'DIR')),
  ).toEqual(['ours DIR/ours', 'used DIR/used', 'empty DIR/empty', 'empty DIR', 'used DIR/used']);
});

test('REMOVE_MADE takes empty directories up to the one that was there, and nothing else', () => {
  for (const name of ['a/b/c', 'x/w', 'x/t', 'full/d']) mkdirSync(join(dir, name), { recursive: true });
  writeFileSync(join(dir, 'full', 'theirs'), '');
  const pairs = ['a/b/c', 'x/w', 'x/t', 'full/d', 'never/made'].flatMap((name) => [dir, join(dir, name)]);
  fine(script(REMOVE_MADE, 'made', ...pairs));
  expect(readdirSync(dir)).toEqual(['full']);
  expect(readdirSync(join(dir, 'full'))).toEqual(['theirs']);
});

describe('a slot', () => {
  /** Stands for psql: it says what it was given, and what a server would. */
  const psql = (says: string, status: number) => [
    'sh',
    '-c',
    `cat; printf '%s' "$PGPASSWORD" >&2; echo '${says}' >&2; exit ${status}`,
    'psql',
  ];
  const make = (says: string, status: number) =>
    sh(script(MAKE_SLOT, 'slot', 's', 'RESERVE_WAL', ...psql(says, status)), 'hush\n');
  const drop = (how: string, says: string, status: number) =>
    sh(script(DROP_SLOT, 'slot', 's', how, ...psql(says, status)), '\n');

  test('is made, or there, or not to be had', () => {
    expect(make('', 0)).toMatchObject({ status: 0, stdout: 'made\n' });
    expect(make('FEHLER:  42710: Slot existiert', 1)).toMatchObject({ status: 0, stdout: 'there\n' });
    expect(make('FEHLER:  53400: alle belegt', 1)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('CREATE_REPLICATION_SLOT "s" PHYSICAL RESERVE_WAL;') as string,
    });
  });

  test('is dropped by who made it alone', () => {
    expect(drop('there', 'ERROR:  XX000: never asked', 1)).toMatchObject({ status: 0, stderr: '' });
    expect(drop('made', '', 0)).toMatchObject({ status: 0 });
    expect(drop('made', 'ERROR:  42704: gone', 1)).toMatchObject({ status: 0 });
    expect(drop('made', 'ERROR:  55006: in use', 1)).toMatchObject({ status: 1 });
  });
});

test('START tells the last words of a server that does not start', () => {
  writeFileSync(join(dir, 'log'), '1\n2\n3\n4\n5\nFATAL: six\n');
  const failing = script(shell.START, 'start', dir, 'log', 'sh', '-c', 'pwd -P; exit 1');
  expect(sh(failing)).toEqual(
    expect.objectContaining({ status: 1, stdout: `${dir}\n`, stderr: '2\n3\n4\n5\nFATAL: six\n' }),
  );
});

test('START does not wait for a program that waits, once another server says that it is ready', () => {
  const pidfile = (pid: number, is: string) => `${pid}\n/data\n1\n5432\n/tmp\n*\n1 2\n${is}\n`;
  const starting = (is: string) => {
    // What a crash left: this very process lives, and is not the one that is started.
    writeFileSync(join(dir, 'postmaster.pid'), pidfile(process.pid, 'ready   '));
    const server = `printf '${pidfile(process.ppid, is).replaceAll('\n', '\\n')}' >postmaster.pid`;
    const began = performance.now();
    const { status } = sh(
      script(shell.START, 'start', dir, 'log', 'sh', '-c', `${server}; sleep 3 >/dev/null 2>&1; exit 1`),
    );
    return { status, waited: performance.now() - began > 2900 };
  };
  expect(starting('ready   ')).toEqual({ status: 0, waited: false });
  expect(starting('standby ')).toEqual({ status: 0, waited: false });
  expect(starting('starting')).toEqual({ status: 1, waited: true });
});

test('WITH_PASSWORD takes one line, and no more', () => {
  const words = script(shell.WITH_PASSWORD, 'x', 'sh', '-c', 'printf "[%s]" "$PGPASSWORD"; cat');
  expect(fine(words, ` a\\b 'c' \nrest\n`)).toBe(`[ a\\b 'c' ]rest\n`);
});
