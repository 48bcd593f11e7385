import { expect, test } from 'vitest';
import { sectionsOf } from '../../src/facts/sections.ts';
import { whyMute, type WhyMute } from '../../src/facts/whyMute.ts';

const SOCKET = 'psql: error: connection to server on socket "/tmp/.s.PGSQL.5432" failed: FATAL:  ';

test.each<[string, string, Partial<WhyMute>]>([
  ['all connections are taken', 'sorry, too many clients already', { serves: true, waits: false }],
  ['nobody of ours is let in', 'role "root" does not exist', { serves: true, waits: false }],
  ['its hot_standby is off', 'the database system is not accepting connections', { waits: false }],
  ['it starts', 'the database system is starting up', { waits: true }],
  ['it stops', 'the database system is shutting down', { waits: false }],
])('%s', (_, said, expected) => {
  const output = `\n@t tried\npostgres\n${SOCKET}${said}`;
  const { serves, waits } = whyMute(
    { name: 'pg1', host: { via: 'local' } } as never,
    sectionsOf(output, '@t'),
  );
  expect({ waits, ...(serves === undefined ? {} : { serves }) }).toEqual(expected);
});
