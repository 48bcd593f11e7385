/** A server by where it listens, as people write it. */
export type Endpoint = { host: string; port: number };

/** `HOST`, `HOST:PORT`, `[V6]`, `[V6]:PORT` or a bare address of IPv6; undefined where it is none of them. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/.exec(text) ??
    /^([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? 5432 : Number(match[3]);
  return host === undefined || port < 1 || port > 65535 ? undefined : { host, port };
}
