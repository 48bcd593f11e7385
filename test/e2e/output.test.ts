import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { freePort } from './support/machine.ts';
import { cloneWords, newPrimary, streams, type Primary } from './support/pair.ts';
import { PROGRAM, startPgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';

const dir = scratch();
let primary: Primary;

beforeAll(async () => {
  primary = await newPrimary(dir);
});

test('a verb whose talk nobody reads any more comes to its end', async () => {
  const to = { pgdata: join(dir, 'pg2'), port: await freePort(), name: 'pg2' };
  const started = startPgrepl(cloneWords(primary, to));
  started.child.stderr?.once('data', () => started.child.stderr?.destroy());
  expect((await started.ended).code).toBe(0);
  await streams(primary.pgdata, to.pgdata, 'pg2');
});

test('data that nobody wants are no error', async () => {
  const started = startPgrepl(['status', '-D', primary.pgdata]);
  started.child.stdout?.destroy();
  expect(await started.ended).toMatchObject({ code: 0, stderr: '' });
});

test('data that could not be written are told, in one sentence, with 1', () => {
  const words = [process.execPath, PROGRAM, 'status', '-D', primary.pgdata];
  const { status: code, stderr } = spawnSync('sh', ['-c', '"$@" >/dev/full', 'sh', ...words], {
    encoding: 'utf8',
  });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'error: stdout cannot be written: no space left on device\n',
  });
});
