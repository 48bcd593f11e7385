import { Secret, type Text } from '../tools/words.ts';

/** `*` for host, port or database means any, as in the file itself. A user is one user. */
export type PgpassFields = {
  host: string;
  port: number | '*';
  database: string;
  user: string;
  password: Secret;
};

/** A line of a password file; what is absent was `*`. */
export type PgpassEntry = {
  line: number;
  host?: string;
  port?: string;
  database?: string;
  user?: string;
  password: Secret;
};

/**
 * A line of a password file, with its line end. libpq takes the first line that matches, and a walreceiver asks
 * for the database `replication`: https://www.postgresql.org/docs/current/libpq-pgpass.html. RangeError for a
 * line end in a field: passwordFromFile() in fe-connect.c reads line by line and knows no escape for it.
 */
export function pgpassLine({ host, port, database, user, password }: PgpassFields): Text {
  const where = [orAny(host), String(port), orAny(database), escape(user)].join(':');
  const escaped = escape(password.reveal());
  // The same object where nothing is escaped: a printed script then asks for one secret, not two.
  return [`${where}:`, escaped === password.reveal() ? password : new Secret(escaped), '\n'];
}

export function parsePgpass(text: string): readonly PgpassEntry[] {
  return text.split('\n').flatMap((line, at) => {
    const fields = line.startsWith('#') ? [] : fieldsOf(line.replace(/\r+$/, ''));
    const [host, port, database, user, password] = fields;
    if (password === undefined) return [];
    const named = { host, port, database, user };
    const known = Object.entries(named).filter(([, field]) => field !== undefined && field !== '*');
    const plain = known.map(([name, field]) => [name, unescape(field ?? '')]);
    return [{ line: at + 1, ...Object.fromEntries(plain), password: new Secret(unescape(password)) }];
  });
}

function orAny(field: string): string {
  return field === '*' ? '*' : escape(field);
}

/** A first `#` would make the line a comment, and a lone `*` would match anything: a backslash saves both. */
function escape(field: string): string {
  if (/[\n\r\0]/.test(field)) throw new RangeError('a line end has no place in a password file');
  return field.replace(/[:\\]|^#|^\*$/g, '\\$&');
}

/** A backslash that is last stands for itself. */
function unescape(field: string): string {
  return field.replace(/\\([^])/g, '$1');
}

const FIELD = String.raw`((?:[^:\\]|\\[^])*)`;
const LINE = new RegExp(`^${`${FIELD}:`.repeat(4)}${FIELD}(\\\\$)?`);

/** Four fields that end at a colon without a backslash, and the password, which the next one ends. */
function fieldsOf(line: string): readonly (string | undefined)[] {
  const [, host, port, database, user, password, backslash = ''] = LINE.exec(line) ?? [];
  return password === undefined ? [] : [host, port, database, user, password + backslash];
}
