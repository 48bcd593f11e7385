const LONGEST = 63;

/** The application_name of a node: the server would make other characters question marks, pg_clean_ascii(). */
export function applicationName(nodeName: string): string {
  return nodeName.replace(/[^\x20-\x7e]/g, '_').slice(0, LONGEST) || '_';
}

/** The application_name with which a node streams. */
export function nameAtUpstream({ name, seenAs = name }: { name: string; seenAs?: string }): string {
  return applicationName(seenAs);
}

/** `*` in `names` is any standby, and names are compared without case: SyncRepGetStandbyPriority() in syncrep.c. */
export type SyncStandbys = { method: 'first' | 'any'; number: number; names: readonly string[] };

/**
 * synchronous_standby_names as syncrep_gram.y reads it: `a, b` is the same as `FIRST 1 (a, b)`. Undefined when
 * there are none, and for what no running server can have.
 */
export function syncStandbyNames(value: string): SyncStandbys | undefined {
  const tokens = tokensOf(value);
  const [first] = tokens;
  if (tokens.length === 0 || first === undefined) return undefined;
  if (first.is === 'word') return counted(first.text === 'any' ? 'any' : 'first', tokens.slice(1));
  return tokens[1]?.text === '(' && tokens[1].is === 'mark'
    ? counted('first', tokens)
    : listed('first', 1, tokens);
}

type Token = { is: 'name' | 'number' | 'word' | 'mark' | 'junk'; text: string };

/** NUM '(' standby_list ')' */
function counted(method: SyncStandbys['method'], tokens: readonly Token[]): SyncStandbys | undefined {
  const [number, open] = tokens;
  const close = tokens.at(-1);
  if (number?.is !== 'number' || !isMark(open, '(') || !isMark(close, ')')) return undefined;
  return listed(method, Number(number.text), tokens.slice(2, -1));
}

function listed(
  method: SyncStandbys['method'],
  number: number,
  list: readonly Token[],
): SyncStandbys | undefined {
  const names = list.filter((_, at) => at % 2 === 0);
  const commas = list.filter((_, at) => at % 2 === 1);
  const whole = names.length === commas.length + 1 && commas.every((token) => isMark(token, ','));
  if (!whole || !names.every(({ is }) => is === 'name' || is === 'number')) return undefined;
  return { method, number, names: names.map(({ text }) => text) };
}

function isMark(token: Token | undefined, mark: string): boolean {
  return token?.is === 'mark' && token.text === mark;
}

/** The rules of syncrep_scanner.l. */
const TOKEN =
  /"((?:[^"]|"")*)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\*)|(\d+)|([(),])|([^ \t\n\r\f\v])/g;

function tokensOf(value: string): readonly Token[] {
  return [...value.matchAll(TOKEN)].map(([all, quoted, word, digits, mark]): Token => {
    if (quoted !== undefined) return { is: 'name', text: quoted.replaceAll('""', '"') };
    if (digits !== undefined) return { is: 'number', text: digits };
    if (mark !== undefined) return { is: 'mark', text: mark };
    if (word === undefined) return { is: 'junk', text: all };
    return /^(?:any|first)$/i.test(word)
      ? { is: 'word', text: word.toLowerCase() }
      : { is: 'name', text: word };
  });
}
