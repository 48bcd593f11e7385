/** One word of a field. Quotes take the special meaning away from `all`, `replication`, `+role` and `@file`. */
export type HbaToken = { text: string; quoted: boolean };

/**
 * A line as the server sees it: lines whose last character is a backslash continue on the next one, from 14 on,
 * even inside quotes and comments. A field is what blanks divide; its tokens are what commas divide.
 */
export type HbaLine = {
  line: number;
  /** Where it begins in the text, and where the next one begins. */
  start: number;
  end: number;
  /** The text ended while a backslash asked for more. */
  open: boolean;
  raw: string;
  fields: readonly (readonly HbaToken[])[];
};

/** tokenize_auth_file() in hba.c. */
export function hbaLines(text: string): readonly HbaLine[] {
  const lines: HbaLine[] = [];
  let [start, line] = [0, 1];
  while (start < text.length) {
    const { end, content, open, count } = logicalLine(text, start);
    lines.push({ line, start, end, open, raw: text.slice(start, end), fields: fieldsOf(content) });
    [start, line] = [end, line + count];
  }
  return lines;
}

/**
 * `pg_strip_crlf()` comes before the look for a backslash, so `\` CR LF continues as well; and it strips all that was
 * read so far, but what was left of a backslash is none.
 */
function logicalLine(text: string, start: number) {
  let [content, count, end, open, taken] = ['', 0, start, true, 0];
  while (open && end < text.length) {
    const stop = text.indexOf('\n', end);
    const next = stop === -1 ? text.length : stop + 1;
    content = (content + text.slice(end, next)).replace(/[\r\n]+$/, '');
    open = content.length > taken && content.endsWith('\\');
    if (open) content = content.slice(0, -1);
    if (open) taken = content.length;
    [count, end] = [count + 1, next];
  }
  return { end, content, open, count };
}

function fieldsOf(content: string): readonly (readonly HbaToken[])[] {
  const fields: HbaToken[][] = [];
  let [at, continues] = [0, false];
  for (;;) {
    const read = nextToken(content, at);
    if (read === undefined) return fields;
    if (continues) fields.at(-1)?.push(read.token);
    else fields.push([read.token]);
    [at, continues] = [read.end, read.comma];
  }
}

/** next_token() in hba.c, step by step, with its way of doubling quotes: `"a""b"` is a"b, and so is `"a"""b`. */
function nextToken(line: string, from: number): { token: HbaToken; end: number; comma: boolean } | undefined {
  let at = from;
  while (isBlank(line[at]) || line[at] === ',') at++;
  const token = { text: '', quoted: false };
  let [inQuotes, wasQuote, sawQuote] = [false, false, false];
  for (; at < line.length && (inQuotes || !isBlank(line[at])); at++) {
    const c = line[at] ?? '';
    if (c === '#' && !inQuotes) at = line.length;
    if (c === '#' && !inQuotes) break;
    if (c === ',' && !inQuotes) return { token, end: at, comma: true };
    if (c !== '"' || wasQuote) token.text += c;
    wasQuote = inQuotes && c === '"' && !wasQuote;
    if (c !== '"') continue;
    [inQuotes, sawQuote] = [!inQuotes, true];
    if (token.text === '') token.quoted = true;
  }
  return sawQuote || token.text !== '' ? { token, end: at, comma: false } : undefined;
}

function isBlank(c: string | undefined): boolean {
  return c === ' ' || c === '\t' || c === '\r';
}
