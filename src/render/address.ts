/** An IPv4 or IPv6 address as a number of 32 or 128 bits. */
export type Address = { width: 32 | 128; bits: bigint };

/** Undefined for whatever is neither, such as the name of a host. */
export function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? ipv6(text.toLowerCase()) : ipv4(text);
}

/** The mask of a CIDR length: pg_sockaddr_cidr_mask() in ifaddr.c. */
export function maskOf(length: string, width: 32 | 128): bigint | undefined {
  if (!/^\d+$/.test(length) || Number(length) > width) return undefined;
  const host = BigInt(width - Number(length));
  return ((1n << BigInt(width)) - 1n) & ~((1n << host) - 1n);
}

function ipv4(text: string): Address | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    return undefined;
  return { width: 32, bits: parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n) };
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
  const bits = dotted === undefined ? undefined : ipv4(dotted)?.bits;
  return bits === undefined ? text : `${head}${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`;
}
