import { maskOf, parseAddress, type Address } from './address.ts';
import type { HbaLine, HbaToken } from './hba-line.ts';

export type HbaRecord = {
  line: number;
  type: 'local' | 'host' | 'hostssl' | 'hostnossl' | 'hostgssenc' | 'hostnogssenc';
  databases: readonly HbaToken[];
  users: readonly HbaToken[];
  /** As written. A quoted `all`, `samehost` or `samenet` is the name of a host and keeps its quotes here. */
  address?: string;
  mask?: string;
  method: string;
  options: readonly string[];
};

const TYPES = ['local', 'host', 'hostssl', 'hostnossl', 'hostgssenc', 'hostnogssenc'] as const;
const PLACES = ['all', 'samehost', 'samenet'];

/** A record, or what parse_hba_line() in hba.c says about it, without the name of the file. */
export function readRecord({ line, fields }: HbaLine): HbaRecord | string {
  const [kind, databases, users, ...rest] = fields;
  const type = TYPES.find((known) => known === kind?.[0]?.text);
  if ((kind?.length ?? 0) > 1) return 'multiple values specified for connection type';
  if (type === undefined) return `invalid connection type "${kind?.[0]?.text ?? ''}"`;
  if (databases === undefined) return 'end-of-line before database specification';
  if (users === undefined) return 'end-of-line before role specification';
  const place = type === 'local' ? { used: 0 } : readPlace(rest);
  if (typeof place === 'string') return place;
  const { used, ...where } = place;
  const [method, ...options] = rest.slice(used);
  const problem = methodProblem(type, method);
  if (problem !== undefined) return problem;
  const words = options.flat().map((token) => token.text);
  const wrong = words.find((word) => !word.includes('='));
  if (wrong !== undefined) return `authentication option not in name=value format: ${wrong}`;
  return { line, type, databases, users, ...where, method: methodOf(type, method), options: words };
}

type Place = { used: number; address: string; mask?: string };

function readPlace([address, mask]: readonly (readonly HbaToken[])[]): Place | string {
  const [token, ...more] = address ?? [];
  if (token === undefined) return 'end-of-line before IP address specification';
  if (more.length > 0) return 'multiple values specified for host address';
  if (PLACES.includes(token.text))
    return { used: 1, address: token.quoted ? quoted(token.text) : token.text };
  const slash = token.text.indexOf('/');
  const parsed = parseAddress(slash < 0 ? token.text : token.text.slice(0, slash));
  if (slash >= 0) return cidrProblem(token.text, slash, parsed) ?? { used: 1, address: token.text };
  if (parsed === undefined) return { used: 1, address: token.text };
  return maskProblem(parsed, mask) ?? { used: 2, address: token.text, mask: mask?.[0]?.text ?? '' };
}

function quoted(text: string): string {
  return `"${text}"`;
}

function cidrProblem(text: string, slash: number, parsed: Address | undefined): string | undefined {
  if (parsed === undefined) return `specifying both host name and CIDR mask is invalid: "${text}"`;
  const known = maskOf(text.slice(slash + 1), parsed.width) !== undefined;
  return known ? undefined : `invalid CIDR mask in address "${text}"`;
}

function maskProblem(address: Address, mask: readonly HbaToken[] | undefined): string | undefined {
  if (mask === undefined) return 'end-of-line before netmask specification';
  if (mask.length > 1) return 'multiple values specified for netmask';
  const parsed = parseAddress(mask[0]?.text ?? '');
  if (parsed === undefined) return `invalid IP mask "${mask[0]?.text ?? ''}"`;
  return parsed.width === address.width ? undefined : 'IP address and mask do not match';
}

/** Those of 10 to 18. Which of them a server was built with, only it knows. */
const METHODS =
  'trust ident peer password gss sspi reject md5 scram-sha-256 pam bsd ldap cert radius oauth'.split(' ');

/** On a socket `ident` is an old name of `peer`. */
function methodOf(type: HbaRecord['type'], field: readonly HbaToken[] | undefined): string {
  const method = field?.[0]?.text ?? '';
  return type === 'local' && method === 'ident' ? 'peer' : method;
}

function methodProblem(type: HbaRecord['type'], field: readonly HbaToken[] | undefined): string | undefined {
  const [method, ...more] = (field ?? []).map((token) => token.text);
  if (method === undefined) return 'end-of-line before authentication method';
  if (more.length > 0) return 'multiple values specified for authentication type';
  if (!METHODS.includes(method)) return `invalid authentication method "${method}"`;
  if (method === 'gss' && type === 'local') return 'gssapi authentication is not supported on local sockets';
  if (method === 'peer' && type !== 'local') return 'peer authentication is only supported on local sockets';
  if (method === 'cert' && type !== 'hostssl')
    return 'cert authentication is only supported on hostssl connections';
  return undefined;
}
