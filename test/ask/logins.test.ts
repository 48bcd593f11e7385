import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { askLogins } from '../../src/ask/logins.ts';
import type { Ask } from '../../src/run/asking.ts';
import { Secret } from '../../src/tools/words.ts';
import { primary, stopped } from '../plan/support/servers.ts';

const root = mkdtempSync(join(tmpdir(), 'pgrepl-logins-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const link = { host: 'b', port: 5432, role: 'replicator', applicationName: 'a', slot: 'a' };
const node = { name: 'a', host: { via: 'local' as const }, port: 5432, address: 'a', slot: 'a' };

/** The script runs for real; what stands for psql says what psql says. */
async function logins(psql: string, password = 'hush'): ReturnType<typeof askLogins> {
  const program = join(root, 'psql');
  writeFileSync(program, `#!/bin/sh\n${psql}\n`);
  chmodSync(program, 0o755);
  const found = stopped('a', {});
  const ask: Ask = (_, [words = '', ...rest], { stdin }) => {
    const { status, stdout, stderr } = spawnSync(words, rest, { input: stdin ?? '', encoding: 'utf8' });
    return Promise.resolve({ code: status ?? undefined, stdout, stderr, timedOut: false, ms: 1 });
  };
  const seen = { ...found, machine: { ...found.machine, programs: { psql: program } } };
  const state = { nodes: [seen, primary('b')] };
  return askLogins('b', node, seen, { ...link, password: new Secret(password) }, state, ask);
}

const REFUSED = `echo 'psql: error: connection to server at "b" (10.0.0.9), port 5432 failed: FATAL:  password authentication failed for user "replicator@x"' >&2; exit 2`;
const whenReplicating = (yes: string, no: string): string =>
  `case "$*" in *replication=true*) ${yes} ;; *) ${no} ;; esac`;

test('both are let in, and the password reaches psql by its environment', async () => {
  const fine = whenReplicating(`[ "$PGPASSWORD" = "h'u sh" ] && echo '7|1|0/0|'`, `echo 'lacks '`);
  expect(await logins(fine, "h'u sh")).toEqual({});
});

test.each([
  [
    'lacks a right',
    `echo 'lacks pg_ls_dir(text,boolean,boolean)'`,
    'may not execute pg_ls_dir(text,boolean,boolean)',
  ],
  ['is no superuser of a 10', `echo superuser`, 'is no superuser'],
  ['warns first', `echo 'WARNING: password file is open to all' >&2; echo 'lacks '`, undefined],
  ['is not let in', REFUSED, /^cannot log in to the database postgres: .*authentication failed/],
])('the role %s', async (_, psql, rewinder) => {
  const { rewinder: said, noReplication } = await logins(whenReplicating(`echo '7|1|0/0|'`, psql));
  expect(noReplication).toBeUndefined();
  if (rewinder instanceof RegExp) expect(said).toMatch(rewinder);
  else expect(said).toBe(rewinder);
});

test('the role may not replicate', async () => {
  const { noReplication, rewinder } = await logins(whenReplicating(REFUSED, `echo 'lacks '`));
  expect(rewinder).toBeUndefined();
  expect(noReplication?.unreachable).toBe(false);
  expect(noReplication?.problems.map(({ message }) => message)).toEqual([
    'a: b (b:5432) does not let the role replicator replicate from here: connection to server at "b" (10.0.0.9), port 5432 failed: FATAL:  password authentication failed for user "replicator@x"',
  ]);
});
