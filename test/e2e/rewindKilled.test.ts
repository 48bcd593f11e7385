import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crashedPair } from './support/crashed.ts';
import { asOwner, waitFor } from './support/machine.ts';
import { processes } from './support/pair.ts';
import { startPgrepl, type Result } from './support/pgrepl.ts';
import { sql } from './support/server.ts';

/** pg_rewind goes on without us, and where it died itself the next run does it again, or says what is left to do. */
describe('in the middle of pg_rewind', async () => {
  const { file, dir, pgdata, run, document, again, quiet, arrived } = await crashedPair();

  /** pg_rewind is killed when it began to write; where it was quicker than that, from the beginning. */
  async function dieMidway(tries = 5): Promise<Result> {
    again();
    const log = join(dir, 'a.pgrepl-rewind', 'rewind.log');
    const going = run(['rejoin', 'a']);
    await waitFor(() => existsSync(log) && readFileSync(log, 'utf8').includes('need to copy'), {
      what: 'it writes',
    });
    for (const pid of processes('pg_rewind', pgdata('a'))) process.kill(pid, 'SIGKILL');
    const ended = await going;
    return ended.code === 0 && tries > 1 ? dieMidway(tries - 1) : ended;
  }

  test('pgrepl alone, while pg_rewind works: that goes on to its end', { timeout: 200_000 }, async () => {
    again();
    const { child, ended } = startPgrepl(['rejoin', 'a', '--config', file], { seconds: 100 });
    await waitFor(() => processes('pg_rewind', pgdata('a')).length > 0, { what: 'pg_rewind starts' });
    child.kill('SIGKILL');
    expect((await ended).code).toBe(137);
    await quiet();
    const state = join(dir, 'a.pgrepl-rewind', 'state');
    await waitFor(() => readFileSync(state, 'utf8') === 'done\n', { what: 'it is rewound' });
    const next = await document(['rejoin', 'a']);
    expect(next).toMatchObject({ outcome: 'done' });
    expect(next.steps.map(({ why }) => why)).not.toContain('rewind it to b');
    await arrived();
  });

  test('pg_rewind itself, in the middle: it is done again, from what was kept', async () => {
    const failed = await dieMidway();
    expect(failed.code, failed.stderr).toBe(5);
    expect(failed.stderr).toContain('running it again does it again');
    const next = await run(['rejoin', 'a']);
    expect(next.code, next.stderr).toBe(0);
    await arrived();
  });

  test('the machine goes down before what it wrote is on the disk: it is done again', async () => {
    again();
    await run(['rejoin', 'a'], {
      onStderr: (said, child) => {
        if (said.includes('✓ a: rewind it to b')) child.kill('SIGKILL');
      },
    });
    await quiet();
    const work = join(dir, 'a.pgrepl-rewind');
    expect(readFileSync(join(work, 'state'), 'utf8')).toBe('done\n');
    // What a sync that did not come to its end leaves: pg_control of the source, and a file that is not all there.
    const path = sql(pgdata('b'), `SELECT pg_relation_filepath('kept');`);
    const damage =
      'echo begun >"$1/state"; echo other >"$1/boot"; dd if=/dev/zero of="$2" bs=8192 seek=3 count=2 conv=notrunc';
    asOwner(['sh', '-c', damage, 'damage', work, join(pgdata('a'), path)]);
    const next = await document(['rejoin', 'a']);
    expect(next).toMatchObject({ outcome: 'done' });
    expect(next.steps.map(({ why }) => why)).toContain('rewind it to b');
    await arrived();
  });

  test('and where it cannot be done again, only a new copy helps', { timeout: 200_000 }, async () => {
    expect((await dieMidway()).code).toBe(5);
    asOwner(['sh', '-c', 'rm -f "$1"/a/pg_wal/0* "$1"/a.pgrepl-rewind/wal/0*', 'lose', dir]);
    expect(await run(['rejoin', 'a'])).toMatchObject({ code: 5 });
    const stuck = await run(['rejoin', 'a']);
    expect(stuck).toMatchObject({ code: 3 });
    expect(stuck.stderr).toContain('a: was left half rewound, and cannot be rewound again');
    expect(stuck.stderr).toContain('pgrepl rejoin a --allow-reclone');
    const copied = await run(['rejoin', 'a', '--allow-reclone', '--yes']);
    expect(copied.code, copied.stderr).toBe(0);
    await arrived();
    const left = readdirSync(dir).filter((name) => name.startsWith('a.'));
    expect(left.map((name) => name.replace(/-\d.*$/, '')).sort()).toEqual(['a.pgrepl-lost', 'a.pgrepl-old']);
  });
});
