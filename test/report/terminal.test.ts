import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { confirm } from '../../src/report/confirm.ts';
import { humanBytes, humanSeconds, isTerminal, isUnicode, width } from '../../src/report/terminal.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 kB'],
  [16384, '16 kB'],
  [1024 * 1024 - 1, '1 MB'],
  [1.25 * 1024 ** 3, '1.3 GB'],
  [87 * 1024 ** 2, '87 MB'],
  [3 * 1024 ** 5 * 1024, '3072 PB'],
])('%i bytes are %s', (bytes, text) => {
  expect(humanBytes(bytes)).toBe(text);
});

test.each([
  [0, '0 s'],
  [0.42, '0.4 s'],
  [9.96, '10 s'],
  [59.4, '59 s'],
  [59.6, '1 min'],
  [125, '2 min 5 s'],
  [3600, '1 h'],
  [10_920, '3 h 2 min'],
])('%d seconds are %s', (seconds, text) => {
  expect(humanSeconds(seconds)).toBe(text);
});

test('the screen', () => {
  expect(width({ columns: 132 }, {})).toBe(132);
  expect(width({}, { COLUMNS: '50' })).toBe(50);
  expect(width({}, {})).toBe(80);
  expect(isTerminal({ isTTY: true })).toBe(true);
  expect(isTerminal({})).toBe(false);
});

test.each([
  [{ LANG: 'de_DE.UTF-8' }, true],
  [{ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, false],
  [{ LC_ALL: '', LC_CTYPE: 'C.utf8' }, true],
  [{}, false],
])('%j draws boxes: %s', (env, wanted) => {
  expect(isUnicode(env)).toBe(wanted);
});

test.each([
  ['y\n', true],
  ['Yes\n', true],
  ['n\n', false],
  ['\n', false],
  ['yikes\n', false],
  ['', false],
])('the answer %j', async (typed, wanted) => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  input.end(typed);
  expect(await confirm(['/pg/2 is moved aside'], { input, output })).toBe(wanted);
  expect(String(output.read())).toContain('/pg/2 is moved aside\nGo on? [y/N] ');
});
