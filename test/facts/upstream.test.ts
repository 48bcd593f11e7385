import { describe, expect, test } from 'vitest';
import type { Cluster } from '../../src/cluster/types.ts';
import { endpoints, upstreamOf } from '../../src/facts/upstream.ts';
import {
  CLUSTER,
  detached,
  HEALTHY,
  node,
  place,
  primary,
  standby,
  stateWith,
  stopped,
  unreachable,
  walsender,
} from '../report/fixtures.ts';

describe('the upstream of a node', () => {
  test('is who streams to it by its name', () => {
    expect(upstreamOf(CLUSTER, HEALTHY, 'pg2')).toBe('pg1');
  });

  test('beats what its settings say', () => {
    const state = stateWith(
      primary('pg1'),
      standby('pg2'),
      standby('pg3', {}, { walsenders: [walsender('pg2')] }),
    );
    expect(upstreamOf(CLUSTER, state, 'pg2')).toBe('pg3');
  });

  test('is who streams to its slot, when no other node has that name', () => {
    const bySlot = stateWith(
      primary('pg1', { walsenders: [walsender('walreceiver', { slot: 'pg2' })] }),
      unreachable('pg2'),
    );
    expect(upstreamOf(CLUSTER, bySlot, 'pg2')).toBe('pg1');
    const taken = stateWith(
      primary('pg1', { walsenders: [walsender('pg3', { slot: 'pg2' })] }),
      unreachable('pg2'),
    );
    expect(upstreamOf(CLUSTER, taken, 'pg2')).toBeUndefined();
  });

  test('is not who makes a base backup for it', () => {
    const state = stateWith(
      primary('pg1', { walsenders: [walsender('pg2', { state: 'backup' })] }),
      unreachable('pg2'),
    );
    expect(upstreamOf(CLUSTER, state, 'pg2')).toBeUndefined();
  });

  test('of a primary is nobody, whatever a walsender is called', () => {
    const state = stateWith(primary('pg1'), primary('pg2', { walsenders: [walsender('pg1')] }));
    expect(upstreamOf(CLUSTER, state, 'pg1')).toBeUndefined();
  });

  test.each([
    ["host=10.0.0.3 port=5432 password='a b'", 'pg3'],
    ["host = '10.0.0.3'", 'pg3'],
    ['postgresql://replicator:x%40y@10.0.0.3/postgres?sslmode=require', 'pg3'],
    ['host=10.9.9.9,10.0.0.3 port=1,5432', 'pg3'],
    ['host=10.0.0.3 port=5433', undefined],
    ['', undefined],
  ])('that does not stream is where %j points', (conninfo, wanted) => {
    const state = stateWith(primary('pg1'), detached('pg2', { conninfo }), standby('pg3'));
    expect(upstreamOf(CLUSTER, state, 'pg2')).toBe(wanted);
  });

  test('on one host the port tells, for a socket and for localhost', () => {
    const [a, b] = [node('pg1', { port: 6001 }), node('pg2', { port: 6002, upstream: 'pg1' })];
    const local: Cluster = { ...CLUSTER, nodes: [a, b].map(({ address: _, ...rest }) => rest) };
    for (const host of ['/run/postgresql', 'localhost', '127.0.0.1']) {
      const state = stateWith(
        primary('pg1', { port: 6001 }),
        detached('pg2', { conninfo: `host=${host} port=6001` }, { port: 6002 }),
      );
      expect(upstreamOf(local, state, 'pg2')).toBe('pg1');
    }
  });

  test('of a stopped standby is what its files say, postgresql.auto.conf first', () => {
    const files = {
      conf: { path: 'c', text: "primary_conninfo = 'host=10.0.0.3'\n" },
      auto: { path: 'a', text: "primary_conninfo = 'host=''10.0.0.1'' user=x'\n" },
      included: [],
    };
    const state = stateWith(primary('pg1'), { ...stopped('pg2', true), place: place({ files }) } as never);
    expect(upstreamOf(CLUSTER, state, 'pg2')).toBe('pg1');
  });
});

test.each([
  [
    'host=a,b port=1,2',
    [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
  ],
  [
    'host=a,b port=7',
    [
      { host: 'a', port: 7 },
      { host: 'b', port: 7 },
    ],
  ],
  ['hostaddr=::1', [{ host: '::1', port: 5432 }]],
  ['host=/tmp/a\\ b', [{ host: '/tmp/a b', port: 5432 }]],
  [
    'postgres://u@[::1]:77,h/d',
    [
      { host: '::1', port: 77 },
      { host: 'h', port: 5432 },
    ],
  ],
])('endpoints of %s', (conninfo, wanted) => {
  expect(endpoints(conninfo)).toEqual(wanted);
});
