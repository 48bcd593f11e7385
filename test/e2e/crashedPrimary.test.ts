import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asOwner, freePort, program, waitFor } from './support/machine.ts';
import { pgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { newServer, socketOf, sql, startServer, stopServer, writeAsOwner } from './support/server.ts';

test('promoted, and crashed before its first checkpoint: the timeline is the new one', async () => {
  const pgdata = join(scratch(), 'data');
  newServer(pgdata, await freePort());
  stopServer(pgdata);
  writeAsOwner(join(pgdata, 'standby.signal'), '');
  startServer(pgdata);
  const { pid } = socketOf(pgdata);
  const children = execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const checkpointer = children.find((each) =>
    readFileSync(`/proc/${each}/cmdline`, 'utf8').includes('checkpointer'),
  );
  // It makes no checkpoint while it sleeps.
  process.kill(Number(checkpointer), 'SIGSTOP');
  sql(pgdata, 'SELECT pg_promote();');
  for (const each of [String(pid), ...children]) tryKill(Number(each));
  await waitFor(() => !existsSync(`/proc/${pid}`), { what: 'the server is gone' });
  expect(asOwner([program('pg_controldata'), pgdata])).toMatch(/Latest checkpoint's TimeLineID: +1\n/);
  const { nodes } = (await pgrepl(['status', '-D', pgdata, '--json'])).json();
  expect(nodes).toMatchObject([{ role: 'primary', state: 'stopped', timeline: 2 }]);
});

/** The startup process and the walreceiver end with the recovery. */
function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
