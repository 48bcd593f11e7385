import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { maskOf, parseAddress } from '../../../src/render/address.ts';
import { parseConf } from '../../../src/render/conf.ts';
import { parseHba, type HbaRecord } from '../../../src/render/hba.ts';
import { ask, tellable } from './oracle.ts';
import type { Difference } from './runs.ts';

/**
 * Each text is a file that postgresql.conf includes, and pg_file_settings shows what it says up to its first wrong
 * line: ParseConfigFp() gives a file up there when it does so for a view.
 */
export async function compareConf(
  pgdata: string,
  texts: readonly string[],
): Promise<readonly Difference<string>[]> {
  const dir = join(pgdata, 'fuzz');
  mkdirSync(dir, { recursive: true });
  const told = texts.filter((text) => tellable(text) && !INCLUDES_WHAT_IS_THERE.test(text));
  told.forEach((text, at) => writeFileSync(join(dir, `${at}.conf`), text, { mode: 0o644 }));
  writeFileSync(
    join(pgdata, 'fuzz.conf'),
    told.map((_, at) => `include_if_exists 'fuzz/${at}.conf'\n`).join(''),
    { mode: 0o644 },
  );
  const rows = await ask(
    pgdata,
    `SELECT substring(sourcefile from '(\\d+)\\.conf$'), sourceline, lower(name), encode(textsend(setting), 'hex'), error IS NOT NULL
     FROM pg_file_settings WHERE sourcefile LIKE '%/fuzz/%' ORDER BY seqno;`,
  );
  const theirs: string[][] = told.map(() => []);
  for (const row of rows) {
    const [file = '', line = '', name = '', setting = ''] = row.split('|');
    theirs[Number(file)]?.push(name === '' ? 'wrong' : `${line} ${name} ${setting}`);
  }
  rmSync(dir, { recursive: true });
  return differences(told, (text, at) => [confAnswer(text), theirs[at]]);
}

/** A directory: it holds the other texts, and is no file. */
const INCLUDES_WHAT_IS_THERE = /include\w*[^\w\n]*[./]/i;

function confAnswer(text: string): readonly string[] | 'cannot be told' {
  const { settings, includes, errors } = parseConf(text);
  const end = errors[0]?.line ?? Infinity;
  const shown = settings.map(({ line, name, value }) => ({
    line,
    row: `${line} ${name} ${Buffer.from(value).toString('hex')}`,
  }));
  // Included files are not there.
  const missing = includes.filter(
    ({ kind, target }) => kind !== 'include_if_exists' || /^[ \t\r\n]*$/.test(target),
  );
  const rows = [...shown, ...missing.map(({ line }) => ({ line, row: 'wrong' }))]
    .filter(({ line }) => line < end)
    .toSorted((a, b) => a.line - b.line)
    .map(({ row }) => row);
  // Bytes that are no UTF-8.
  if (settings.some(({ line, value }) => line < end && value.includes('\ufffd'))) return 'cannot be told';
  return end === Infinity ? rows : [...rows, 'wrong'];
}

/** All texts are one file: a record ends with its line, and each text with a line that continues nothing. */
export async function compareHba(
  pgdata: string,
  texts: readonly string[],
): Promise<readonly Difference<string>[]> {
  const told = texts.filter((text) => tellable(text) && !/@|include/.test(text)).map((text) => `${text}\n\n`);
  writeFileSync(join(pgdata, 'pg_hba.conf'), told.join(''), { mode: 0o644 });
  const rows = await ask(
    pgdata,
    `SELECT encode(textsend(json_build_array(line_number, type, database, user_name, address, netmask, auth_method, error)::text), 'hex') FROM pg_hba_file_rules;`,
  );
  const theirs = new Map(
    rows.map((row) => JSON.parse(Buffer.from(row, 'hex').toString()) as HbaRow).map((row) => [row[0], row]),
  );
  const { records, errors } = parseHba(told.join(''));
  const ours = new Map<number, unknown>();
  for (const record of records) ours.set(record.line, shownRecord(record));
  for (const { line, message } of errors) ours.set(line, message);
  let line = 1;
  return differences(told, (text) => {
    const lines = Array.from(text.matchAll(/\n/g), (_, at) => line + at);
    line += lines.length;
    return [lines.map((at) => ours.get(at) ?? ''), lines.map((at) => shownRow(theirs.get(at), ours.get(at)))];
  });
}

type HbaRow = [number, string, string[], string[], string | null, string | null, string, string | null];

/** The server looks into options, and into what it was built and set up for; we do not. */
const BEYOND = /authentication option|cannot match because|option|not supported by this build/;

function shownRow(row: HbaRow | undefined, ours: unknown): unknown {
  if (row === undefined) return '';
  const [, type, databases, users, address, mask, method, error] = row;
  if (error !== null && BEYOND.test(error) && typeof ours === 'object') return ours;
  if (error !== null && (typeof ours === 'string' || !BEYOND.test(error)))
    return error.replace(/: Name or service not known$/, '');
  return { type, databases, users, place: placeOf(address ?? undefined, mask ?? undefined), method };
}

function shownRecord({ type, databases, users, address, mask, method }: HbaRecord): unknown {
  const texts = (tokens: readonly { text: string }[]): readonly string[] => tokens.map(({ text }) => text);
  return { type, databases: texts(databases), users: texts(users), place: placeOf(address, mask), method };
}

function placeOf(address: string | undefined, mask: string | undefined): string {
  const [ip = '', length] = (address ?? '').split('/');
  const parsed = parseAddress(ip);
  if (parsed === undefined) return (address ?? '').replace(/^"(.*)"$/, '$1');
  const bits = mask === undefined ? maskOf(length ?? '', parsed.width) : parseAddress(mask)?.bits;
  return `${parsed.width} ${parsed.bits.toString(16)} ${bits?.toString(16) ?? 'no mask'}`;
}

export function differences<Input>(
  inputs: readonly Input[],
  answers: (input: Input, at: number) => readonly [unknown, unknown],
): readonly Difference<Input>[] {
  return inputs.flatMap((input, at) => {
    const [ours, theirs] = answers(input, at);
    const same = ours === 'cannot be told' || JSON.stringify(ours) === JSON.stringify(theirs);
    return same ? [] : [{ input, ours, theirs }];
  });
}
