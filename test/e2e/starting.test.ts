import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asOwner, program, waitFor } from './support/machine.ts';
import { startPgrepl } from './support/pgrepl.ts';
import { sql, stopServer } from './support/server.ts';
import { isSound, trioWithWriter } from './support/swapping.ts';

const cluster = trioWithWriter();

const hold = (): string => join(cluster.dir, 'hold');

const WAITS = `while [ -e ${join(cluster.dir, 'hold')} ]; do sleep 0.05; done`;

/** A server that recovers as long as the file is there: what it wants from the archive does not come. */
function startHeld(name: string): void {
  const data = cluster.data(name);
  writeFileSync(hold(), '');
  sql(data, `ALTER SYSTEM SET restore_command = 'case %f in *.history) ;; *) ${WAITS} ;; esac; false';`);
  stopServer(data);
  asOwner([program('pg_ctl'), '-D', data, '-l', join(data, 'test.log'), '-s', '-W', 'start']);
}

/** Runs the verb on a server that starts, and lets that go on when pgrepl says that it waits. */
async function waits(name: string, ...words: readonly string[]): Promise<void> {
  startHeld(name);
  const { child, ended } = startPgrepl([...words, '-c', cluster.file]);
  let said = '';
  child.stderr?.on('data', (text: string) => (said += text));
  const line = `${name}: its server is starting; waiting up to 120 s until it answers\n`;
  await waitFor(() => said.includes(line), { what: 'the line that says so' });
  rmSync(hold());
  expect(await ended).toMatchObject({ code: 0 });
}

test('status names it and does not wait; a verb that waited in vain says how far it is, and exits 4', async () => {
  startHeld('pg2');
  await waitFor(async () => (await cluster.run('status')).stdout.includes('at segment'), {
    what: 'the recovery',
  });
  const status = await cluster.run('status');
  expect(status.stdout).toMatch(/^pg2 +unknown +starting /m);
  expect(status).toMatchObject({ code: 9 });
  expect(status.stdout).toMatch(/^! pg2: is starting: its recovery is at segment 0{7}10{8}[0-9A-F]{8}, and/m);
  const ended = await cluster.run('switchover', 'pg2', '--timeout', '1');
  expect(ended).toMatchObject({ code: 4 });
  expect(ended.stderr).toContain('pg2: its server is starting; waiting up to 1 s until it answers\n');
  expect(ended.stderr).toMatch(
    /pg2: its server is starting, still after 1 s: its recovery is at segment [0-9A-F]{24}, and/,
  );
  rmSync(hold());
  await waitFor(async () => (await cluster.run('status')).code === 0, { what: 'a healthy cluster' });
});

test('follow waits for the node', () => waits('pg3', 'follow', 'pg3', '--upstream', 'pg1'));

test('switchover waits for the candidate', async () => {
  await waits('pg2', 'switchover', 'pg2');
  await isSound(cluster, 'pg2');
});

test('Ctrl-C ends the waiting', async () => {
  const { child, ended } =
    (startHeld('pg3'), startPgrepl(['follow', 'pg3', '--upstream', 'pg2', '-c', cluster.file]));
  let said = '';
  child.stderr?.on('data', (text: string) => (said += text));
  await waitFor(() => said.includes('waiting up to'), { what: 'the line that says so' });
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  rmSync(hold());
  expect(code).toBe(130);
  expect(stderr).toContain('interrupted while a server was starting: nothing was changed');
  await isSound(cluster, 'pg2');
});
