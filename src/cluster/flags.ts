import { resolve } from 'node:path';
import { parseHost } from './host.ts';
import { pathFault } from './path.ts';
import type { Host } from './types.ts';
import { failure } from '../errors.ts';

/** The flags that name a server; every verb takes them. */
export type TargetFlags = {
  config?: string;
  pgdata?: string;
  port?: number;
  on?: string;
  bindir?: string;
  name?: string;
  superuser?: string;
  replicationRole?: string;
  passwordFile?: string;
};

/** Roles are the same on every server of a cluster. */
export function superuserOf({ superuser }: TargetFlags): { superuser?: string } {
  return superuser === undefined ? {} : { superuser };
}

/** Where `--on` says that a server is. Throws `usage`. */
export function hostOf(text: string): Host {
  const host = parseHost(text);
  if ('error' in host)
    throw failure(
      'usage',
      `--on ${text}: ${host.error}`,
      'It is local, ssh://[user@]host[:port] or docker://container.',
    );
  return host;
}

/** The data directory that `--pgdata` names: of this machine, what is relative to where we are. Throws `usage`. */
export function absolute(path: string, host: Host): string {
  const whole = host.via === 'local' ? resolve(path) : path.replace(/(.)\/+$/, '$1');
  const fault = pathFault(whole);
  if (fault === undefined) return whole;
  throw failure('usage', `--pgdata ${JSON.stringify(path)}: ${fault}`);
}
