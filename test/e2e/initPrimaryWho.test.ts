import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IS_ROOT, OWNER, as, asOwner, command, freePort, onPath, program } from './support/machine.ts';
import { pgrepl, startPgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { newServer, passwordFile, serverLog, sql } from './support/server.ts';

/** Who runs it: the owner of the data, a stranger who may become them, a stranger who may not. And what nobody sees. */

const STRANGER = 'nobody';
const RULES = `/etc/sudoers.d/pgrepl-test-${process.pid}`;

function passwordOf(user: string, dir: string): string {
  const path = passwordFile(dir, 'secret of the role', `password of ${user}`);
  if (IS_ROOT) command(['chown', user, path]);
  return path;
}

test.runIf(IS_ROOT)('an ordinary user makes a cluster of their own', async () => {
  const dir = scratch();
  const home = join(dir, 'home of nobody');
  command(['install', '-d', '-o', STRANGER, home]);
  const pgdata = join(home, 'data');
  const port = await freePort();
  const words = ['-D', pgdata, '-p', String(port), '--password-file', passwordOf(STRANGER, dir), '--json'];
  const made = await pgrepl(['init-primary', ...words], { user: STRANGER });
  expect({ code: made.code, error: made.json().error }).toEqual({ code: 0, error: null });
  const psql = [
    program('psql'),
    '-XAt',
    '-h',
    '/tmp',
    '-p',
    String(port),
    '-d',
    'postgres',
    '-c',
    'SELECT current_user',
  ];
  const socket = readFileSync(join(pgdata, 'postmaster.pid'), 'utf8').split('\n')[4] ?? '';
  expect(
    command(
      as(
        STRANGER,
        psql.map((word) => (word === '/tmp' ? socket : word)),
      ),
    ).trim(),
  ).toBe(STRANGER);
  const again = await pgrepl(['init-primary', ...words], { user: STRANGER });
  expect(again.json()).toMatchObject({ outcome: 'unchanged' });
  const asRoot = await pgrepl(['init-primary', ...words]);
  expect(asRoot.json()).toMatchObject({ outcome: 'unchanged' });
});

describe.runIf(IS_ROOT)("a stranger and somebody else's data", () => {
  const dir = scratch();
  const pgdata = join(dir, 'data');
  const words = [
    'init-primary',
    '-D',
    pgdata,
    '--allow',
    '127.0.0.1',
    '--password-file',
    passwordOf(STRANGER, dir),
  ];

  beforeAll(async () => newServer(pgdata, await freePort()));
  afterAll(() => rmSync(RULES, { force: true }));

  test('without sudo is told what is missing', async () => {
    const stranger = await pgrepl([...words, '--json'], { user: STRANGER });
    expect(stranger.code).toBe(4);
    const { message, hint } = stranger.json().error as unknown as { message: string; hint: string };
    expect(message).toContain(`logged in as ${STRANGER}, the data belongs to ${OWNER}`);
    expect(hint).toContain(`Run it as ${OWNER} or as root`);
  });

  test.skipIf(onPath('sudo') === undefined)('with sudo becomes the owner', async () => {
    writeFileSync(RULES, `${STRANGER} ALL=(${OWNER}) NOPASSWD: ALL\n`, { mode: 0o440 });
    const made = await pgrepl(words, { user: STRANGER });
    expect({ code: made.code, stderr: made.stderr }).toMatchObject({ code: 0 });
    const again = await pgrepl([...words, '--json'], { user: STRANGER });
    expect(again.json()).toMatchObject({ outcome: 'unchanged' });
  });
});

describe('the password', () => {
  const dir = scratch();
  const pgdata = join(dir, 'data');
  const secret = `q%41 "w\\e'r:t #${process.pid}`;

  test('is on no command line, in no output, log or file that others read', async () => {
    newServer(pgdata, await freePort(), {
      log_statement: 'all',
      log_min_duration_statement: 0,
      log_connections: 'on',
    });
    const file = passwordFile(dir, `${secret}\n`);
    const seen: string[] = [];
    const args = ['init-primary', '-D', pgdata, '--allow', '127.0.0.1', '--password-file', file];
    const { ended } = startPgrepl([...args, '--json']);
    let running = true;
    void ended.finally(() => (running = false));
    while (running) {
      seen.push(...commandLines());
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    const made = await ended;
    expect(made).toMatchObject({ code: 0 });
    const verifier = sql(pgdata, "SELECT rolpassword FROM pg_authid WHERE rolname = 'replicator';");
    const dry = await Promise.all(
      ['text', 'json', 'sh'].map((form) =>
        pgrepl([...args, '--replication-role', 'new', `--dry-run=${form}`]),
      ),
    );
    const said = [made, ...dry].flatMap(({ stdout, stderr }) => [stdout, stderr]).join('\n');
    expect(seen.length).toBeGreaterThan(0);
    expect(serverLog(pgdata)).toContain('pg_hba_file_rules');
    for (const hidden of [secret, JSON.stringify(secret).slice(1, -1), verifier]) {
      expect(seen.filter((line) => line.includes(hidden))).toEqual([]);
      expect(said).not.toContain(hidden);
      expect(serverLog(pgdata)).not.toContain(hidden);
    }
    const open = asOwner(['find', dir, '-type', 'f', '-perm', '/044', '-print']).split('\n').filter(Boolean);
    for (const path of open) expect(readFileSync(path, 'latin1')).not.toContain(secret);
  });
});

/** The words of every process of this machine. */
function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return line.includes('pgrepl') || line.includes('psql') ? [line.replaceAll('\0', ' ')] : [];
      } catch {
        return [];
      }
    });
}
