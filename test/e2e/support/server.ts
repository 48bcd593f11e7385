import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { IS_ROOT, OWNER, asOwner, idOf, program } from './machine.ts';

/** A new cluster, not started. The owner comes in by the socket, everybody else with a password. */
export function initdb(pgdata: string, words: readonly string[] = []): void {
  const auth = ['--auth-local=peer', '--auth-host=scram-sha-256', '--no-sync', '--locale=C.UTF-8'];
  asOwner([program('initdb'), '-D', pgdata, '--encoding=UTF8', ...auth, ...words]);
}

/** Settings at the end of postgresql.conf, as somebody writes them by hand. */
export function configure(pgdata: string, settings: Readonly<Record<string, string | number>>): void {
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`,
  );
  appendFileSync(join(pgdata, 'postgresql.conf'), lines.join(''));
}

/** A new server with these settings, running. Its socket is in /tmp. */
export function newServer(
  pgdata: string,
  port: number,
  settings: Readonly<Record<string, string | number>> = {},
): void {
  initdb(pgdata);
  configure(pgdata, { port, unix_socket_directories: '/tmp', fsync: 'off', ...settings });
  startServer(pgdata);
}

export function startServer(pgdata: string, words: readonly string[] = []): void {
  asOwner([program('pg_ctl'), '-D', pgdata, '-w', '-s', '-l', join(pgdata, 'test.log'), ...words, 'start']);
}

/** `immediate` is what a crash leaves, with the postmaster really gone. */
export function stopServer(pgdata: string, mode: 'fast' | 'immediate' = 'fast'): void {
  asOwner([program('pg_ctl'), '-D', pgdata, '-w', '-s', '-m', mode, 'stop']);
}

export function isRunning(pgdata: string): boolean {
  return existsSync(join(pgdata, 'postmaster.pid'));
}

/** Where a running server is asked: lines 4 and 5 of postmaster.pid. */
export function socketOf(pgdata: string): { port: number; socketDir: string; pid: number } {
  const lines = readFileSync(join(pgdata, 'postmaster.pid'), 'utf8').split('\n');
  const socketDir = lines[4] ?? '';
  return {
    pid: Number(lines[0]),
    port: Number(lines[3]),
    socketDir: socketDir === '' ? 'localhost' : socketDir,
  };
}

/** Asks a running server by its socket, as the owner. Columns are divided by `|`, without a last line end. */
export function sql(pgdata: string, text: string, database = 'postgres'): string {
  const { port, socketDir } = socketOf(pgdata);
  const words = ['-XAtqw', '-v', 'ON_ERROR_STOP=1', '-h', socketDir, '-p', String(port), '-d', database];
  return asOwner([program('psql'), ...words], text).trimEnd();
}

export function setting(pgdata: string, name: string): string {
  return sql(pgdata, `SELECT current_setting('${name}');`);
}

/** A file that belongs to the owner of the servers. */
export function writeAsOwner(path: string, text: string, mode = 0o600): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  if (!IS_ROOT) return;
  const { uid, gid } = idOf(OWNER);
  chownSync(path, uid, gid);
}

/** A file with a password that only who runs the test can read. */
export function passwordFile(dir: string, password: string, name = 'password'): string {
  const path = join(dir, name);
  writeFileSync(path, password, { mode: 0o600 });
  return path;
}

/** Everything a server said into its log files, those of pg_ctl and of the logging collector. */
export function serverLog(pgdata: string): string {
  const files = asOwner(['find', pgdata, '-maxdepth', '2', '-name', '*.log']).split('\n').filter(Boolean);
  return files.map((file) => readFileSync(file, 'utf8')).join('\n');
}
