import { isKey, parseUri } from './conninfo-uri.ts';

/** What a standby needs to find its upstream. The password is not among it: that is what `passfile` is for. */
export type Upstream = {
  host: string;
  port: number;
  role: string;
  applicationName: string;
  passfile?: string;
  /** What people added, such as `sslmode`; it wins over ours. */
  extra?: Readonly<Record<string, string>>;
};

/** `key=value key='va lue'`, as conninfo_parse() in fe-connect.c takes it. */
export function conninfo(parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts)
    .map(([key, value]) => `${key}=${quoteValue(value)}`)
    .join(' ');
}

/** Both ways libpq writes it, `key=value` and `postgresql://`; undefined for what libpq would not take. */
export function parseConninfo(text: string): Record<string, string> | undefined {
  return /^postgres(?:ql)?:\/\//.test(text) ? parseUri(text) : parsePairs(text);
}

/**
 * The `primary_conninfo` of a standby. An upstream that is gone without a word is noticed after 5 + 3 * 2
 * seconds by the keepalives, and not after the two hours of the kernel; one that does not answer, after 10.
 */
export function primaryConninfo(upstream: Upstream): string {
  return conninfo({
    user: upstream.role,
    host: upstream.host,
    port: String(upstream.port),
    application_name: upstream.applicationName,
    ...(upstream.passfile === undefined ? {} : { passfile: upstream.passfile }),
    connect_timeout: '10',
    keepalives_idle: '5',
    keepalives_interval: '2',
    keepalives_count: '3',
    ...upstream.extra,
  });
}

function quoteValue(value: string): string {
  if (value !== '' && !/[\s'\\]/.test(value)) return value;
  return `'${value.replace(/['\\]/g, '\\$&')}'`;
}

/** Blanks are those of isspace() in the C locale, which JavaScript's \s is not. */
const NAME = /([^=\t-\r ]*)[\t-\r ]*=[\t-\r ]*/y;
const QUOTED = /'((?:[^'\\]|\\[^])*)'/y;
const PLAIN = /(?:[^\t-\r \\]|\\[^]|\\$)*/y;
const BLANKS = /[\t-\r ]*/y;

/** conninfo_parse() in fe-connect.c. The last of a key wins. */
function parsePairs(text: string): Record<string, string> | undefined {
  const found = new Map<string, string>();
  let at = taken(BLANKS, text, 0)?.end ?? 0;
  while (at < text.length) {
    const name = taken(NAME, text, at);
    if (name === undefined || !isKey(name.inner)) return undefined;
    const value = taken(text[name.end] === "'" ? QUOTED : PLAIN, text, name.end);
    if (value === undefined) return undefined;
    found.set(name.inner, value.inner.replace(/\\([^]?)/g, '$1'));
    at = taken(BLANKS, text, value.end)?.end ?? text.length;
  }
  return Object.fromEntries(found);
}

function taken(rule: RegExp, text: string, at: number): { inner: string; end: number } | undefined {
  rule.lastIndex = at;
  const match = rule.exec(text);
  return match === null ? undefined : { inner: match[1] ?? match[0], end: at + match[0].length };
}
