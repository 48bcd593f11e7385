import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { byFlags } from '../../src/cluster/byFlags.ts';
import type { TargetFlags } from '../../src/cluster/flags.ts';

const here = hostname().split('.')[0] ?? '';

const NAMES: readonly { flags: TargetFlags; name: string; slot: string; seenAs?: string }[] = [
  { flags: { on: 'ssh://postgres@db-2.example:22' }, name: 'db-2.example', slot: 'db_2_example' },
  { flags: { on: 'ssh://db-2', port: 5432 }, name: 'db-2', slot: 'db_2' },
  { flags: { on: 'ssh://db-2', port: 5433 }, name: 'db-2', slot: 'db_2_5433', seenAs: 'db-2_5433' },
  { flags: { on: 'docker://pg', port: 5433 }, name: 'pg', slot: 'pg_5433', seenAs: 'pg_5433' },
  { flags: { name: 'pg2', port: 5433 }, name: 'pg2', slot: 'pg2' },
  { flags: {}, name: here, slot: here.toLowerCase().replace(/[^a-z0-9_]/g, '_') },
];

test.each(NAMES)('$flags: its host is its name, and at its upstream with the port', (row) => {
  const { node, cluster } = byFlags(undefined, undefined, { pgdata: '/d', ...row.flags }, 'node');
  const { name, slot, seenAs } = node;
  expect({ name, slot, seenAs }).toEqual({ name: row.name, slot: row.slot, seenAs: row.seenAs });
  expect(cluster.name).toBe(name);
});
