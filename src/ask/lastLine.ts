/** What psql said last, without its own name in front; one that said nothing gave no answer. */
export function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').replace(/^psql: (error: )?/, '') || 'no answer in time';
}
