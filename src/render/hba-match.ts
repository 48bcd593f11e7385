import { maskOf, parseAddress, type Address } from './address.ts';
import type { HbaToken } from './hba-line.ts';
import type { HbaRecord } from './hba-record.ts';

/** A physical replication connection. `address` is an address, a network (all of it), or the name of a host. */
export type Connection = { replication: true; user: string; address: string; ssl: boolean };

/** Whether check_hba() in hba.c would go by this record. */
export function matches(record: HbaRecord, want: Connection): boolean {
  return (
    matchesType(record, want.ssl) &&
    record.databases.some(isReplication) &&
    record.users.some((token) => matchesUser(token, want.user)) &&
    matchesAddress(record, want.address)
  );
}

/** A token that matches physical replication: `all` does not, and neither does "replication" in quotes. */
export function isReplication(token: HbaToken): boolean {
  return isKeyword(token, 'replication');
}

function isKeyword(token: HbaToken, word: string): boolean {
  return !token.quoted && token.text === word;
}

function matchesType({ type }: HbaRecord, ssl: boolean): boolean {
  return type === 'host' || type === 'hostnogssenc' || type === (ssl ? 'hostssl' : 'hostnossl');
}

function matchesUser(token: HbaToken, user: string): boolean {
  if (isKeyword(token, 'all')) return true;
  if (!token.quoted && /^[+@]./.test(token.text)) return false;
  return token.text === user || (token.text.startsWith('/') && matchesPattern(token.text.slice(1), user));
}

/** A regular expression of PostgreSQL is near enough to one of ours; one that is not matches nothing. */
function matchesPattern(pattern: string, user: string): boolean {
  try {
    return new RegExp(pattern).test(user);
  } catch {
    return false;
  }
}

function matchesAddress(record: HbaRecord, wanted: string): boolean {
  if (record.address === 'all') return true;
  const want = networkOf(wanted);
  if (record.address === 'samehost' || record.address === 'samenet')
    return want !== undefined && isLoopback(want);
  const there = networkOf(record.address ?? '', record.mask);
  if (want === undefined || there === undefined)
    return record.address?.toLowerCase() === wanted.toLowerCase();
  if (want.width !== there.width || (want.mask & there.mask) !== there.mask) return false;
  return ((want.bits ^ there.bits) & there.mask) === 0n;
}

type Network = Address & { mask: bigint };

function networkOf(text: string, mask?: string): Network | undefined {
  const [address = '', length] = text.split('/');
  const parsed = parseAddress(address);
  if (parsed === undefined) return undefined;
  const given = mask === undefined ? undefined : parseAddress(mask)?.bits;
  const bits = given ?? maskOf(length ?? String(parsed.width), parsed.width);
  return bits === undefined ? undefined : { ...parsed, mask: bits };
}

function isLoopback({ width, bits }: Address): boolean {
  return width === 32 ? bits >> 24n === 127n : bits === 1n;
}
