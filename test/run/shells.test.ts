import { expect, test } from 'vitest';
import { hold } from '../../src/run/hold.ts';
import { openShells } from '../../src/run/shells.ts';

const local = (_: unknown, argv: readonly string[]): readonly string[] => argv;

/** A node whose lock's shell is open, as the first look leaves it. */
async function held(): Promise<{ shells: ReturnType<typeof openShells>; close: () => Promise<void> }> {
  const shell = await hold(['sh', '-c', 'echo @open; exec sh'], '@open', 10);
  const shells = openShells(hold, local, new Map([['a', shell.run]]));
  return { shells, close: async () => void (await Promise.all([shells.close(), shell.release()])) };
}

test('questions that are asked side by side do not wait for each other', async () => {
  const { shells, close } = await held();
  const parent = ['sh', '-c', 'echo $PPID; sleep 0.2'];
  const answers = await Promise.all([1, 2].map(() => shells.ask('a', parent, { seconds: 10 })));
  const [first, second] = answers.map(({ stdout }) => stdout.trim());
  expect(first).not.toBe(second);
  // The shell is free again, and takes the next one.
  expect((await shells.ask('a', parent, { seconds: 10 })).stdout.trim()).toBe(first);
  expect(shells.lost()).toEqual([]);
  await close();
});

test('a question that takes too long ends the shell, and that is told', async () => {
  const { shells, close } = await held();
  expect((await shells.ask('a', ['sleep', '30'], { seconds: 0.2 })).code).toBeUndefined();
  expect(shells.lost()).toEqual(['a']);
  expect((await shells.ask('a', ['echo', 'still'], { seconds: 10 })).stdout).toBe('still\n');
  await close();
});

test('words of a question and its stdin arrive as they are', async () => {
  const { shells, close } = await held();
  const words = ['sh', '-c', 'cat; printf "[%s]" "$@"', 'x', `it's "a"`, '', '$HOME'];
  const { stdout, code } = await shells.ask('a', words, { stdin: `pass'word\n`, seconds: 10 });
  expect({ stdout, code }).toEqual({ stdout: `pass'word\n[it's "a"][][$HOME]`, code: 0 });
  await close();
});
