import { execFile, execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { withoutPg } from '../../e2e/support/machine.ts';

/** What scripts/hosts.js made before the stories run. */
export type Made = {
  /** Marks the containers and networks of this run. */
  run: string;
  dir: string;
  figures: string;
  images: Readonly<Record<string, string>>;
  releases: Readonly<Record<string, { debian: number; major: number; systemd?: true }>>;
};

const said = process.env['PGREPL_LAB'];

/** Why there is no lab; undefined where there is one. */
export const MISSING: string | undefined =
  said === undefined
    ? (process.env['PGREPL_LAB_MISSING'] ?? '`npm run test:hosts` makes the machines')
    : undefined;

export function made(): Made {
  return JSON.parse(said ?? '{}') as Made;
}

export type Ended = { code: number; stdout: string; stderr: string };
export type How = { input?: string; seconds?: number };

/** Runs a program beside the test, which may have a writer at work, and kills it when its time is up. */
export function program(words: readonly string[], { input = '', seconds = 60 }: How = {}): Promise<Ended> {
  const [name = '', ...rest] = words;
  return new Promise((resolve) => {
    const options = { env: withoutPg(), timeout: seconds * 1000, killSignal: 'SIGKILL', cwd: '/' } as const;
    const child = execFile(name, rest, { ...options, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 128;
      resolve({ code, stdout, stderr: code === 128 ? `${stderr}${error?.message ?? ''}` : stderr });
    });
    child.stdin?.on('error', () => undefined); // it ended without reading
    child.stdin?.end(input);
  });
}

/** The same, and it must succeed: its stdout without the last line end. */
export async function must(words: readonly string[], how: How = {}): Promise<string> {
  const { code, stdout, stderr } = await program(words, how);
  if (code === 0) return stdout.trimEnd();
  throw new Error(
    `${words.join(' ').slice(0, 400)}: status ${code}: ${(stderr + stdout).trim().slice(-2000)}`,
  );
}

export const docker = (words: readonly string[], how: How = {}): Promise<string> =>
  must(['docker', ...words], how);

/** Without the event loop, for the end of the process. */
export function dockerNow(words: readonly string[]): void {
  execFileSync('docker', words, { env: withoutPg(), timeout: 60_000, stdio: 'ignore' });
}

/** For docs/reliability.md: one line a fact, added up by scripts/hosts.js. */
export function figure(story: string, numbers: Readonly<Record<string, number | string>>): void {
  appendFileSync(made().figures, `${JSON.stringify({ story, ...numbers })}\n`);
}
