import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  basebackupProgress,
  drawnProgress,
  plainProgress,
  progressLine,
  progressOn,
} from '../../src/report/progress.ts';

describe('what the tools print', () => {
  test.each([
    [
      'pg_basebackup',
      '  12345/67890 kB (18%), 0/1 tablespace (/pg/2/base/1/2619            )\r',
      12345,
      67890,
      18,
    ],
    ['the end of pg_basebackup', '67890/67890 kB (100%), 1/1 tablespace\n', 67890, 67890, 100],
    ['more than was thought', '70000/67890 kB (100%), 1/1 tablespace\n', 70000, 67890, 100],
    ['pg_rewind', ' 123/456 kB (26%) copied\r', 123, 456, 26],
    ['the newest of two', '1/100 kB (1%), 0/1 tablespace\r50/100 kB (50%), 0/1 tablespace\r', 50, 100, 50],
    ['nothing known yet', '0/0 kB (0%), 0/1 tablespace\r', 0, 0, 0],
  ])('%s', (_, piece, doneKb, totalKb, percent) => {
    expect(basebackupProgress()(piece)).toEqual({ doneKb, totalKb, percent });
  });

  test('in pieces that end anywhere', () => {
    const text = '  123/67890 kB (0%), 0/1 tablespace\r 33945/67890 kB (50%), 0/1 tablespace\r';
    const parse = basebackupProgress();
    const samples = [...text].map((char) => parse(char)).filter((sample) => sample !== undefined);
    expect(samples.map((sample) => sample.doneKb)).toEqual([123, 33945]);
  });

  test('talk is no progress', () => {
    expect(basebackupProgress()('pg_basebackup: checkpoint completed\n')).toBeUndefined();
  });
});

const MB = 1024;
const sample = (doneMb: number, totalMb = 1200) => ({
  doneKb: doneMb * MB,
  totalKb: totalMb * MB,
  percent: Math.floor((doneMb / totalMb) * 100),
});

test.each([
  ['with speed', [{ at: 1000, doneKb: 77 * MB }], 6000, '42 %  512 MB of 1.2 GB  87 MB/s  8 s left'],
  ['the first', [], 6000, '42 %  512 MB of 1.2 GB'],
  ['stuck', [{ at: 1000, doneKb: 512 * MB }], 6000, '42 %  512 MB of 1.2 GB'],
  [
    'the speed of the last ten seconds',
    [
      { at: 0, doneKb: 0 },
      { at: 20_000, doneKb: 412 * MB },
    ],
    30_000,
    '42 %  512 MB of 1.2 GB  10 MB/s  1 min 9 s left',
  ],
])('a line: %s', (_, history, now, line) => {
  expect(progressLine({ ...sample(512), percent: 42 }, history, now)).toBe(line);
});

test('kept lines: one in 5 s and 10 %, one a minute, and the last', () => {
  const lines: string[] = [];
  const progress = plainProgress((line) => lines.push(line.split('  ')[0] ?? ''));
  const times: [number, number][] = [
    [0, 0],
    [1, 20],
    [5, 24],
    [6, 25],
    [10, 26],
    [11, 35],
    [70, 36],
    [71, 36],
    [72, 100],
    [73, 100],
  ];
  for (const [seconds, percent] of times)
    progress.show({ doneKb: percent, totalKb: 100, percent }, seconds * 1000);
  progress.done();
  expect(lines).toEqual(['0 %', '24 %', '35 %', '36 %', '100 %']);
});

test('drawn lines: ten a second at most, and cleared', () => {
  const drawn: string[] = [];
  const progress = drawnProgress(
    (line) => drawn.push(line.split('  ')[0] ?? ''),
    () => drawn.push('clear'),
  );
  for (const at of [0, 50, 100, 150, 250]) progress.show(sample(at, 1000), at);
  progress.done();
  expect(drawn).toEqual(['0 %', '10 %', '25 %', 'clear']);
});

test('a pipe gets lines, a terminal one line that is drawn again', async () => {
  const written: string[] = [];
  const stream = new Writable({
    write(chunk, _, done) {
      written.push(String(chunk));
      done();
    },
  });
  (await progressOn(stream, 'pg2')).show(sample(512), 0);
  expect(written).toEqual(['pg2  42 %  512 MB of 1.2 GB\n']);
  const terminal = Object.assign(stream, { isTTY: true, columns: 80, rows: 24 });
  (await progressOn(terminal, 'pg2')).show(sample(600), 0);
  expect(written.join('')).toContain('pg2  50 %  600 MB of 1.2 GB');
});
