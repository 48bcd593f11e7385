import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { byFlags } from '../../src/cluster/byFlags.ts';
import type { TargetFlags } from '../../src/cluster/flags.ts';

const here = hostname().split('.')[0] ?? '';

const NAMES: readonly (readonly [TargetFlags, string, string, string?])[] = [
  [{ on: 'ssh://postgres@db-2.example:22' }, 'db-2.example', 'db_2_example'],
  [{ on: 'ssh://db-2', port: 5432 }, 'db-2', 'db_2'],
  [{ on: 'ssh://db-2', port: 5433 }, 'db-2', 'db_2_5433', 'db-2_5433'],
  [{ on: 'docker://pg', port: 5433 }, 'pg', 'pg_5433', 'pg_5433'],
  [{ name: 'pg2', port: 5433 }, 'pg2', 'pg2'],
  [{}, here, here.toLowerCase().replace(/[^a-z0-9_]/g, '_')],
];

test.each(NAMES)(
  "%j: its name is the host's, and at its upstream with the port",
  (flags, name, slot, seenAs) => {
    const { node, cluster } = byFlags(undefined, undefined, { pgdata: '/d', ...flags }, 'node');
    expect({ name: node.name, slot: node.slot, seenAs: node.seenAs }).toEqual({ name, slot, seenAs });
    expect(cluster.name).toBe(node.name);
  },
);
