import { spawn } from 'node:child_process';
import { as, OWNER, waitFor } from './machine.ts';

const HOLD =
  'exec 9<>"$1"; flock -n 9 || exit 1; printf "%s, shell %s\\n" "$2" "$$" >"$1"; echo held; exec sleep 60';

/** The file that pgrepl locks for a directory of data (facts/probe.ts). */
export function lockOf(pgdata: string): string {
  return `/tmp/.pgrepl-${OWNER}-${pgdata.slice(1).replaceAll('/', '%')}.lock`;
}

/** Holds the lock of a directory as a shell of pgrepl does, until the answer is called. */
export async function holdLock(pgdata: string, holder: string): Promise<() => void> {
  const [program = '', ...rest] = as(OWNER, ['sh', '-c', HOLD, 'hold', lockOf(pgdata), holder]);
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  await waitFor(() => said.includes('held'), { what: 'the lock is held' });
  return () => child.kill();
}
