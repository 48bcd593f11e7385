import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { asOwner, IS_ROOT, waitFor } from './support/machine.ts';
import { cloneWords, newPrimary, processes, type Primary } from './support/pair.ts';
import { startPgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { sql } from './support/server.ts';

/** A copy that fails is undone: what was made for it goes, up to the last directory, and nothing that was there. */

const dir = scratch();
let primary: Primary;

beforeAll(async () => {
  primary = await newPrimary(dir);
  sql(primary.pgdata, 'CREATE TABLE ballast AS SELECT repeat($$x$$, 1000) FROM generate_series(1, 30000);');
});

/** Each directory and file with its owner and its permissions. */
function tree(place: string): string {
  return execFileSync('find', [place, '-printf', '%p %u %m\n'], { encoding: 'utf8' });
}

/** Kills pg_basebackup in the middle of the copy, and gives the end of the run. */
async function failedCopy(data: string, more: readonly string[] = []): Promise<void> {
  const words = cloneWords(primary, { name: 'pg2', pgdata: data, port: 5999 });
  const { ended } = startPgrepl([...words, '--max-rate', '2M', '--json', ...more]);
  const stagings = [`${data}.pgrepl-new`, join(data, '.pgrepl-new')];
  const copying = (): boolean => stagings.some((staging) => existsSync(join(staging, 'data', 'base')));
  await waitFor(copying, { what: 'the copy runs' });
  for (const pid of processes('pg_basebackup', dir)) process.kill(pid, 'SIGTERM');
  const result = await ended;
  expect(result.json()).toMatchObject({ outcome: 'rolled-back', status: 6, changed: false });
}

test('what the owner made: parents of the data, and of the directory for WAL', async () => {
  const place = join(dir, 'own');
  asOwner(['mkdir', place]);
  asOwner(['mkdir', join(place, 'there')]);
  const before = tree(place);
  const data = join(place, 'a', 'b c', 'data');
  await failedCopy(data, ['--waldir', join(place, 'there', 'x', 'wal')]);
  expect(tree(place)).toBe(before);
});

test.runIf(IS_ROOT)('what root made: the directory for the owner, and those above it', async () => {
  const place = join(dir, 'roots');
  mkdirSync(place, { mode: 0o755 });
  const before = tree(place);
  const data = join(place, 'a', 'data');
  await failedCopy(data);
  expect(tree(place)).toBe(before);
});

test.runIf(IS_ROOT)('an empty directory of root that was there stays, and is of root again', async () => {
  const data = join(dir, 'given');
  mkdirSync(data);
  chmodSync(data, 0o750);
  const before = tree(data);
  await failedCopy(data);
  expect(tree(data)).toBe(before);
});
