import { expect, test } from 'vitest';
import { unmetDemands, type Demands } from '../../src/plan/demands.ts';
import type { Seen } from '../../src/plan/steps.ts';
import { place, standby, stopped } from './support/servers.ts';

const up = (more: Parameters<typeof place>[1] = {}, spaces: readonly string[] = []): Seen => ({
  ...standby('pg2', {
    server: {
      port: 6001,
      tablespaces: spaces.map((location) => ({ name: 'fast', location, bytes: 1 })),
    },
  }),
  place: place('pg2', more),
});
const down = (conf: string): Seen => ({
  ...stopped('pg2'),
  place: place('pg2', {
    files: { conf: { path: '/pg/pg2/postgresql.conf', text: conf }, included: [] },
  }),
});
const linked = { walLink: '/mnt/disk2/wal', walNamed: '/wal' };

test.each<[string, Seen, Demands, readonly string[]]>([
  ['nothing is demanded', up(), {}, []],
  ['the port that it has', up(), { port: 6001 }, []],
  ['another port', up(), { port: 6002 }, ['pg2: --port 6002 has no effect: the server listens on port 6001']],
  ['the port of its files', down('port = 6002\n'), { port: 6002 }, []],
  [
    'another port than that of its files',
    down('port = 6002\n'),
    { port: 6003 },
    ['pg2: --port 6003 has no effect: the server is set to port 6002'],
  ],
  ['the default port', down(''), { port: 5432 }, []],
  ['the directory that WAL is in', up(linked), { waldir: '/mnt/disk2//wal/' }, []],
  ['as the link names it', up(linked), { waldir: '/wal' }, []],
  [
    'another directory',
    up(linked),
    { waldir: '/other' },
    ['pg2: --waldir /other has no effect: the server is there already, with its WAL in /mnt/disk2/wal'],
  ],
  [
    'a directory where there is none',
    up(),
    { waldir: '/wal' },
    ['pg2: --waldir /wal has no effect: the server is there already, with its WAL in /pg/pg2 itself'],
  ],
  ['a tablespace as its link names it', up({}, ['/new']), { tablespaces: { '/old': '/new/' } }, []],
  [
    'a tablespace as its link leads',
    up({ tablespaces: [{ oid: 1, location: '/mnt/new' }] }, ['/new']),
    { tablespaces: { '/old': '/mnt/new' } },
    [],
  ],
  [
    'a tablespace elsewhere',
    up({}, ['/old']),
    { tablespaces: { '/old': '/new' } },
    [
      'pg2: --tablespace-mapping to /new has no effect: the standby is there already, and its tablespaces are in /old',
    ],
  ],
  [
    'no tablespace, and a port: both are told',
    up(),
    { port: 1, tablespaces: { '/old': '/new' } },
    [
      'pg2: --port 1 has no effect: the server listens on port 6001',
      'pg2: --tablespace-mapping to /new has no effect: the standby is there already, and it has no tablespaces',
    ],
  ],
])('%s', (_, found, demands, wanted) => {
  expect(unmetDemands(found, demands).map(({ message }) => message)).toEqual(wanted);
});
