import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export type Conversation = { input: Readable; output: Writable };

/** Shows what is about to be removed or replaced and waits for a y. Everything else, the end of input too, is no. */
export async function confirm(
  lines: readonly string[],
  { input, output }: Conversation = { input: process.stdin, output: process.stderr },
): Promise<boolean> {
  output.write(lines.map((line) => `${line}\n`).join(''));
  return /^y(es)?$/i.test((await answerTo('Go on? [y/N] ', { input, output })).trim());
}

function answerTo(question: string, { input, output }: Conversation): Promise<string> {
  const reader = createInterface({ input, output });
  return new Promise((resolve) => {
    reader.once('close', () => resolve(''));
    reader.once('SIGINT', () => reader.close());
    reader.question(question, (answer) => {
      resolve(answer);
      reader.close();
    });
  });
}
