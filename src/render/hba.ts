import { parseAddress } from './address.ts';
import { hbaLines, type HbaLine, type HbaToken } from './hba-line.ts';
import { isReplication, matches, type Connection } from './hba-match.ts';
import { readRecord, type HbaRecord } from './hba-record.ts';

export type { Connection, HbaRecord, HbaToken };

export type HbaInclude = {
  line: number;
  kind: 'include' | 'include_if_exists' | 'include_dir';
  target: string;
};

export type Hba = {
  records: readonly HbaRecord[];
  includes: readonly HbaInclude[];
  errors: readonly { line: number; message: string }[];
};

/**
 * pg_hba.conf as tokenize_auth_file() and parse_hba_line() in hba.c read it, with the directives of 16. The
 * server takes nothing of a file with an error; options are not looked into.
 */
export function parseHba(text: string): Hba {
  const records: HbaRecord[] = [];
  const includes: HbaInclude[] = [];
  const errors: Hba['errors'][number][] = [];
  for (const line of hbaLines(text)) {
    const kind = line.fields[0]?.[0]?.text;
    if (kind === undefined) continue;
    const read = isInclude(kind) ? readInclude(line, kind) : readRecord(line);
    if (typeof read === 'string') errors.push({ line: line.line, message: read });
    else if ('kind' in read) includes.push(read);
    else records.push(read);
  }
  return { records, includes, errors };
}

/**
 * The record the server would go by, check_hba() in hba.c: the first that matches, with no second chance when
 * it then refuses. What a text cannot know counts as no match: `+role` and `@file`, the name of a host unless
 * it is equal, `samehost` and `samenet` for anything but loopback, encryption by GSSAPI.
 */
export function decides(records: readonly HbaRecord[], want: Connection): HbaRecord | undefined {
  return records.find((record) => matches(record, want));
}

/**
 * The line that lets the role in for replication from there, with a password: an address alone means exactly
 * that one, a network and a name stay as they are. RangeError for a name the file cannot hold: one with a line
 * end, or with a leading slash, which 16 takes for a regular expression even in quotes.
 */
export function ruleFor(
  role: string,
  address: string,
  database: 'replication' | 'postgres' = 'replication',
): string {
  if (/[\r\n\0]/.test(role + address))
    throw new RangeError('a name with a line end has no place in pg_hba.conf');
  if (role.startsWith('/'))
    throw new RangeError(`pg_hba.conf cannot name the role ${role}: it starts with a slash`);
  return ['host', database, quoteToken(role), network(address), 'scram-sha-256'].join('  ');
}

/** A token that means itself and nothing else. */
export function quoteToken(text: string): string {
  const plain = /^[^\s,"#+@/][^\s,"#]*$/u.test(text) && !KEYWORDS.includes(text);
  return plain ? text : `"${text.replaceAll('"', '""')}"`;
}

/**
 * The text with our rules in one marked block, above the first record that could decide before them. A block
 * that stands well stays where it is; nothing else changes, and without rules the block goes.
 */
export function withBlock(text: string, rules: readonly string[]): string {
  const { rest, at } = withoutBlock(text);
  if (rules.length === 0) return rest;
  const place = at !== undefined && standsWell(rest, at) ? at : firstPlace(rest);
  const before = rest.slice(0, place);
  return `${before}${[BEGIN, ...rules, END].join('\n')}\n${rest.slice(place)}`;
}

/** The rules in our block, as they are written; none where there is no block. */
export function blockRules(text: string): readonly string[] {
  return blocksOf(text).flatMap(({ start, end }) => {
    const lines = text.slice(start, end).trimEnd().split(/\r?\n/);
    return lines.slice(1, -1);
  });
}

const BEGIN = '# BEGIN pgrepl: the first record that matches decides, so these stand above broader ones';
const END = '# END pgrepl';
const KEYWORDS = ['all', 'replication', 'sameuser', 'samerole', 'samegroup'];

function network(address: string): string {
  const parsed = parseAddress(address);
  return parsed === undefined ? address : `${address}/${parsed.width}`;
}

function isInclude(kind: string): kind is HbaInclude['kind'] {
  return kind === 'include' || kind === 'include_if_exists' || kind === 'include_dir';
}

function readInclude({ line, fields }: HbaLine, kind: HbaInclude['kind']): HbaInclude | string {
  const target = fields[1]?.[0]?.text;
  const only = fields.length === 2 && fields.every((field) => field.length === 1);
  return target !== undefined && only ? { line, kind, target } : `${kind} takes one file or directory`;
}

/** A block is from the last BEGIN before an END to that END: a marker without its partner is only a comment. */
function blocksOf(text: string): readonly { start: number; end: number }[] {
  const block = /(?<![^\n])# BEGIN pgrepl\b(?:(?!\n# BEGIN pgrepl\b)[^])*?\n# END pgrepl\b[^\n]*\n?/g;
  return [...text.matchAll(block)].map(({ index, 0: found }) => ({
    start: index,
    end: index + found.length,
  }));
}

/** Again until there is none: a block taken from between lone markers makes a pair of them. */
function withoutBlock(text: string, at?: number): { rest: string; at: number | undefined } {
  const [block] = blocksOf(text);
  if (block === undefined) return { rest: text, at };
  const rest = text.slice(0, block.start) + text.slice(block.end);
  return withoutBlock(rest, Math.min(at ?? block.start, block.start));
}

/** At the start of a line, and below nothing that may let in or turn away a replication connection. */
function standsWell(rest: string, at: number): boolean {
  const starts = hbaLines(rest).map((line) => line.start);
  return (
    (at === rest.length || starts.includes(at)) &&
    !endsOpen(rest.slice(0, at)) &&
    !mayDecide(rest.slice(0, at))
  );
}

/** Without looking at users and addresses: what `+role`, `@file` and an included file hold is not known here. */
function mayDecide(text: string): boolean {
  const { records, includes, errors } = parseHba(text);
  if (includes.length > 0 || errors.length > 0) return true;
  return records.some(({ type, databases }) => type !== 'local' && databases.some(mayBeReplication));
}

function mayBeReplication(token: HbaToken): boolean {
  return isReplication(token) || (!token.quoted && token.text.startsWith('@'));
}

function endsOpen(text: string): boolean {
  return hbaLines(text).at(-1)?.open ?? false;
}

/**
 * Above the first line with anything in it, and above the comment that stands right on top of that line. Up to
 * 13 a comment does not continue, so one that ends in a backslash and hides a record counts as that record.
 */
function firstPlace(text: string): number {
  const lines = hbaLines(text);
  const first = lines.findIndex((line) =>
    line.raw.split('\n').some((part) => hbaLines(part)[0]?.fields.length),
  );
  const closed = (text === '' || text.endsWith('\n')) && !endsOpen(text);
  if (first === -1) return closed ? text.length : (lines.at(-1)?.start ?? 0);
  const gap = lines.slice(0, first).findLastIndex((line) => line.raw.trim() === '');
  return lines[gap + 1]?.start ?? 0;
}
