import { expect, test } from 'vitest';
import { conninfoOf, type Link } from '../../src/plan/link.ts';
import { Secret } from '../../src/tools/words.ts';

const LINK: Link = { host: '10.0.0.1', port: 5432, role: 'replicator', applicationName: 'pg2', slot: 'pg2' };
const BEFORE = "host=10.0.0.9 port=1 user=old application_name=x password='of old' sslmode=verify-full";

test('what leads elsewhere goes, and what somebody added to the connection stays', () => {
  expect(conninfoOf(LINK, '/pg', BEFORE)).toMatch(
    /^user=replicator host=10\.0\.0\.1 port=5432 application_name=pg2 .*password='of old'.*sslmode=verify-full/,
  );
});

test('a password in it goes where one is named: libpq would read it, and not our file', () => {
  const conninfo = conninfoOf({ ...LINK, password: new Secret('new') }, '/pg', BEFORE);
  expect(conninfo).not.toContain('password=');
  expect(conninfo).toMatch(/ passfile=\/pg\/pgrepl\.pgpass .*sslmode=verify-full/);
});
