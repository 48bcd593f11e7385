import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** Everything the lab keeps between runs: images, packages, keys. */
export const LAB_DIR = process.env['PGREPL_LAB_DIR'] ?? '/var/tmp/pgrepl-lab';
mkdirSync(LAB_DIR, { recursive: true });

/** Runs a program to its end, with a limit: nothing here may hang. */
export function run(words, { env = process.env, seconds = 120, input } = {}) {
  const [name, ...rest] = words;
  const ended = spawnSync(name, rest, {
    env,
    input,
    encoding: 'utf8',
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
  });
  const said = `${ended.stderr ?? ''}${ended.error?.message ?? ''}`.trim();
  return { ok: ended.status === 0, stdout: ended.stdout ?? '', said };
}

export function isAlive(pid) {
  try {
    process.kill(Number(pid), 0);
    return Number(pid) > 0;
  } catch {
    return false;
  }
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
