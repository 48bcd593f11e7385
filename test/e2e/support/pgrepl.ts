import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { userInfo } from 'node:os';
import { withoutPg } from './machine.ts';

/** The program under test: this checkout's, or an installed one that $PGREPL_TEST_PROGRAM names. */
export const PROGRAM =
  process.env['PGREPL_TEST_PROGRAM'] ??
  join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'bin', 'pgrepl.js');

type Said = { message: string; hint?: string };

/** The one document of --json: docs/contract.md. */
export type Document = {
  command: string;
  outcome: string;
  status: number;
  changed: boolean;
  ms: number;
  nodes: readonly Readonly<Record<string, unknown>>[];
  steps: readonly Readonly<Record<string, unknown>>[];
  refusals: readonly Said[];
  error: (Said & { problems: readonly Said[] }) | null;
  [more: string]: unknown;
};

export type Result = {
  /** As a shell has it: 128 and the number of the signal where one ended it. */
  code: number;
  stdout: string;
  stderr: string;
  ms: number;
  json: () => Document;
};

export type Options = {
  cwd?: string;
  env?: Readonly<Record<string, string>>;
  /** Runs it as another user; only root can. */
  user?: string;
  input?: string;
  seconds?: number;
  onStderr?: (text: string, child: ChildProcess) => void;
};

/** Runs pgrepl to its end. What a test needs on the way it gets by `onStderr`. */
export function pgrepl(args: readonly string[], options: Options = {}): Promise<Result> {
  return startPgrepl(args, options).ended;
}

export type Started = { child: ChildProcess; ended: Promise<Result> };

/** Starts pgrepl in a process group of its own: `child.kill('SIGINT')` is Ctrl-C for it alone. */
export function startPgrepl(args: readonly string[], options: Options = {}): Started {
  const words = [process.execPath, PROGRAM, ...args];
  const other = options.user !== undefined && options.user !== userInfo().username;
  const [name = '', ...rest] = other ? ['runuser', '-u', options.user ?? '', '--', ...words] : words;
  const child = spawn(name, rest, {
    cwd: options.cwd ?? '/',
    env: { ...withoutPg(), NO_COLOR: '1', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  return { child, ended: endOf(child, args, options) };
}

const SIGNALS: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

function endOf(child: ChildProcess, args: readonly string[], options: Options): Promise<Result> {
  const began = performance.now();
  const said = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
    options.onStderr?.(said.stderr, child);
  });
  child.stdin?.on('error', () => undefined); // it ended without reading
  child.stdin?.end(options.input ?? '');
  const seconds = options.seconds ?? 60;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`pgrepl ${args.join(' ')}: not ended after ${seconds} s\n${said.stderr}`));
    }, seconds * 1000);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({
        ...said,
        code: code ?? 128 + (SIGNALS[signal ?? 'SIGKILL'] ?? 0),
        ms: performance.now() - began,
        json: () => JSON.parse(said.stdout) as Document,
      });
    });
  });
}

/** Kills pgrepl when so many steps are done; true where it was still at work. */
export async function killedAfter(words: readonly string[], steps: number): Promise<boolean> {
  const ended = await pgrepl(words, {
    onStderr: (text, child) => {
      if ((text.match(/^✓/gm)?.length ?? 0) >= steps) child.kill('SIGKILL');
    },
  });
  return ended.code === 137;
}
