import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../src/cluster/types.ts';
import type { NodeState } from '../../src/facts/state.ts';
import { inspect } from '../../src/observe/inspect.ts';
import { effective } from '../../src/plan/effective.ts';
import { isSeen } from '../../src/plan/steps.ts';
import { hold } from '../../src/run/hold.ts';
import { asOwner, program } from '../e2e/support/machine.ts';
import { scratch } from '../e2e/support/scratch.ts';
import { initdb, writeAsOwner } from '../e2e/support/server.ts';

/** What the files of a server that does not run say, beside what its own `postgres -C` says. */

const pgdata = join(scratch(), 'data');
const made: string[] = [];

beforeAll(() => {
  initdb(pgdata);
});

afterEach(() => {
  for (const path of made.splice(0)) rmSync(path);
});

/** A postgresql.conf of these lines, with these files for it to include. */
function configured(lines: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    writeAsOwner(join(pgdata, path), text);
    made.push(join(pgdata, path));
  }
  writeAsOwner(join(pgdata, 'postgresql.conf'), `port = 1111\n${lines}\n`);
}

async function look(): Promise<NodeState | undefined> {
  const cluster: Cluster = {
    name: 'one',
    replication: { role: 'r' },
    nodes: [{ name: 'one', host: { via: 'local' }, pgdata, slot: 'one' }],
  };
  return (await inspect(cluster, { hold, seconds: 20 })).nodes[0];
}

const CHAIN = (length: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length }, (_, at) => [
      `chain${at + 1}`,
      at + 1 === length ? 'port = 2222\n' : `include 'chain${at + 2}'\n`,
    ]),
  );

const CASES: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ['quoted', `include 'a.conf'`, { 'a.conf': 'port = 2222\n' }],
  ['without quotes', `include sub/a.conf`, { 'sub/a.conf': 'port = 2222\n' }],
  ['without quotes, with =', `include = a-1.conf # a`, { 'a-1.conf': 'port = 2222\n' }],
  ['in mixed case', `INCLUDE_Dir 'x'`, { 'x/b.conf': 'port = 2222\n', 'x/.c.conf': 'port = 3\n' }],
  ['a directory without quotes', `include_dir confd`, { 'confd/b.conf': 'port = 2222\n' }],
  ['a directory with slashes', `include_dir 'x//'`, { 'x/b.conf': 'port = 2222\n', 'x/b.txt': 'port = 3\n' }],
  ['what is not there', `Include_If_Exists 'no'\ninclude_if_exists yes`, { yes: 'port = 2222\n' }],
  ['a quote and a blank', `include 'a ''b\\'.conf'`, { "a 'b'.conf": 'port = 2222\n' }],
  [
    'nested',
    `include 'x/a'`,
    {
      'x/a': `include_dir 'y'\n`,
      'x/y/b.conf': "include '../c'\n",
      'x/c': 'port = 3333\n',
      'x/y/c.conf': 'port = 2222\n',
    },
  ],
  ['from a directory', `include_dir 'conf.d'`, { 'conf.d/a.conf': `include '../b'\n`, b: 'port = 2222\n' }],
  ['twice', `include 'a'\nport = 3\ninclude './a'`, { a: 'port = 2222\n' }],
  ['before', `include 'a'\nport = 2222`, { a: 'port = 3\n' }],
  ['ten deep', `include 'chain1'`, CHAIN(10)],
];

test.each(CASES)('%s', async (_name, lines, files) => {
  configured(lines, files);
  const found = await look();
  if (found === undefined || !isSeen(found)) throw new Error('it was not looked at');
  const said = asOwner([program('postgres'), '-C', 'port', '-D', pgdata]).trim();
  expect([said, effective(found, 'port')?.value]).toEqual(['2222', '2222']);
});

test.each([
  ['eleven deep', `include 'chain1'`, CHAIN(11)],
  ['a circle', `include 'a'`, { a: `include 'b'\n`, b: `include 'a'\nport = 2222\n` }],
  ['what is no word', `include a.conf`, { 'a.conf': 'port = 2222\n' }],
])('what PostgreSQL refuses ends: %s', async (_name, lines, files) => {
  configured(lines, files);
  const found = await look();
  expect(found).toMatchObject({ is: 'stopped', place: { confWrong: expect.any(String) as string } });
});
