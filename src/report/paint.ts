import type { ChalkInstance } from 'chalk';

/** The colours a printer uses; a Chalk of level 0 leaves the text as it is. */
export type Paint = Pick<ChalkInstance, 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'>;

/** Columns on a terminal, as long as nobody names a node in Chinese. */
export function lengthOf(text: string): number {
  return [...text].length;
}

export function cut(text: string, width: number, unicode: boolean): string {
  if (lengthOf(text) <= width) return text;
  return [...text].slice(0, Math.max(0, width - 1)).join('') + (unicode ? '…' : '~');
}

export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - lengthOf(text)));
}

/** Words in lines that fit. What stands in `backticks` is a command to copy and is never broken. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const token of text.match(/(?:`[^`]*`|[^\s`])+/g) ?? []) {
    const last = lines.at(-1);
    if (last !== undefined && lengthOf(last) + 1 + lengthOf(token) <= width)
      lines[lines.length - 1] = `${last} ${token}`;
    else lines.push(token);
  }
  return lines;
}

/** The same, hanging under a mark. */
export function hanging(mark: string, text: string, width: number): string[] {
  const indent = ' '.repeat(lengthOf(mark));
  return wrapped(text, width - lengthOf(mark)).map((line, index) => (index === 0 ? mark : indent) + line);
}

/** A line of a hint with its commands coloured; one that is a command and nothing else needs no backticks. */
export function withCommands(line: string, color: Paint): string {
  const alone = /^\s*(?:(?:→|->)\s+)?`[^`]*`$/.test(line);
  return line.replace(/`([^`]*)`/g, (_, command: string) =>
    alone ? color.cyan(command) : `\`${color.cyan(command)}\``,
  );
}
