import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asOwner, freePort, waitFor } from './machine.ts';
import { pgrepl, type Options, type Result } from './pgrepl.ts';
import { newServer, passwordFile, sql } from './server.ts';

export const PASSWORD = 'secret of the role';

export type Primary = { pgdata: string; port: number; passwordFile: string };

/** A server as somebody made it by hand: a role that may replicate, and the line that lets it in from here. */
export async function newPrimary(
  dir: string,
  settings: Readonly<Record<string, string | number>> = {},
  { name = 'primary', role = 'replicator', password = PASSWORD } = {},
): Promise<Primary> {
  const pgdata = join(dir, name);
  const port = await freePort();
  newServer(pgdata, port, settings);
  allow(pgdata, 'host replication all 127.0.0.1/32 scram-sha-256');
  const quoted = `'${password.replaceAll("'", "''")}'`;
  sql(pgdata, `CREATE ROLE "${role.replaceAll('"', '""')}" LOGIN REPLICATION PASSWORD ${quoted};`);
  return { pgdata, port, passwordFile: passwordFile(dir, password, `${name}.password`) };
}

/** A first line of pg_hba.conf, in force. */
export function allow(pgdata: string, line: string): void {
  const path = join(pgdata, 'pg_hba.conf');
  asOwner(['sh', '-c', 'cat >"$1"', 'write', path], `${line}\n${readFileSync(path, 'utf8')}`);
  sql(pgdata, 'SELECT pg_reload_conf();');
}

export type Target = { pgdata: string; port: number; name: string };

export function cloneWords(primary: Primary, { pgdata, port, name }: Target): readonly string[] {
  return [
    ...['clone-standby', '-D', pgdata, '-p', String(port), '--name', name],
    ...['--from', `127.0.0.1:${primary.port}`, '--password-file', primary.passwordFile],
  ];
}

/** clone-standby with nothing but a replication login. */
export function clone(
  primary: Primary,
  target: Target,
  more: readonly string[] = [],
  options: Options = {},
): Promise<Result> {
  return pgrepl([...cloneWords(primary, target), ...more], options);
}

/** A row written at the upstream is read at the standby, over a connection of that name. */
export async function streams(upstream: string, standby: string, name: string): Promise<void> {
  const table = `seen_${Math.random().toString(36).slice(2)}`;
  const at = sql(
    upstream,
    `SET synchronous_commit = local; CREATE TABLE ${table} (); SELECT pg_current_wal_lsn();`,
  );
  await waitFor(() => sql(standby, `SELECT pg_last_wal_replay_lsn() >= '${at}';`) === 't', {
    what: `${name} replays`,
  });
  await waitFor(
    () =>
      sql(upstream, `SELECT state FROM pg_stat_replication WHERE application_name = '${name}';`) ===
      'streaming',
    { what: `${name} streams` },
  );
}

/** Programs of a name whose words hold this text: what a test must not leave. */
export function processes(program: string, holding: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const words = read(`/proc/${pid}/cmdline`).split('\0');
      return (words[0] ?? '').endsWith(program) && words.some((word) => word.includes(holding));
    })
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
