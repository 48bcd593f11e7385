import { failure } from '../errors.ts';
import { parseLsn } from '../facts/lsn.ts';
import { eightDigits, type Ended, type History } from './divergence.ts';

/** A history file that PostgreSQL refuses: `line` is absent where the file as a whole does not fit its timeline. */
export type Wrong = { line?: number; because: string };

/** Of `"%u\t%X/%X"` the blanks, a sign and `0x` are sscanf's; a tab is any blanks, and what follows is not read. */
const LINE =
  /^[ \t\v\f\r]*([+-]?\d+)(?!\d)[ \t\v\f\r]*([+-]?(?:0[xX])?[0-9A-Fa-f]+)\/[ \t\v\f\r]*([+-]?(?:0[xX])?[0-9A-Fa-f]+)/;
const NUMBER = /^[ \t\v\f\r]*[+-]?\d/;

/**
 * NNNNNNNN.history as readTimeLineHistory() of timeline.c reads it: parent, position where it was left, reason; `#` is
 * a comment, parents go up, and the timeline comes after all of them. What it refuses is no history.
 */
export function parseHistory(timeline: number, text: string): History | Wrong {
  const ended: Ended[] = [];
  // The first one has no parents, whatever lies there.
  if (timeline === 1) return { timeline, ended };
  for (const [at, line] of text.split('\n').entries()) {
    if (/^[ \t\v\f\r]*(?:#|$)/.test(line)) continue;
    const read = endedOf(line);
    const last = ended.at(-1)?.timeline ?? 0;
    if (typeof read === 'string') return { line: at + 1, because: read };
    if (ended.length > 0 && read.timeline <= last)
      return { line: at + 1, because: `timeline ${read.timeline} does not come after ${last}` };
    ended.push(read);
  }
  const last = ended.at(-1)?.timeline ?? 0;
  if (ended.length > 0 && timeline <= last)
    return { because: `timeline ${last} is no parent of ${timeline}` };
  return { timeline, ended };
}

function endedOf(line: string): Ended | string {
  const [, id = '', high = '', low = ''] = LINE.exec(line) ?? [];
  const end = parseLsn(`${hex(high)}/${hex(low)}`);
  if (id !== '' && end !== undefined) return { timeline: Number(unsigned(id, '')), end };
  return NUMBER.test(line)
    ? 'the position where the timeline was left is missing'
    : 'does not begin with the number of a timeline';
}

function hex(digits: string): string {
  return digits === '' ? '' : unsigned(digits.replace(/0x/i, ''), '0x').toString(16).toUpperCase();
}

/** What strtoul() makes of it in 64 bits, and `unsigned int` of that. */
function unsigned(digits: string, base: '' | '0x'): bigint {
  const most = 2n ** 64n - 1n;
  const size = BigInt(`${base}${digits.replace(/^[+-]/, '')}`);
  const value = size > most ? most : digits.startsWith('-') ? -size : size;
  return BigInt.asUintN(32, value);
}

/**
 * The history that a server gave of one of its timelines. Throws `refused` with the node, the file and the line where
 * PostgreSQL would refuse it: nobody knows then what the server has behind it.
 */
export function historyOf(node: string, timeline: number, text: string): History {
  const history = parseHistory(timeline, text);
  if ('timeline' in history) return history;
  const file = `pg_wal/${historyName(timeline)}`;
  const { line, because } = history;
  throw failure(
    'refused',
    `${node}: ${file}${line === undefined ? '' : ` line ${line}`}: ${because}`,
    'PostgreSQL refuses this file too. Another server of the cluster, or the archive, has it whole: put that in its place.',
  );
}

export function historyName(timeline: number): string {
  return `${eightDigits(timeline)}.history`;
}
