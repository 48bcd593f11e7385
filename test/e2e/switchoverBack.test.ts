import {
  chmodSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { bindir, program, waitFor } from './support/machine.ts';
import { scratch } from './support/scratch.ts';
import { sql } from './support/server.ts';
import { endsWith, isSound, isUnchanged, trioWithWriter } from './support/swapping.ts';

/** What goes wrong in the middle: taken back before the promotion, brought to its end after it. */
const tricks = scratch();

beforeAll(async () => {
  for (const name of readdirSync(bindir()).filter((each) => each !== 'pg_ctl'))
    symlinkSync(program(name), join(tricks, name));
  const lines = [
    '#!/bin/sh',
    'for verb; do :; done',
    `[ ! -f "${tricks}/on-$verb" ] || . "${tricks}/on-$verb"`,
    `exec ${program('pg_ctl')} "$@"`,
  ];
  writeFileSync(join(tricks, 'pg_ctl'), `${lines.join('\n')}\n`);
  chmodSync(join(tricks, 'pg_ctl'), 0o755);
});

const stage = trioWithWriter({ pg1: { bindir: tricks }, pg2: { bindir: tricks } });

const frozen = new Set<number>();
afterEach(() => {
  thaw();
  for (const name of readdirSync(tricks).filter((each) => each.startsWith('on-'))) rmSync(join(tricks, name));
});

function thaw(): void {
  for (const pid of frozen) {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // It was ended.
    }
  }
  frozen.clear();
}

/** Stops a process of a server where it is. */
function freeze(name: string, kind: 'startup' | 'walreceiver'): void {
  const pid = Number(
    sql(stage.data(name), `SELECT pid FROM pg_stat_activity WHERE backend_type = '${kind}';`),
  );
  process.kill(pid, 'SIGSTOP');
  frozen.add(pid);
}

/** Shell that pg_ctl goes through before it does what it is asked. */
function trick(verb: 'start', shell: string): void {
  writeFileSync(join(tricks, `on-${verb}`), `${shell}\n`);
}

test.each(['startup', 'walreceiver'] as const)(
  'the %s of the candidate hangs: all is taken back, after the time that was given',
  async (kind) => {
    freeze('pg2', kind);
    const ended = endsWith(await stage.run('switchover', 'pg2', '--json', '--timeout', '4'), 6);
    expect(ended.json()).toMatchObject({
      outcome: 'rolled-back',
      changed: false,
      error: { message: expect.stringContaining('pg2 has replayed every byte of it: not seen within 4 s') },
    });
    thaw();
    await isSound(stage, 'pg1');
    expect(existsSync(join(stage.data('pg1'), 'pgrepl.pgpass'))).toBe(false);
  },
  120_000,
);

test('before the stop a failure costs nothing: a sibling that cannot be moved', async () => {
  freeze('pg3', 'startup');
  // Its receiver streams from pg2, and it does not replay: that is enough for it. Without a receiver it is not.
  freeze('pg3', 'walreceiver');
  const before = stage.writer.outageMs;
  const ended = endsWith(await stage.run('switchover', 'pg2', '--json', '--timeout', '3'), 6);
  expect(ended.json().error?.message).toContain('pg3: it streams from pg2: not seen within 3 s');
  expect(ended.json()['writeOutageMs']).toBe(null);
  thaw();
  await isSound(stage, 'pg1');
  expect(before).toBeGreaterThan(0);
}, 120_000);

test('the role may not log in at the candidate: refused before anything is touched', async () => {
  const hba = join(stage.data('pg2'), 'pg_hba.conf');
  const text = readFileSync(hba, 'utf8');
  writeFileSync(hba, `host replication replicator all reject\n${text}`);
  sql(stage.data('pg2'), 'SELECT pg_reload_conf();');
  const refused = endsWith(await stage.run('switchover', 'pg2', '--json'), 3).json();
  expect(refused.refusals.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^pg1: pg2 \(.*\) does not let the role replicator replicate from here/),
    expect.stringMatching(/^pg3: pg2 \(.*\) does not let the role replicator replicate from here/),
  ]);
  writeFileSync(hba, text);
  sql(stage.data('pg2'), 'SELECT pg_reload_conf();');
  await isSound(stage, 'pg1');
});

test('an archive_command that hangs delays the old primary, not the writes', async () => {
  const data = stage.data('pg1');
  sql(data, `ALTER SYSTEM SET archive_mode = on;\nALTER SYSTEM SET archive_command = 'sleep 1000';`);
  // archive_mode wants a start: by way of a switchover to and fro.
  endsWith(await stage.run('switchover', 'pg2'), 0);
  endsWith(await stage.run('switchover', 'pg1'), 0);
  sql(data, 'SELECT pg_switch_wal();');
  await waitFor(
    () => readdirSync(join(data, 'pg_wal', 'archive_status')).some((name) => name.endsWith('.ready')),
    {
      what: 'something waits to be archived',
    },
  );
  const ended = endsWith(await stage.run('switchover', 'pg2', '--json', '--timeout', '6'), 0).json();
  expect(ended['writeOutageMs']).toBeLessThan(6000);
  await isSound(stage, 'pg2');
  sql(data, 'ALTER SYSTEM RESET archive_mode;\nALTER SYSTEM RESET archive_command;');
  endsWith(await stage.run('switchover', 'pg1'), 0);
}, 120_000);

test('a promotion that fails leaves two standbys, and running it again promotes', async () => {
  chmodSync(stage.data('pg2'), 0o500);
  const ended = endsWith(await stage.run('switchover', 'pg2', '--json', '--timeout', '5'), 5).json();
  expect(ended.error?.message).toMatch(/^pg2: promote: .*could not create file "promote"/);
  chmodSync(stage.data('pg2'), 0o700);
  endsWith(await stage.run('switchover', 'pg2'), 0);
  await isSound(stage, 'pg2');
  await isUnchanged(stage, 'pg2');
}, 120_000);

test('a promotion that does not come to its end is told, and never undone', async () => {
  const data = stage.data('pg1');
  sql(data, `ALTER SYSTEM SET recovery_end_command = 'sleep 6';\nSELECT pg_reload_conf();`);
  const ended = await stage.run('switchover', 'pg1', '--json', '--timeout', '3');
  expect([5, 7]).toContain(ended.code);
  expect(ended.json().error?.message).toContain('pg1: it takes writes: not seen within 3 s');
  expect(ended.json().changed).toBe(true);
  endsWith(await stage.run('switchover', 'pg1'), 0);
  sql(data, 'ALTER SYSTEM RESET recovery_end_command;\nSELECT pg_reload_conf();');
  await isSound(stage, 'pg1');
}, 120_000);

test('the port of the old primary is taken meanwhile: it says so, and running it again finishes', async () => {
  const [asked, held] = [join(tricks, 'asked'), join(tricks, 'held')];
  trick('start', `: >${asked}; until [ -f ${held} ]; do sleep 0.02; done`);
  const running = stage.run('switchover', 'pg2', '--json');
  await waitFor(() => existsSync(asked), { what: 'the old primary is about to start' });
  const squatter = await listening(stage.port('pg1'));
  writeFileSync(held, '');
  const ended = endsWith(await running, 5).json();
  expect(ended.error?.message).toMatch(/^pg1: start it as a standby: .*(in use|could not create any TCP)/);
  await new Promise((resolve) => squatter.close(resolve));
  endsWith(await stage.run('switchover', 'pg2'), 0);
  await isSound(stage, 'pg2');
  await isUnchanged(stage, 'pg2');
}, 120_000);

function listening(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy()).once('error', reject);
    server.listen(port, '::', () => resolve(server));
  });
}
