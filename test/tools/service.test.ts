import { expect, test } from 'vitest';
import { restart, start, startLog, startSoon } from '../../src/tools/service.ts';
import { machine, place } from '../plan/support/servers.ts';

const at = (more: Parameters<typeof place>[1]) => place('pg1', more);
const OURS = '/pg/pg1/pgrepl-start.log';

test.each([
  ['no file of its own', {}, OURS],
  ['a file that somebody gave to pg_ctl', { log: '/var/log/pg.log' }, '/var/log/pg.log'],
  ['our file', { log: OURS }, OURS],
  ["a name that pg_ctl's shell would read", { log: '/var/log/$(date)"x.log' }, OURS],
])('the log of a server with %s', (_, more, wanted) => {
  expect(startLog(at(more))).toBe(wanted);
  for (const command of [start, startSoon, restart]) {
    const { argv } = command(machine(), at(more));
    expect(argv[argv.indexOf('-l') + 1]).toBe(wanted);
    // Where it fails, its last words are read there.
    const shown = argv[argv.indexOf('start') + 2];
    expect([wanted, 'pgrepl-start.log']).toContain(shown);
  }
});

test.each([
  [{ by: 'systemd', unit: 'postgresql.service' } as const],
  [{ by: 'pg_ctlcluster', name: { major: 15, cluster: 'main' } } as const],
])('%o knows its log itself', (service) => {
  const { argv } = start(machine(), at({ service, log: '/var/log/pg.log' }));
  expect(argv.join(' ')).not.toContain('pg.log');
});
