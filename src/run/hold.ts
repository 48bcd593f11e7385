import { quoteWord, quoteWords } from '../tools/words.ts';
import { newToken } from './token.ts';
import { begin, type Spawned, type Conversation } from './spawn.ts';

export type Heard = { stdout: string; stderr: string; ended: boolean; timedOut: boolean };

/** A program that is kept while it is useful: its output so far, a shell to go on with, and its end. */
export type Held = Heard & {
  /** Runs words in the shell that the program became. One after another: a second call waits for the first. */
  run: (words: readonly string[], options: { stdin: string; seconds: number }) => Promise<Spawned>;
  /** Waits until it holds of all that was said, or the program ended, or the time is over: then it is killed. */
  hear: (holds: (stdout: string) => boolean, seconds: number) => Promise<Heard>;
  release: () => Promise<void>;
};

/** Starts a program and returns once `until` is in its output, or it ended. It ends when it is released, or with us. */
export type Hold = (words: readonly string[], until: string, seconds: number) => Promise<Held>;

export const hold: Hold = async (words, until, seconds) => {
  const { conversation, heard, end } = begin(words);
  const hear: Held['hear'] = async (holds, within) => {
    const held = await conversation.listen(() => holds(heard.stdout), within);
    const timedOut = !held && !heard.ended;
    if (timedOut) {
      conversation.kill();
      heard.stderr += `no answer within ${within} s`;
    }
    return { stdout: heard.stdout, stderr: heard.stderr || heard.why, ended: heard.ended, timedOut };
  };
  const first = await hear((stdout) => stdout.includes(until), seconds);
  let queue: Promise<unknown> = Promise.resolve();
  return {
    ...first,
    hear,
    run: (argv, options) => {
      const next = queue.then(() => converse(argv, options, conversation));
      queue = next;
      return next;
    },
    release: end,
  };
};

/**
 * One command in a shell that reads its commands from us. stdin is a builtin's output, so that nothing of it is in
 * an argv; descriptor 9 is the lock, which a server that is started must not inherit.
 */
async function converse(
  argv: readonly string[],
  options: { stdin: string; seconds: number },
  shell: Conversation,
): Promise<Spawned> {
  const began = performance.now();
  const { heard } = shell;
  const token = newToken();
  const command = quoteWords(argv);
  const input =
    options.stdin === '' ? `${command} </dev/null` : `printf %s ${quoteWord(options.stdin)} | ${command}`;
  heard.stdout = '';
  heard.stderr = '';
  shell.write(`{ ${input}; } 9>&-; r=$?; printf '\n%s %s\n' ${token} "$r"; printf '\n%s\n' ${token} >&2\n`);
  const mark = new RegExp(`\n${token} (\\d+)\n$`);
  const done = await shell.listen(
    () => mark.test(heard.stdout) && heard.stderr.endsWith(`\n${token}\n`),
    options.seconds,
  );
  const ms = performance.now() - began;
  if (!done) {
    const timedOut = !heard.ended;
    shell.kill();
    return {
      code: undefined,
      stdout: heard.stdout,
      stderr: heard.stderr || heard.why || 'the connection ended',
      timedOut,
      ms,
    };
  }
  return {
    code: Number(mark.exec(heard.stdout)?.[1] ?? 1),
    stdout: heard.stdout.replace(mark, ''),
    stderr: heard.stderr.slice(0, -(token.length + 2)),
    timedOut: false,
    ms,
  };
}
