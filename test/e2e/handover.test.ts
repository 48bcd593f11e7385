import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { RUNS_NOT, START_AGAIN, STOP_SOON } from '../../src/tools/handover.ts';
import { script } from '../../src/tools/shell.ts';
import { asOwner, freePort, program } from './support/machine.ts';
import { scratch } from './support/scratch.ts';
import { isRunning, newServer, socketOf, sql, stopServer } from './support/server.ts';

/** The shell that a primary is stopped with and comes back with, on a real one. */
const dir = scratch();
const pgdata = join(dir, 'data');

beforeAll(async () => newServer(pgdata, await freePort()));

const pgCtl = (...words: readonly string[]): readonly string[] => [
  program('pg_ctl'),
  '-D',
  pgdata,
  '-s',
  '-W',
  ...words,
];
const stopSoon = (path: string): readonly string[] => [
  'env',
  `PATH=${path}${process.env['PATH'] ?? ''}`,
  ...script(STOP_SOON, 'stop', pgdata, program('pg_controldata'), '20', ...pgCtl('-m', 'fast', 'stop')),
];
const again = (most = 20): readonly string[] => {
  const log = join(pgdata, 'test.log');
  return script(
    START_AGAIN,
    'start',
    pgdata,
    String(most),
    program('pg_ctl'),
    log,
    ...pgCtl('-l', log, 'start'),
  );
};

/** As pg_controldata says it, without the zeros that it leaves out. */
function checkpoint(): bigint {
  const said = asOwner([program('pg_controldata'), '-D', pgdata]);
  return lsn(/^Latest checkpoint location: *(\S+)$/m.exec(said)?.[1] ?? '');
}
function lsn(text: string): bigint {
  const [high = '', low = ''] = text.trim().split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

test.each(['', 'without od'])('a stop tells where its shutdown checkpoint is %s', (without) => {
  writeFileSync(join(dir, 'od'), '#!/bin/sh\nexit 1\n');
  chmodSync(join(dir, 'od'), 0o755);
  expect(lsn(asOwner(stopSoon(without === '' ? '' : `${dir}:`)))).toBe(checkpoint());
  asOwner(again());
  expect(sql(pgdata, 'SELECT 1;')).toBe('1');
});

test('one that runs is left alone, and one that does not come up says why', () => {
  const { pid } = socketOf(pgdata);
  asOwner(again());
  expect(socketOf(pgdata).pid).toBe(pid);
  expect(() => asOwner(script(RUNS_NOT, 'runs-not', pgdata))).toThrow('it runs meanwhile');
  stopServer(pgdata);
  asOwner(script(RUNS_NOT, 'runs-not', pgdata));
  const conf = join(pgdata, 'postgresql.auto.conf');
  writeFileSync(conf, "shared_buffers = 'much'\n");
  expect(() => asOwner(again())).toThrow(/invalid value for parameter "shared_buffers"/);
  writeFileSync(conf, '');
  asOwner(again());
});

test('a stop that hangs is ended by force when its time is over', () => {
  sql(pgdata, `ALTER SYSTEM SET archive_mode = on; ALTER SYSTEM SET archive_command = 'sleep 1000';`);
  stopServer(pgdata);
  asOwner(again());
  sql(pgdata, 'CREATE TABLE t (); SELECT pg_switch_wal();');
  const { pid } = socketOf(pgdata);
  asOwner(stopSoon(''));
  expect(isRunning(pgdata)).toBe(true);
  asOwner(again(2));
  expect(socketOf(pgdata).pid).not.toBe(pid);
  expect(sql(pgdata, 'SELECT count(*) FROM t;')).toBe('0');
});
