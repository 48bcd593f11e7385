import { spawn as start, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';

export type Spawned = {
  /** Absent where a signal ended it or it could not be started. */
  code: number | undefined;
  stdout: string;
  stderr: string;
  timedOut: boolean;
  ms: number;
};

export type SpawnOptions = {
  stdin?: string;
  /** Killed after so many seconds; without it there is no bound. */
  seconds?: number;
  /** Kept open until the program ends, so that a program on a leash ends with us. */
  leash?: boolean;
  onStderr?: (chunk: string) => void;
  /** Ends a program on a leash. */
  signal?: AbortSignal;
};

/** Starts one program and waits for it. It never throws: what went wrong is in the answer. */
export type Spawn = (words: readonly string[], options?: SpawnOptions) => Promise<Spawned>;

/** libpq's own variables would redirect every question; what a command needs is in its words. */
function cleanEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^PG(?!REPL_)/.test(name)));
}

export const spawn: Spawn = async (words, options = {}) => {
  const began = performance.now();
  const [program = '', ...rest] = words;
  const child = execa(program, rest, {
    cwd: '/',
    env: cleanEnvironment(),
    extendEnv: false,
    reject: false,
    // A process group of its own: Ctrl-C reaches us alone, and we decide what ends.
    detached: true,
    cleanup: false,
    stripFinalNewline: false,
    maxBuffer: 64 * 1024 * 1024,
    ...(options.leash === true ? { stdin: 'pipe' as const } : { input: options.stdin ?? '' }),
  });
  const limit = limited(child, options.seconds);
  if (options.leash === true) {
    child.stdin?.on('error', () => undefined); // it ended without reading: its exit status tells
    child.stdin?.write(options.stdin ?? '');
    options.signal?.addEventListener('abort', () => letGo(child), { once: true });
  }
  const { onStderr } = options;
  if (onStderr !== undefined) child.stderr?.on('data', (chunk: Buffer) => onStderr(chunk.toString('utf8')));
  const result = await child;
  limit.over();
  return {
    code: result.exitCode,
    stdout: result.stdout ?? '',
    stderr:
      (result.stderr ?? '') === '' && result.exitCode === undefined
        ? (result.shortMessage ?? '')
        : (result.stderr ?? ''),
    timedOut: limit.passed(),
    ms: performance.now() - began,
  };
};

type Cuttable = { pid?: number | undefined; stdout: Readable | null; stderr: Readable | null };

/** Its whole group goes, and its pipes too: an orphan that holds one would hold us. */
function cut(child: Cuttable): void {
  killGroup(child.pid);
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/** It is cut off after so many seconds. */
function limited(child: Cuttable, seconds: number | undefined): { over: () => void; passed: () => boolean } {
  let passed = false;
  const end = (): void => {
    passed = true;
    cut(child);
  };
  const timer = seconds === undefined ? undefined : setTimeout(end, seconds * 1000);
  return { over: () => clearTimeout(timer), passed: () => passed };
}

/** Lets the leash end: so its program ends on whatever host it is, and we see it end. */
function letGo(child: Cuttable & { stdin: Writable | null }): void {
  child.stdin?.end();
  setTimeout(() => cut(child), 10_000).unref();
}

type Heard = { stdout: string; stderr: string; ended: boolean; code?: number; why: string };

/**
 * A program that is kept, with a process group of its own. Started by node:child_process: a look starts one for each
 * node, and with sixteen of them execa would take a sixth of the time of all.
 */
function keep([program = '', ...rest]: readonly string[]): ChildProcessWithoutNullStreams {
  const child = start(program, rest, { cwd: '/', env: cleanEnvironment(), detached: true });
  child.stdin.on('error', () => undefined); // it ended before we let it go: its end tells
  return child;
}

/** A program whose stdin stays open and whose output is collected; `end` closes its stdin and waits for it. */
export function begin(words: readonly string[]): {
  conversation: Conversation;
  heard: Heard;
  end: () => Promise<void>;
} {
  const child = keep(words);
  const heard: Heard = { stdout: '', stderr: '', ended: false, why: '' };
  let changed = (): void => undefined;
  let killed = false;
  for (const name of ['stdout', 'stderr'] as const) {
    // A character may be divided between two chunks.
    child[name].setEncoding('utf8').on('data', (text: string) => {
      heard[name] += text;
      changed();
    });
  }
  const ended = endOf(child, words[0]).then((end) => {
    Object.assign(heard, { ended: true, ...end });
    changed();
  });
  const listen = (holds: () => boolean, seconds: number): Promise<boolean> =>
    new Promise((resolve) => {
      const finish = (answer: boolean): void => {
        changed = () => undefined;
        clearTimeout(timer);
        resolve(answer);
      };
      const timer = setTimeout(() => finish(false), seconds * 1000);
      changed = () => {
        if (holds() || heard.ended) finish(holds());
      };
      changed();
    });
  const conversation: Conversation = {
    heard,
    listen,
    kill: () => {
      killed = true;
      killGroup(child.pid);
      // What became somebody else lives on and keeps our pipes; nobody waits for it.
      child.stdout.destroy();
      child.stderr.destroy();
    },
    write: (text) => void child.stdin.write(text),
  };
  const end = async (): Promise<void> => {
    child.stdin.end();
    if (!killed) await ended;
  };
  return { conversation, heard, end };
}

/** When its output has come to its end too. A program that is not there has neither. */
function endOf(child: ChildProcessWithoutNullStreams, program = ''): Promise<Pick<Heard, 'code' | 'why'>> {
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ why: message }));
    child.once('close', (code, signal) =>
      resolve(code === null ? { why: `${program} was ended by ${signal ?? 'a signal'}` } : { code, why: '' }),
    );
  });
}

/** A program and those it started: it was given a process group of its own. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // They are gone, or belong to somebody else.
  }
}

export type Conversation = {
  heard: Heard;
  /** Waits until it holds, or the program ended, or the time is over; whether it holds. */
  listen: (holds: () => boolean, seconds: number) => Promise<boolean>;
  kill: () => void;
  write: (text: string) => void;
};

export type Stream = { end: () => Promise<void> };

/** A program that talks line by line until it is ended; it is on a leash (tools/shell.ts), so its stdin ends it. */
export function stream(words: readonly string[], stdin: string, onLine: (line: string) => void): Stream {
  const child = keep(words);
  const ended = endOf(child);
  let part = '';
  child.stdin.write(`${Buffer.byteLength(stdin)}\n${stdin}`);
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = `${part}${chunk.toString('utf8')}`.split('\n');
    part = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  return {
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
