import { expect, test } from 'vitest';
import { sectionsOf } from '../../src/facts/sections.ts';
import { whyMute, type WhyMute } from '../../src/facts/whyMute.ts';

const SOCKET = 'psql: error: connection to server on socket "/tmp/.s.PGSQL.5432" failed: FATAL:  ';

const seen = (said: string, status?: string): WhyMute =>
  whyMute(
    { name: 'pg1', host: { via: 'local' } } as never,
    sectionsOf(
      `\n@t tried\npostgres\n${SOCKET}${said}${status === undefined ? '' : `\n@t pmstatus\n${status}`}`,
      '@t',
    ),
  );

test.each<[string, string, Partial<WhyMute>]>([
  ['all connections are taken', 'sorry, too many clients already', { serves: true, waits: false }],
  ['nobody of ours is let in', 'role "root" does not exist', { serves: true, waits: false }],
  ['its hot_standby is off', 'the database system is not accepting connections', { waits: false }],
  ['it starts', 'the database system is starting up', { waits: true }],
  ['it stops', 'the database system is shutting down', { waits: false }],
])('%s', (_, said, expected) => {
  const { serves, waits } = seen(said);
  expect({ waits, ...(serves === undefined ? {} : { serves }) }).toEqual(expected);
});

/** de.po of postgres. */
test.each([
  ['das Datenbanksystem startet', 'starting', { waits: true }],
  ['das Datenbanksystem fährt herunter', 'stopping', { waits: false }],
  ['tut mir leid, schon zu viele Verbindungen', 'ready   ', { waits: false, serves: true }],
  ['Rolle »postgres« existiert nicht', 'ready   ', { waits: false, serves: true }],
])('in another language: %s', (said, status, expected) => {
  const { because, hint, ...rest } = seen(said, status);
  expect(rest).toEqual(expected);
  expect(because).toContain(said);
  expect(/shutting down/.test(because)).toBe(status === 'stopping');
  expect(/superuser was let in/.test(because)).toBe(said.includes('postgres'));
  expect(hint === undefined).toBe(!('serves' in expected));
});
