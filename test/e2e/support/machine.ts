import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';

export const IS_ROOT = process.getuid?.() === 0;

/** Who owns the servers of the tests: PostgreSQL refuses root. */
export const OWNER = IS_ROOT ? 'postgres' : userInfo().username;

/** Where PostgreSQL's programs are: $PGREPL_BINDIR, else the newest that is installed. */
export function bindir(): string {
  const named = process.env['PGREPL_BINDIR'];
  if (named !== undefined && named !== '') return named;
  const found = [...entries('/usr/lib/postgresql', /^(\d+)$/), ...entries('/usr', /^pgsql-(\d+)$/)]
    .filter(({ path }) => existsSync(join(path, 'bin', 'postgres')))
    .sort((a, b) => b.major - a.major);
  const [newest] = found;
  if (newest === undefined) throw new Error('no PostgreSQL is installed, and PGREPL_BINDIR is not set');
  return join(newest.path, 'bin');
}

function entries(directory: string, pattern: RegExp): { path: string; major: number }[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((name) => {
    const major = pattern.exec(name)?.[1];
    return major === undefined ? [] : [{ path: join(directory, name), major: Number(major) }];
  });
}

export function program(name: string): string {
  return join(bindir(), name);
}

/** The words, run as another user where that is not us. */
export function as(user: string, words: readonly string[]): readonly string[] {
  return user === userInfo().username ? words : ['runuser', '-u', user, '--', ...words];
}

/** Runs a program as the owner of the servers and gives its stdout; throws with its stderr where it fails. */
export function asOwner(words: readonly string[], input = ''): string {
  return command(as(OWNER, words), input);
}

export function command(words: readonly string[], input = ''): string {
  const [name = '', ...rest] = words;
  const { status, signal, error, stdout, stderr } = spawnSync(name, rest, {
    cwd: '/',
    env: withoutPg(),
    input,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return stdout;
  const said = `${stderr ?? ''}${stdout ?? ''}${error?.message ?? ''}`.trim();
  throw new Error(`${words.join(' ').slice(0, 300)}: status ${status ?? signal ?? '?'}: ${said}`);
}

/** No libpq variable of who runs the tests reaches a program. */
export function withoutPg(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^PG(?!REPL_BINDIR)/.test(name)));
}

/** The path of a program, looked for where root's are too. */
export function onPath(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/bin', '/sbin'];
  return directories
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, name))
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function idOf(user: string): { uid: number; gid: number } {
  const of = (flag: string): number => Number(execFileSync('id', [flag, user]).toString());
  return { uid: of('-u'), gid: of('-g') };
}

const given = new Set<number>();

/**
 * A port below those that the kernel hands out to clients, so that nobody's outgoing connection takes it while a
 * server is down. Every vitest worker has a range of its own; the place in it is random, since other checkouts of
 * the project may be at work on this machine.
 */
export async function freePort(): Promise<number> {
  const { from, count } = portRange();
  for (let tries = 0; tries < 200; tries += 1) {
    const port = from + Math.floor(Math.random() * count);
    if (given.has(port) || hasSocketFile(port) || !(await canBind(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no port is free from ${from} to ${from + count - 1}`);
}

const FIRST_PORT = 12_000;
const WORKERS = 8;

function portRange(): { from: number; count: number } {
  const file = '/proc/sys/net/ipv4/ip_local_port_range';
  const low = existsSync(file) ? Number(readFileSync(file, 'utf8').trim().split(/\s+/)[0]) : 32_768;
  const count = Math.floor((Math.max(low, FIRST_PORT + 800) - FIRST_PORT) / WORKERS);
  const worker = Number(process.env['VITEST_POOL_ID'] ?? 1) % WORKERS;
  return { from: FIRST_PORT + worker * count, count };
}

function hasSocketFile(port: number): boolean {
  return ['/var/run/postgresql', '/tmp'].some((dir) => existsSync(join(dir, `.s.PGSQL.${port}`)));
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(false));
    probe.listen(port, '0.0.0.0', () => probe.close(() => resolve(true)));
  });
}

/** Asks again and again until the answer is neither false nor undefined, and gives it. Throws when time is up. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { seconds = 20, what }: { seconds?: number; what: string },
): Promise<Exclude<T, false | undefined | null>> {
  const deadline = performance.now() + seconds * 1000;
  let failed = '';
  for (;;) {
    try {
      const answer = await condition();
      if (answer !== false && answer !== undefined && answer !== null)
        return answer as Exclude<T, false | undefined | null>;
      failed = '';
    } catch (error) {
      failed = `: ${String(error)}`;
    }
    if (performance.now() > deadline) throw new Error(`${what}: not seen within ${seconds} s${failed}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
