import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import { IS_ROOT, OWNER, idOf } from './machine.ts';

/**
 * A temporary directory of the servers' owner, with a path short enough for sockets. When the test or, called at the
 * top of a file or a describe, its last test has ended, every server in it is stopped and it is removed. Everybody may
 * enter it: strangers run pgrepl too.
 */
export function scratch(): string {
  const dir = mkdtempSync('/tmp/pgrepl-e2e-');
  chmodSync(dir, 0o755);
  if (IS_ROOT) {
    const { uid, gid } = idOf(OWNER);
    chownSync(dir, uid, gid);
  }
  const remove = (): void => removeAll(dir);
  process.once('exit', remove);
  try {
    onTestFinished(remove);
  } catch {
    afterAll(remove);
  }
  return dir;
}

function removeAll(dir: string): void {
  if (!existsSync(dir)) return;
  stopServersIn(dir);
  for (const mount of mountsIn(dir).toReversed()) execFileSync('umount', ['-l', mount]);
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** An immediate shutdown of every postmaster whose files are here, whoever started it; kills what does not go. */
export function stopServersIn(dir: string): void {
  const pids = postmastersIn(dir);
  signal(pids, 'SIGQUIT');
  if (!gone(pids, 10_000)) signal(pids, 'SIGKILL');
  gone(pids, 5_000);
}

/** By what they hold, not by pid files: a test may have taken those away. */
function postmastersIn(dir: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const words = read(`/proc/${pid}/cmdline`).split('\0');
      return /(^|\/)postgres$/.test(words[0] ?? '') && words.some((word) => word.includes(`${dir}/`));
    })
    .map(Number);
}

function mountsIn(dir: string): readonly string[] {
  return read('/proc/self/mounts')
    .split('\n')
    .map((line) => line.split(' ')[1]?.replaceAll('\\040', ' ') ?? '')
    .filter((mount) => mount.startsWith(`${dir}/`));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids.filter(isAlive)) {
    try {
      process.kill(pid, name);
    } catch {
      // It went by itself.
    }
  }
}

/** A zombie is gone: in a container process 1 may not reap. */
export function isAlive(pid: number): boolean {
  return /^[^Z]/.test(read(join('/proc', String(pid), 'stat')).replace(/^.*\) /s, ''));
}

/** Waits without the event loop, since the last chance to clean up is the exit of the process. */
function gone(pids: readonly number[], ms: number): boolean {
  const deadline = Date.now() + ms;
  const clock = new Int32Array(new SharedArrayBuffer(4));
  while (pids.some(isAlive)) {
    if (Date.now() > deadline) return false;
    Atomics.wait(clock, 0, 0, 20);
  }
  return true;
}
