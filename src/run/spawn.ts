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
  signal?: AbortSignal;
};

/** Starts one program and waits for it. It never throws: what went wrong is in the answer. */
export type Spawn = (words: readonly string[], options?: SpawnOptions) => Promise<Spawned>;

/** libpq's own variables would redirect every question; what a command needs is in its words. */
export function cleanEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
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
    ...(options.seconds === undefined ? {} : { timeout: options.seconds * 1000 }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal, forceKillAfterDelay: 10_000 }),
  });
  if (options.leash === true) {
    child.stdin?.on('error', () => undefined); // it ended without reading: its exit status tells
    child.stdin?.write(options.stdin ?? '');
  }
  const { onStderr } = options;
  if (onStderr !== undefined) child.stderr?.on('data', (chunk: Buffer) => onStderr(chunk.toString('utf8')));
  const result = await child;
  return {
    code: result.exitCode,
    stdout: result.stdout ?? '',
    stderr:
      (result.stderr ?? '') === '' && result.exitCode === undefined
        ? (result.shortMessage ?? '')
        : (result.stderr ?? ''),
    timedOut: result.timedOut,
    ms: performance.now() - began,
  };
};

/** A program that is kept while it is useful: its output so far, and the end of its stdin. */
export type Held = {
  stdout: string;
  stderr: string;
  release: () => Promise<void>;
  ended: boolean;
  timedOut: boolean;
};

/** Starts a program and answers when `until` is in its output, or it ended. It goes when it is released, or with us. */
export type Hold = (words: readonly string[], until: string, seconds: number) => Promise<Held>;

export const hold: Hold = (words, until, seconds) => {
  const [program = '', ...rest] = words;
  const child = execa(program, rest, {
    cwd: '/',
    env: cleanEnvironment(),
    extendEnv: false,
    reject: false,
    detached: true,
    cleanup: false,
    buffer: false,
    stdin: 'pipe',
  });
  let stdout = '';
  let stderr = '';
  return new Promise((resolve) => {
    let answered = false;
    let timedOut = false;
    const release = async () => {
      child.stdin.end();
      if (!timedOut) await child;
    };
    const answer = (ended: boolean) => {
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      resolve({ stdout, stderr, release, ended, timedOut });
    };
    const timer = setTimeout(() => {
      stderr += `no answer within ${seconds} s`;
      timedOut = true;
      killAll(child.pid);
      answer(true);
      // What became somebody else may live on, and keeps our pipe: it is not waited for.
      child.stdout.destroy();
      child.stderr?.destroy();
    }, seconds * 1000);
    child.stdin.on('error', () => undefined); // it ended before we let it go: the answer tells
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk: string) => {
      stdout += chunk;
      if (stdout.includes(until)) answer(false);
    });
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    void child.then((result) => {
      if (result.exitCode === undefined && stderr === '') stderr = result.shortMessage ?? '';
      answer(true);
    });
  });
};

/** A program and those it started: it was given a process group of its own. */
function killAll(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // They are gone, or belong to another user.
  }
}
