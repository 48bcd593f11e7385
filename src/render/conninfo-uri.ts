/**
 * `postgresql://user:password@host:port,host:port/dbname?key=value`: conninfo_uri_parse_options() in
 * fe-connect.c. Several hosts and ports come back as libpq has them, divided by commas; what is empty is not
 * there. Undefined for what libpq would not take.
 */
export function parseUri(uri: string): Record<string, string> | undefined {
  const [, login, rest = ''] = /^postgres(?:ql)?:\/\/(?:([^@/]*)@)?([^]*)$/.exec(uri) ?? [];
  const { hosts, end } = hostsOf(rest) ?? NO_HOSTS;
  const [known, path = '', query = ''] = /^(?:\/([^?]*))?(?:\?([^]*))?$/.exec(rest.slice(end)) ?? [];
  const [, user = '', password = ''] = /^([^:]*):?([^]*)$/.exec(login ?? '') ?? [];
  // One more & at the end is nothing.
  const pairs =
    query === ''
      ? []
      : query
          .replace(/(?<=.)&$/s, '')
          .split('&')
          .map(pair);
  if (known === undefined || pairs.includes(undefined)) return undefined;
  const host = hosts.map(([name]) => name).join(',');
  const port = hosts.map(([, number]) => number).join(',');
  const parts = Object.entries({ user, password, host, port, dbname: path }).filter(
    ([, value]) => value !== '',
  );
  return decoded([...parts, ...pairs.filter((one) => one !== undefined)]);
}

/** What is left is neither a path nor a query then. */
const NO_HOSTS = { hosts: [], end: 0 };

/** An address in brackets goes up to its end, whatever is in it. */
const HOST = /(?:\[([^\]]+)\](?=[:/?,]|$)|(?!\[)([^:/?,]*))(?::([^/?,]*))?(,?)/y;

/** Host and port of each, and where they end: at a path or a query. */
function hostsOf(rest: string): { hosts: readonly (readonly [string, string])[]; end: number } | undefined {
  const hosts: [string, string][] = [];
  HOST.lastIndex = 0;
  for (;;) {
    const found = HOST.exec(rest);
    if (found === null) return undefined;
    const [, bracketed, plain = '', port = '', comma] = found;
    hosts.push([bracketed ?? plain, port]);
    if (comma === '') return { hosts, end: HOST.lastIndex };
  }
}

/** JDBC's `ssl=true` is the one key that libpq translates. */
function pair(text: string): [string, string] | undefined {
  const [key = '', value, ...more] = text.split('=');
  if (value === undefined || more.length > 0) return undefined;
  return key === 'ssl' && value === 'true' ? ['sslmode', 'require'] : [key, value];
}

/** What all parameters of libpq are made of, those of tomorrow too (PQconninfoOptions in fe-connect.c). */
export function isKey(key: string): boolean {
  return /^[a-z_]+$/.test(key);
}

function decoded(pairs: readonly (readonly [string, string])[]): Record<string, string> | undefined {
  const all = pairs.map((pair) => pair.map(decode));
  const wrong = all.some(([key, value]) => key === undefined || !isKey(key) || value === undefined);
  return wrong ? undefined : (Object.fromEntries(all) as Record<string, string>);
}

/** conninfo_uri_decode(): what is encoded are bytes, which need not be UTF-8, but for a zero. */
function decode(text: string): string | undefined {
  if (/%(?![0-9a-f]{2})|%00|\0/i.test(text)) return undefined;
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return '\ufffd';
    }
  });
}
