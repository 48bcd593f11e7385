/** An IPv4 or IPv6 address as a number of 32 or 128 bits. */
export type Address = { width: 32 | 128; bits: bigint };

/** Undefined for whatever is neither, such as the name of a host. */
export function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? ipv6(text.toLowerCase()) : ipv4(text);
}

/** The mask of a CIDR length, which strtol() reads: pg_sockaddr_cidr_mask() in ifaddr.c. */
export function maskOf(length: string, width: 32 | 128): bigint | undefined {
  if (!/^[\t-\r ]*[-+]?\d+$/.test(length)) return undefined;
  if (Number(length) < 0 || Number(length) > width) return undefined;
  const host = BigInt(width - Number(length));
  return ((1n << BigInt(width)) - 1n) & ~((1n << host) - 1n);
}

/** inet_aton() of the C library, which getaddrinfo() goes by: `10.1` is 10.0.0.1, `010.0.0.1` is 8.0.0.1. */
function ipv4(text: string): Address | undefined {
  const parts = text.split('.').map(numberOf);
  const last = parts.at(-1);
  if (parts.length > 4 || last === undefined || last >= 256 ** (5 - parts.length)) return undefined;
  const bits = parts
    .slice(0, -1)
    .reduce<bigint | undefined>(
      (sum, part) =>
        sum === undefined || part === undefined || part > 255 ? undefined : (sum << 8n) | BigInt(part),
      0n,
    );
  if (bits === undefined) return undefined;
  return { width: 32, bits: (bits << BigInt(8 * (5 - parts.length))) | BigInt(last) };
}

function numberOf(text: string): number | undefined {
  if (/^0x[0-9a-f]+$/i.test(text)) return Number(text);
  if (/^0[0-7]*$/.test(text)) return parseInt(text, 8);
  return /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}

function ipv6(text: string): Address | undefined {
  const [head, tail, ...more] = dottedAsHex(text)
    .split('::')
    .map((half) => half.split(':').filter(Boolean));
  if (head === undefined || more.length > 0) return undefined;
  const gap = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? gap !== 0 : gap < 1) return undefined;
  const groups = [...head, ...Array<string>(gap).fill('0'), ...(tail ?? [])];
  if (/[^:]:$|^:[^:]|:::/.test(text) || !groups.every((group) => /^[0-9a-f]{1,4}$/.test(group)))
    return undefined;
  return { width: 128, bits: groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n) };
}

/** `::ffff:10.0.0.1` as `::ffff:a00:1`. */
function dottedAsHex(text: string): string {
  const [, head, dotted] = /^(.*:)([\d.]+\.[\d.]+)$/.exec(text) ?? [];
  // Within an IPv6 address it is four decimal numbers, inet_pton().
  const four = dotted !== undefined && /^(?:(?:0|[1-9]\d{0,2})(?:\.(?!$)|$)){4}$/.test(dotted);
  const bits = four ? ipv4(dotted)?.bits : undefined;
  return bits === undefined ? text : `${head}${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`;
}
