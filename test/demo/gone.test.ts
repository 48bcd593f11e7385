import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gone } from '../../src/demo/gone.ts';
import { scratch } from '../e2e/support/scratch.ts';

const dir = scratch();
const file = join(dir, 'postmaster.pid');
const { signal } = new AbortController();

test('a server that does not go is told, and one that goes is waited for', async () => {
  writeFileSync(file, '1');
  await expect(gone('pg1', dir, 0.1, signal)).rejects.toThrow(
    'pg1: its server was killed, and is still there after 0.1 s',
  );
  await expect(gone('pg1', dir, 10, AbortSignal.abort())).rejects.toThrow();
  const waiting = gone('pg1', dir, 10, signal);
  rmSync(file);
  await waiting;
});

test('what cannot be read is an error, and no server that is gone', async () => {
  mkdirSync(file);
  await expect(gone('pg1', dir, 10, signal)).rejects.toThrow('EISDIR');
});
