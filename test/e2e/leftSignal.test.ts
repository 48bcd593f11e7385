import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command } from './support/machine.ts';
import { sql, writeAsOwner } from './support/server.ts';
import { isSound, trioWithWriter } from './support/swapping.ts';

const cluster = trioWithWriter();
type Finding = { node: string; level: string; message: string; hint: string };

const findings = async (): Promise<readonly Finding[]> =>
  (await cluster.run('status', '--json')).json()['findings'] as readonly Finding[];
const signal = (): string => join(cluster.data('pg1'), 'standby.signal');

test('standby.signal in a primary: status and doctor warn, and the command of the hint mends it', async () => {
  writeAsOwner(signal(), '');
  const [found, ...rest] = await findings();
  expect(rest).toEqual([]);
  expect(found).toMatchObject({
    level: 'warning',
    message: 'pg1: standby.signal lies in the data directory of a primary: at its next start it is a standby',
  });
  const doctor = await cluster.run('doctor', 'pg1');
  expect(doctor.stdout.replace(/\s+/g, ' ')).toContain(
    'standby.signal lies in the data directory of a primary',
  );
  const typed = /`(.*)`/.exec(found?.hint ?? '')?.[1] ?? '';
  command(['sh', '-c', typed]);
  expect(existsSync(signal())).toBe(false);
  expect(await findings()).toEqual([]);
});

/** What a switchover to pg2 does to pg1 before it stops it, and a kill there leaves. */
function place(): void {
  const upstream = `host=127.0.0.1 port=${cluster.port('pg2')} user=replicator`;
  sql(cluster.data('pg1'), `ALTER SYSTEM SET primary_conninfo = '${upstream}';`);
  sql(cluster.data('pg1'), `ALTER SYSTEM SET primary_slot_name = 'pg1';`);
  writeAsOwner(signal(), '');
}

test('what a switchover placed that was cut short is told as such, and both ways of the hint work', async () => {
  place();
  expect(await findings()).toEqual([
    {
      node: 'pg1',
      level: 'warning',
      message: 'pg1: is placed to come back as a standby of pg2: a switchover to it runs, or was cut short',
      hint: '`pgrepl switchover pg2` goes on with it, `pgrepl switchover pg1` takes it back.',
    },
  ]);
  expect(await cluster.run('switchover', 'pg1')).toMatchObject({ code: 0 });
  expect(existsSync(signal())).toBe(false);
  expect(await findings()).toEqual([]);
  place();
  expect(await cluster.run('switchover', 'pg2')).toMatchObject({ code: 0 });
  await isSound(cluster, 'pg2');
  expect(await findings()).toEqual([]);
});
