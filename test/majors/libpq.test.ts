import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { uncommonKeys, whoHas } from '../../src/render/conninfo-keys.ts';
import { bindirOf } from './support.ts';

/** A zero ends each name; before it there is one too, or what another name begins with that ends alike. */
const NAMES = ['gssencmode', 'tcp_user_timeout', 'channel_binding', 'ssl_min_protocol_version', 'sslpassword']
  .concat(['ssl_max_protocol_version', 'sslcrldir', 'sslsni', 'gssdelegation', 'load_balance_hosts'])
  .concat(['require_auth', 'sslcertmode', 'sslnegotiation', 'max_protocol_version', 'min_protocol_version'])
  .concat(['sslkeylogfile', 'oauth_client_id', 'oauth_client_secret', 'oauth_issuer', 'oauth_scope'])
  .concat(['scram_client_key', 'scram_server_key', 'authtype', 'tty', 'host', 'requirepeer', 'gsslib']);

test.each([10, 11, 12, 13, 14, 15, 16, 17, 18])('libpq %i has the keys that it is said to have', (major) => {
  const path = join(bindirOf(major), '..', 'lib', 'libpq.so.5');
  if (!existsSync(path)) throw new Error(`${path} is not there`);
  const library = readFileSync(path, 'latin1');
  for (const name of NAMES) {
    const isThere = library.includes(isSaid(name, major) ? `${name}\0` : `\0${name}\0`);
    expect([name, isThere]).toEqual([name, isSaid(name, major)]);
  }
});

function isSaid(name: string, major: number): boolean {
  if (uncommonKeys({ [name]: '' }).length === 0) return true;
  const [, way, boundary] = /(from|up to) PostgreSQL (\d+)/.exec(whoHas(name)) ?? [];
  return way === 'from' ? major >= Number(boundary) : major <= Number(boundary);
}
