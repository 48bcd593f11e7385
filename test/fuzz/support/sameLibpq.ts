import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conninfo, parseConninfo } from '../../../src/render/conninfo.ts';
import { parsePgpass, type PgpassEntry } from '../../../src/render/pgpass.ts';
import { command, IS_ROOT, OWNER } from '../../e2e/support/machine.ts';
import { addressOfAttempt, logins, type Login } from './login.ts';
import { each, tellable } from './oracle.ts';
import type { Difference } from './runs.ts';
import { differences } from './same.ts';

/** Those that the inputs use: libpq refuses what it does not know, and we leave that to libpq. */
const KNOWN = 'user password dbname application_name options host port sslmode gssencmode'.split(' ');

const CHECK = `BEGIN
  EXECUTE format('ALTER SUBSCRIPTION fuzz CONNECTION %L', t);
  RETURN 'taken';
EXCEPTION WHEN OTHERS THEN RETURN 'refused'; END`;

/** Whether libpq takes it: a subscription's connection is parsed when it is set, PQconninfoParse(). */
export async function compareConninfo(
  pgdata: string,
  texts: readonly string[],
): Promise<readonly Difference<string>[]> {
  const told = texts.filter(tellable);
  const theirs = await each(pgdata, CHECK, told);
  return differences(told, (text, at) => {
    const parts = parseConninfo(text);
    const known = parts !== undefined && Object.keys(parts).every((key) => KNOWN.includes(key));
    return [known ? 'taken' : 'refused', theirs[at]];
  });
}

const CONNECT = `BEGIN
  PERFORM dblink_connect('fuzz', t);
  RETURN 'connected';
EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END`;

/** What libpq makes of it, as it logs in. */
export async function compareLogin(
  pgdata: string,
  texts: readonly string[],
): Promise<readonly Difference<string>[]> {
  const { port, seen } = await logins();
  const whole = texts.filter(tellable).map((text, at) => {
    const to = { host: addressOfAttempt(at), port: String(port), sslmode: 'disable', gssencmode: 'disable' };
    return `${text} ${conninfo(to)}`;
  });
  const told = whole.filter(
    (text, at) =>
      parseConninfo(text)?.['host'] === addressOfAttempt(at) &&
      Object.keys(parseConninfo(text) ?? {}).every((key) => KNOWN.includes(key)),
  );
  await each(pgdata, CONNECT, told);
  return differences(told, (text) => {
    const parts = parseConninfo(text) ?? {};
    return [loginOf(parts), loginOf(named(seen.get(parts['host'] ?? '') ?? {}))];
  });
}

/** The server's name for it in a startup message is libpq's in a conninfo. */
function named({ database, ...login }: Login): Login {
  return { ...login, ...(database === undefined ? {} : { dbname: database }) };
}

/** An empty one is none; the user has the name of the server's owner where none is named, and so has the database. */
function loginOf(parts: Readonly<Record<string, string>>): readonly string[] {
  const user = parts['user'] || OWNER;
  const { password = '', dbname, application_name: name = '', options = '' } = parts;
  return [user, password, dbname || user, name, options];
}

/** Which password libpq takes from a file for `h`, its port, the database `db` and the user `u`. */
export async function comparePgpass(
  pgdata: string,
  texts: readonly string[],
): Promise<readonly Difference<string>[]> {
  const { port, seen } = await logins();
  const dir = join(pgdata, 'passwords');
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const told = texts.filter(tellable).map((text) => text.replaceAll('PORT', String(port)));
  const attempts = told.map((text, at) => {
    writeFileSync(join(dir, String(at)), text, { mode: 0o600 });
    const where = { host: 'h', hostaddr: addressOfAttempt(at), port: String(port), dbname: 'db', user: 'u' };
    const rest = { passfile: join(dir, String(at)), sslmode: 'disable', gssencmode: 'disable' };
    return conninfo({ ...where, ...rest });
  });
  if (IS_ROOT) command(['chown', '-R', OWNER, dir]);
  await each(pgdata, CONNECT, attempts);
  rmSync(dir, { recursive: true });
  return differences(told, (text, at) => {
    const entry = parsePgpass(text).find((one) => isFor(one, port));
    return [entry?.password.reveal() ?? '', seen.get(addressOfAttempt(at))?.['password'] ?? ''];
  });
}

function isFor(entry: PgpassEntry, port: number): boolean {
  const wanted = { host: 'h', port: String(port), database: 'db', user: 'u' };
  return Object.entries(wanted).every(
    ([key, value]) => (entry[key as keyof typeof wanted] ?? value) === value,
  );
}
