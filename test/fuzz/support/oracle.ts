import { execFile } from 'node:child_process';
import { IS_ROOT, OWNER, program, withoutPg } from '../../e2e/support/machine.ts';
import { socketOf } from '../../e2e/support/server.ts';

/** Asks a server beside the test: what it connects to may be in this process. Rows are lines. */
export function ask(pgdata: string, text: string): Promise<readonly string[]> {
  const { port, socketDir } = socketOf(pgdata);
  const psql = [program('psql'), '-XAtqw', '-v', 'ON_ERROR_STOP=1', '-h', socketDir, '-p', String(port)];
  const words = [...psql, '-d', 'postgres'];
  const [name = '', ...rest] = IS_ROOT ? ['runuser', '-u', OWNER, '--', ...words] : words;
  return new Promise((resolve, reject) => {
    const options = { env: withoutPg(), maxBuffer: 1 << 28, cwd: '/', timeout: 300_000 };
    const child = execFile(name, rest, options, (error, stdout) => {
      if (error === null) resolve(stdout.split('\n').slice(0, -1));
      else reject(error);
    });
    child.stdin?.end(text);
  });
}

/** The answer of a function of text to each input; undefined where it is NULL. */
export async function each(
  pgdata: string,
  body: string,
  inputs: readonly string[],
): Promise<readonly (string | undefined)[]> {
  const rows = inputs.map((input, at) => `${at}\t${hex(input)}`);
  const said = await ask(
    pgdata,
    `CREATE FUNCTION pg_temp.answer(t text) RETURNS text LANGUAGE plpgsql AS $body$ ${body} $body$;
CREATE TEMP TABLE input (n int, hex text);
COPY input FROM STDIN;
${rows.join('\n')}
\\.
SELECT coalesce('=' || encode(textsend(pg_temp.answer(convert_from(decode(hex, 'hex'), 'UTF8'))), 'hex'), '')
FROM input ORDER BY n;
`,
  );
  return said.map((line) => (line === '' ? undefined : Buffer.from(line.slice(1), 'hex').toString()));
}

export function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

/** What can be told to a server: no NUL, and no half of a surrogate pair. */
export function tellable(text: string): boolean {
  return !text.includes('\0') && !/\p{Surrogate}/u.test(text);
}
