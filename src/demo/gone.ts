import { readFile } from 'node:fs/promises';
import { failure } from '../errors.ts';
import { pauseFor } from '../run/pause.ts';

const POLL_MS = 25;

/** Waits until the server of a data directory is gone, by its postmaster.pid. Throws `failed` when the seconds are over. */
export async function gone(
  node: string,
  pgdata: string,
  seconds: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (await isThere(`${pgdata}/postmaster.pid`)) {
    signal.throwIfAborted();
    if (performance.now() > deadline)
      throw failure('failed', `${node}: its server was killed, and is still there after ${seconds} s`);
    await pauseFor(POLL_MS);
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await readFile(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
