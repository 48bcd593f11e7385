/** One line of a configuration file: nothing but blanks and a comment, a setting, or what the lexer cannot take. */
export type Line =
  { is: 'blank' } | { is: 'setting'; name: string; value: string } | { is: 'wrong'; near: string };

/** One line of postgresql.conf, recovery.conf and their like: `name = value`, `name value`, `name 'value'`. */
export function readLine(line: string): Line {
  const [name, ...rest] = tokensOf(line);
  if (name === undefined) return { is: 'blank' };
  if (name.kind !== 'id' && name.kind !== 'qualified') return { is: 'wrong', near: name.text };
  const [value, extra] = rest[0]?.kind === 'equals' ? rest.slice(1) : rest;
  if (value === undefined) return { is: 'wrong', near: 'end of line' };
  if (!VALUES.includes(value.kind)) return { is: 'wrong', near: value.text };
  if (extra !== undefined) return { is: 'wrong', near: extra.text };
  const plain = value.kind === 'string' ? unquote(value.text) : value.text;
  return { is: 'setting', name: name.text.toLowerCase(), value: plain };
}

type Kind = 'id' | 'qualified' | 'string' | 'word' | 'integer' | 'real' | 'equals' | 'wrong';
type Token = { kind: Kind; text: string };

/**
 * The rules of guc-file.l, in its order. As in flex, the longest match is the token and the first rule breaks a
 * tie: that is why `a.b` is no value without quotes, and `a.b.c` is one.
 */
const RULES: readonly (readonly [Kind, RegExp])[] = [
  ['id', /[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/y],
  ['qualified', /[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*\.[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/y],
  ['string', /'(?:[^'\\\n]|\\[^\n]|'')*'/y],
  ['word', /[A-Za-z_\u0080-\uffff][\w\u0080-\uffff.:/-]*/y],
  ['integer', /[-+]?(?:0x[0-9a-fA-F]+|\d+)[A-Za-z]*/y],
  ['real', /[-+]?\d*\.\d*(?:[Ee][-+]?\d+)?/y],
  ['equals', /=/y],
  ['wrong', /[^\n]/uy],
];

const VALUES: readonly Kind[] = ['id', 'string', 'integer', 'real', 'word'];

function tokensOf(line: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = afterBlanks(line, 0); at < line.length && line[at] !== '#';) {
    const token = longest(line, at);
    tokens.push(token);
    at = afterBlanks(line, at + token.text.length);
  }
  return tokens;
}

function afterBlanks(line: string, from: number): number {
  let at = from;
  while (line[at] === ' ' || line[at] === '\t' || line[at] === '\r') at++;
  return at;
}

function longest(line: string, at: number): Token {
  let best: Token = { kind: 'wrong', text: '' };
  for (const [kind, rule] of RULES) {
    rule.lastIndex = at;
    const text = rule.exec(line)?.[0] ?? '';
    if (text.length > best.text.length) best = { kind, text };
  }
  return best;
}

const LETTERS: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** DeescapeQuotedString() in guc-file.l. Octal escapes are bytes, bytes in a row are UTF-8, and a zero is the end. */
function unquote(quoted: string): string {
  return quoted
    .slice(1, -1)
    .replace(/''|((?:\\[0-7]{1,3})+)|\\(.)/gs, (_, octals?: string, letter?: string) => {
      if (octals !== undefined) return ofBytes(octals.split('\\').slice(1));
      return letter === undefined ? "'" : (LETTERS[letter] ?? letter);
    })
    .replace(/\0[^]*$/, '');
}

function ofBytes(octals: readonly string[]): string {
  const bytes = octals.map((octal) => (parseInt(octal, 8) & 255).toString(16).padStart(2, '0'));
  try {
    return decodeURIComponent(bytes.map((byte) => `%${byte}`).join(''));
  } catch {
    return '\ufffd'.repeat(bytes.length);
  }
}
