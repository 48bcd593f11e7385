import { withoutProgram } from '../facts/withoutProgram.ts';

/** What psql said last, without its own name in front; one that said nothing gave no answer. */
export function lastLine(text: string): string {
  return withoutProgram(text.trim().split('\n').at(-1) ?? '') || 'no answer in time';
}
