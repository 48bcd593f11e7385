/**
 * `postgresql://user:password@host:port,host:port/dbname?key=value`: conninfo_uri_parse_options() in
 * fe-connect.c. Several hosts and ports come back as libpq has them, divided by commas; what is empty is not
 * there. Undefined for what libpq would not take.
 */
export function parseUri(uri: string): Record<string, string> | undefined {
  const [, login, rest = ''] = /^postgres(?:ql)?:\/\/(?:([^@/]*)@)?([^]*)$/.exec(uri) ?? [];
  const [, netloc = '', path = '', query = ''] = /^([^/?]*)(?:\/([^?]*))?(?:\?([^]*))?$/.exec(rest) ?? [];
  const [, user = '', password = ''] = /^([^:]*):?([^]*)$/.exec(login ?? '') ?? [];
  const hosts = netloc.split(',').map(hostAndPort);
  const pairs = query === '' ? [] : query.split('&').map(pair);
  if (hosts.includes(undefined) || pairs.includes(undefined)) return undefined;
  const host = hosts.map((one) => one?.[0]).join(',');
  const port = hosts.map((one) => one?.[1]).join(',');
  const parts = Object.entries({ user, password, host, port, dbname: path }).filter(
    ([, value]) => value !== '',
  );
  return decoded([...parts, ...pairs.filter((one) => one !== undefined)]);
}

function hostAndPort(text: string): [string, string] | undefined {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:[]*))(?::(.*))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  return host === undefined ? undefined : [host, port];
}

/** JDBC's `ssl=true` is the one key that libpq translates. */
function pair(text: string): [string, string] | undefined {
  const [key = '', value, ...more] = text.split('=');
  if (value === undefined || more.length > 0) return undefined;
  return key === 'ssl' && value === 'true' ? ['sslmode', 'require'] : [key, value];
}

function decoded(pairs: readonly (readonly [string, string])[]): Record<string, string> | undefined {
  try {
    const all = pairs.map(([key, value]) => [decodeURIComponent(key), decodeURIComponent(value)] as const);
    return all.some(([, value]) => value.includes('\0')) ? undefined : Object.fromEntries(all);
  } catch {
    return undefined;
  }
}
