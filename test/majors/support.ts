import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureMajors } from '../../scripts/majors.js';
import { clusterFile } from '../e2e/support/clusterFile.ts';
import { as, asOwner, freePort, OWNER, waitFor } from '../e2e/support/machine.ts';
import { isAlive } from '../e2e/support/scratch.ts';
import { socketOf, sql } from '../e2e/support/server.ts';

const BINDIRS: Readonly<Record<string, string>> = ensureMajors();

/** A program of that major; there are initdb, pg_ctl and postgres. */
export function programOf(major: number, name: string): string {
  return join(BINDIRS[major] ?? '', name);
}

export function bindirOf(major: number): string {
  return BINDIRS[major] ?? '';
}

/** The major of the system's pg_basebackup: it copies from its own and older ones. */
export function majorOfBasebackup(): number {
  return Number(/(\d+)/.exec(asOwner(['pg_basebackup', '--version']))?.[1]);
}

/** pg1 and two standbys of it, in a cluster file; nothing is there yet. */
export async function plannedCluster(dir: string, major: number): Promise<string> {
  const home = join(dir, String(major));
  mkdirSync(home);
  asUs(['chown', OWNER, home]);
  const node = async (name: string, upstream?: string) => ({
    pgdata: join(home, name),
    port: await freePort(),
    bindir: bindirOf(major),
    ...(upstream === undefined ? {} : { upstream }),
  });
  const nodes = { pg1: await node('pg1'), pg2: await node('pg2', 'pg1'), pg3: await node('pg3', 'pg1') };
  return clusterFile(dir, nodes, { name: `m${major}.yaml` });
}

/** A new server without anything of ours, not started. */
export function bareServer(major: number, pgdata: string): void {
  asOwner([programOf(major, 'initdb'), '-D', pgdata, '-A', 'trust', '--no-sync', '--encoding=UTF8']);
}

export function startWith(major: number, pgdata: string, words: readonly string[] = []): void {
  const log = join(pgdata, 'test.log');
  asOwner([programOf(major, 'pg_ctl'), '-D', pgdata, '-w', '-s', '-l', log, ...words, 'start']);
}

/** What a crash leaves: an immediate stop, and the process is gone. */
export async function crash(pgdata: string): Promise<void> {
  const { pid } = socketOf(pgdata);
  process.kill(pid, 'SIGQUIT');
  await waitFor(() => !isAlive(pid), { what: `the end of ${pgdata}` });
}

export async function stop(pgdata: string): Promise<void> {
  const { pid } = socketOf(pgdata);
  process.kill(pid, 'SIGINT');
  await waitFor(() => !isAlive(pid), { what: `the end of ${pgdata}` });
}

/** What the server finds wrong in its own files. */
export function faults(pgdata: string): string {
  return sql(
    pgdata,
    `SELECT sourcefile, sourceline, name, error FROM pg_file_settings WHERE error IS NOT NULL
     UNION ALL SELECT 'pg_hba.conf', line_number, NULL, error FROM pg_hba_file_rules WHERE error IS NOT NULL;`,
  );
}

/** Runs a program as the owner and gives all that it said, whatever its exit status. */
export function said(words: readonly string[], input = ''): string {
  const [program = '', ...rest] = as(OWNER, words);
  const { stdout, stderr } = spawnSync(program, rest, { cwd: '/', encoding: 'utf8', input });
  return stdout + stderr;
}

function asUs(words: readonly string[]): void {
  const [program = '', ...rest] = words;
  spawnSync(program, rest);
}

export function read(...path: readonly string[]): string {
  return readFileSync(join(...path), 'utf8');
}
