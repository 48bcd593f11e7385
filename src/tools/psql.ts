import { SESSION } from '../cluster/session.ts';
import type { Server } from '../facts/state.ts';

/** Where a server is asked by its own superuser: the programs of its host, its socket. */
export type Socket = Pick<Server, 'socketDir' | 'port' | 'user' | 'database'> & { psql: string };

/** Unaligned, no headers, no ~/.psqlrc, never a password prompt, and the first error ends it. SQL comes by stdin. */
const PLAIN = ['-XAtqw', '-v', 'ON_ERROR_STOP=1'];

export function psql(at: Socket): readonly string[] {
  const to = ['-h', at.socketDir, '-p', String(at.port), '-U', at.user, '-d', at.database];
  return ['env', SESSION, at.psql, ...PLAIN, ...to];
}

/** A walsender, by conninfo: how a standby's host reaches its upstream with the replication role. */
export function psqlTo(program: string, conninfo: string): readonly string[] {
  return [program, ...PLAIN, '-d', conninfo];
}

/** The same of a database, where what is set for the role would hold. */
export function psqlToDatabase(program: string, conninfo: string): readonly string[] {
  return ['env', SESSION, ...psqlTo(program, conninfo)];
}

/** Whether these are the words of `psql` above: a session that may be kept and asked again. */
export function isPsql(argv: readonly string[]): boolean {
  const [, , , options, , stop, host] = argv;
  return argv.length === 14 && options === PLAIN[0] && stop === PLAIN[2] && host === '-h';
}
