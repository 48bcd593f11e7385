import { describe, expect, test } from 'vitest';
import type { Lsn } from '../../src/facts/lsn.ts';
import {
  divergenceOf,
  forkOf,
  segmentName,
  segmentOf,
  segmentOfName,
  type History,
} from '../../src/plan/divergence.ts';

const at = (text: string): Lsn => text as Lsn;

/** `1@0/3000 2@0/5000 3` is timeline 3, which left 2 at 0/5000, which left 1 at 0/3000. */
function history(text: string): History {
  const words = text.split(' ');
  const ended = words.slice(0, -1).map((word) => {
    const [timeline, end = ''] = word.split('@');
    return { timeline: Number(timeline), end: at(end) };
  });
  return { timeline: Number(words.at(-1)), ended };
}

describe('where two histories part', () => {
  test.each([
    ['1', '1', { timeline: 1 }],
    ['1', '1@0/3000 2', { timeline: 1, end: '0/3000' }],
    ['1@0/3000 2', '1', { timeline: 1, end: '0/3000' }],
    ['1@0/3000 2', '1@0/3000 2@0/5000 3', { timeline: 2, end: '0/5000' }],
    ['1@0/3000 2', '1@0/4000 3', { timeline: 1, end: '0/3000' }],
    ['1@0/4000 3', '1@0/3000 2', { timeline: 1, end: '0/3000' }],
    // Promoted twice under the same number.
    ['1@0/3000 2', '1@0/3100 2', { timeline: 1, end: '0/3000' }],
    ['1@0/3000 2', '1@0/3000 2', { timeline: 2 }],
    ['2', '1', undefined],
  ])('%s and %s', (ours, theirs, fork) => {
    expect(forkOf(history(ours), history(theirs))).toEqual(fork);
  });
});

describe('whether a server can follow another', () => {
  const other = history('1@0/3000 2');
  test.each([
    ['its last record begins before the fork', '1', { record: at('0/2FF0') }, 'none'],
    ['its last record begins at the fork', '1', { record: at('0/3000') }, 'diverged'],
    ['its last record begins after the fork', '1', { record: at('0/3010') }, 'diverged'],
    ['its WAL ends at the fork', '1', { end: at('0/3000') }, 'none'],
    ['its WAL ends after the fork', '1', { end: at('0/3001') }, 'diverged'],
    ['where its WAL ends is not known', '1', {}, 'unknown'],
    ['it is on the same timeline', '1@0/3000 2', { record: at('0/9000') }, 'same timeline'],
    ['it was promoted itself, later', '1@0/3100 2', { record: at('0/3120') }, 'diverged'],
    ['it is on a timeline after the other', '1@0/3000 2@0/4000 3', { record: at('0/4010') }, 'diverged'],
    ['they have nothing in common', '5', {}, 'stranger'],
  ] as const)('%s', (_, own, more, is) => {
    expect(divergenceOf({ history: history(own), ...more }, other)).toMatchObject({ is });
  });
});

const MB = 1024 * 1024;

test.each([
  ['0/0', 16, 1, '000000010000000000000000'],
  ['0/3000060', 16, 2, '000000020000000000000003'],
  ['1/0', 16, 26, '0000001A0000000100000000'],
  ['A/FF123456', 16, 1, '000000010000000A000000FF'],
  ['1/40000000', 64, 1, '000000010000000100000010'],
  ['3/C0000000', 1024, 1, '000000010000000300000003'],
])('the file that holds %s, where segments have %i MB', (position, megabytes, timeline, name) => {
  const segment = segmentOf(at(position), megabytes * MB);
  expect(segmentName(timeline, segment, megabytes * MB)).toBe(name);
  expect(segmentOfName(name, megabytes * MB)).toBe(segment);
});
