import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePgpass, pgpassLine } from '../../src/render/pgpass.ts';
import { Secret, redacted, type Text } from '../../src/tools/words.ts';

const plain = (text: Text) =>
  text.map((part) => (part instanceof Secret ? part.reveal() : String(part))).join('');
const FIELDS = { host: 'h', port: 5432, database: 'replication', user: 'r', password: new Secret('p') };

test.each([
  [{}, 'h:5432:replication:r:p\n'],
  [{ host: '*', port: '*' as const, database: '*', user: '*' }, '*:*:*:\\*:p\n'],
  [{ host: 'fd00::2' }, 'fd00\\:\\:2:5432:replication:r:p\n'],
  [{ host: '#h' }, '\\#h:5432:replication:r:p\n'],
  [{ user: 'a\\b', password: new Secret('x:y\\z#') }, 'h:5432:replication:a\\\\b:x\\:y\\\\z#\n'],
])('%j', (some, line) => expect(plain(pgpassLine({ ...FIELDS, ...some }))).toBe(line));

test('shows no password', () => expect(redacted(pgpassLine(FIELDS))).toBe('h:5432:replication:r:••••••\n'));

test.each(['a\nb', 'a\r', 'a\0'])('refuses %j', (password) =>
  expect(() => pgpassLine({ ...FIELDS, password: new Secret(password) })).toThrow(RangeError),
);

test.each([
  ['', []],
  ['# a:b:c:d:e\nshort:1\n', []],
  ['h:1:*:u:x:y\r\n', [{ line: 1, host: 'h', port: '1', user: 'u', password: 'x' }]],
  ['h:1:*:u:x\\:y\\', [{ line: 1, host: 'h', port: '1', user: 'u', password: 'x:y\\' }]],
  ['*:*:*:*:a\u2028b', [{ line: 1, password: 'a\u2028b' }]],
  ['\n\\*:*:d\\:b:u:\\\\\\:', [{ line: 2, host: '*', database: 'd:b', user: 'u', password: '\\:' }]],
])('%j', (text, entries) =>
  expect(parsePgpass(text).map((entry) => ({ ...entry, password: entry.password.reveal() }))).toEqual(
    entries,
  ),
);

test('reads back', () => {
  const field = fc.string({ unit: 'grapheme' }).filter((text) => !/[\n\r\0]/.test(text) && text !== '*');
  fc.assert(
    fc.property(field, field, field, field, (host, database, user, password) => {
      const [entry] = parsePgpass(
        plain(pgpassLine({ host, port: 1, database, user, password: new Secret(password) })),
      );
      expect({ ...entry, password: entry?.password.reveal() }).toEqual({
        line: 1,
        host,
        port: '1',
        database,
        user,
        password,
      });
    }),
  );
});
