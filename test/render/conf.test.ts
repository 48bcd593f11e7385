import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytesOfSize,
  includes,
  milliseconds,
  ownFile,
  parseConf,
  quoteConf,
  withInclude,
  withSettings,
} from '../../src/render/conf.ts';

const NAME = fc.constantFrom('port', 'primary_conninfo', 'work_mem', 'pgrepl.x', 'archive_command');
const VALUE = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !text.includes('\0'));
const LINE = fc.oneof(
  fc.tuple(NAME, VALUE).map(([name, value]) => `${name} = ${quoteConf(value)} # c`),
  fc.constantFrom(
    '',
    '# port = 1',
    ' \t',
    'port 5432',
    "work_mem='4MB'",
    'broken',
    "Port = '1'\r",
    "x = 'open",
  ),
);
const FILE = fc
  .tuple(fc.array(LINE), fc.constantFrom('', '\n'))
  .map(([lines, end]) => lines.join('\n') + end);
const CHANGES = fc.dictionary(NAME, fc.option(VALUE));

describe('quoteConf', () => {
  test.each([
    ['', "''"],
    ["it's", "'it''s'"],
    ['a\\b', "'a\\\\b'"],
    ['a\nb', "'a\\nb'"],
    ['tab\there', "'tab\there'"],
    ["password='se cret\\'x'", "'password=''se cret\\\\''x'''"],
  ])('%j', (value, text) => expect(quoteConf(value)).toBe(text));

  test('reads back', () =>
    fc.assert(
      fc.property(VALUE, (value) => {
        expect(parseConf(`x = ${quoteConf(value)}`).settings).toEqual([{ line: 1, name: 'x', value }]);
      }),
    ));
});

describe('parseConf', () => {
  test.each([
    ['port = 5432', 'port', '5432'],
    ['port 5432', 'port', '5432'],
    ['port=5432#x', 'port', '5432'],
    ["Port'5432'", 'port', '5432'],
    ['work_mem = 64MB', 'work_mem', '64MB'],
    ['x = -1', 'x', '-1'],
    ['x = 0x1F', 'x', '0x1F'],
    ['x = 1.5', 'x', '1.5'],
    ['x = .5e-3', 'x', '.5e-3'],
    ['x = /tmp', undefined, '/'],
    ['x = a/b:c-d.e', 'x', 'a/b:c-d.e'],
    ['x = a.b', undefined, 'a.b'],
    ['a.b = c', 'a.b', 'c'],
    ['a.b.c = d', undefined, 'a.b.c'],
    ['x = 1.5GB', undefined, 'GB'],
    ['x =', undefined, 'end of line'],
    ['x', undefined, 'end of line'],
    ['= 1', undefined, '='],
    ['x = 1 2', undefined, '2'],
    ['x = = 1', undefined, '='],
    ["x = 'open", undefined, "'"],
    ["x = 'it''s a\\\\b\\tc \\'q\\' \"d\" #x' # y", 'x', "it's a\\b\tc 'q' \"d\" #x"],
    ["x = '\\b\\f\\n\\r\\q\\101\\1012\\303\\244'", 'x', '\b\f\n\rqAA2ä'],
    ["x = 'a\\0b'", 'x', 'a'],
    ['größe = straße', 'größe', 'straße'],
    ["  x\t=\t'y'\r", 'x', 'y'],
  ])('%s', (text, name, value) => {
    const { settings, errors } = parseConf(text);
    if (name === undefined)
      expect({ settings, errors }).toEqual({ settings: [], errors: [{ line: 1, near: value }] });
    else expect({ settings, errors }).toEqual({ settings: [{ line: 1, name, value }], errors: [] });
  });

  test('tells includes and lines apart', () =>
    expect(parseConf("#x\ninclude 'a'\nINCLUDE_IF_EXISTS = b\n\ninclude_dir 'c d'\nport 1")).toEqual({
      settings: [{ line: 6, name: 'port', value: '1' }],
      includes: [
        { line: 2, kind: 'include', target: 'a' },
        { line: 3, kind: 'include_if_exists', target: 'b' },
        { line: 5, kind: 'include_dir', target: 'c d' },
      ],
      errors: [],
    }));
});

describe('withSettings', () => {
  test.each<[string, Record<string, string | null>, string]>([
    ['', { a: '1' }, "a = '1'\n"],
    ['# x', { a: '1' }, "# x\na = '1'\n"],
    ["# x\na = '1'\n", { a: '1' }, "# x\na = '1'\n"],
    ['a = 1', { a: '1' }, 'a = 1'],
    ['a = 1\na = 1\n', { a: '1' }, "a = '1'\n"],
    ['A 1\n#a = 2\nb = 3\n', { a: '2' }, "#a = 2\nb = 3\na = '2'\n"],
    ['a = 1 # why\r\nb = 2\r\n', { a: null }, 'b = 2\r\n'],
    ['b = 2', { a: null }, 'b = 2'],
    ['b = 2\na = 1', { a: null, b: '2' }, 'b = 2\n'],
    ['a = 1', { a: null }, ''],
  ])('%j %j', (text, changes, result) => expect(withSettings(text, changes)).toBe(result));

  test('says what was asked, leaves the rest, and is at rest', () =>
    fc.assert(
      fc.property(FILE, CHANGES, (text, changes) => {
        const once = withSettings(text, changes);
        const others = (conf: string) => parseConf(conf).settings.filter(({ name }) => !(name in changes));
        const plain = (conf: string) => others(conf).map(({ name, value }) => [name, value]);
        for (const [name, value] of Object.entries(changes)) {
          const found = parseConf(once).settings.filter((line) => line.name === name);
          expect(found.map((line) => line.value)).toEqual(value === null ? [] : [value]);
        }
        expect(plain(once)).toEqual(plain(text));
        expect(parseConf(once).errors.length).toBe(parseConf(text).errors.length);
        expect(withSettings(once, changes)).toBe(once);
      }),
    ));
});

test('ownFile is sorted under its header', () => {
  expect(ownFile({ b: "it's", a: '1' })).toBe(
    "# Written by pgrepl; what is written here by hand is lost.\na = '1'\nb = 'it''s'\n",
  );
  expect(ownFile({}, '# mine')).toBe('# mine\n');
});

describe('withInclude', () => {
  test.each([
    ['', "include_if_exists = 'pgrepl.conf'  # pgrepl\n"],
    ['port = 1', "port = 1\ninclude_if_exists = 'pgrepl.conf'  # pgrepl\n"],
    ['port = 1\n', "port = 1\ninclude_if_exists = 'pgrepl.conf'  # pgrepl\n"],
    ["include 'pgrepl.conf'", "include 'pgrepl.conf'"],
    ["#include 'pgrepl.conf'\n", "#include 'pgrepl.conf'\ninclude_if_exists = 'pgrepl.conf'  # pgrepl\n"],
  ])('%j', (text, result) => {
    expect(withInclude(text, 'pgrepl.conf')).toBe(result);
    expect(withInclude(result, 'pgrepl.conf')).toBe(result);
    expect(includes(result, 'pgrepl.conf')).toBe(true);
    expect(includes(result, 'other.conf')).toBe(false);
  });
});

test.each([
  ['1GB', 'kB', 1024 ** 3],
  ['64MB', '8kB', 64 * 1024 ** 2],
  ['16384', '8kB', 16384 * 8192],
  ['128', 'MB', 128 * 1024 ** 2],
  ['1.5GB', 'MB', 1536 * 1024 ** 2],
  ['100', 'B', 100],
  [' 1 kB ', 'kB', 1024],
  ['0x10', 'kB', 16384],
  ['010', 'kB', 8192],
  ['09', 'kB', undefined],
  ['09.', 'kB', undefined],
  ['+.5', 'MB', undefined],
  ['.5', 'MB', 0],
  ['0x8.8', 'MB', 8 * 1024 ** 2],
  ['0x1.8GB', 'kB', 1536 * 1024 ** 2],
  ['-1', 'MB', -1],
  ['0', 'MB', 0],
  ['1gb', 'kB', undefined],
  ['1s', 'kB', undefined],
  ['5constructor', 'kB', undefined],
  ['', 'kB', undefined],
  ['on', 'kB', undefined],
  ['1', '', undefined],
])('bytesOfSize %j %j', (value, unit, bytes) => expect(bytesOfSize(value, unit)).toBe(bytes));

test.each([
  ['5s', 'ms', 5000],
  ['5000', 'ms', 5000],
  ['2min', 's', 120_000],
  ['1h', 'ms', 3_600_000],
  ['1d', 'min', 86_400_000],
  ['.509d', 'ms', 43_200_000],
  ['500us', 'ms', 0],
  ['501us', 'ms', 1],
  ['1500us', 'ms', 2],
  ['0.5s', 'ms', 500],
  ['60', 's', 60_000],
  ['-1', 'ms', -1],
  ['1MB', 'ms', undefined],
])('milliseconds %j %j', (value, unit, time) => expect(milliseconds(value, unit)).toBe(time));
