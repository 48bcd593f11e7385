import { expect, test } from 'vitest';
import { endedAt, endsWith, isSound, isUnchanged, trioWithWriter } from './support/swapping.ts';

/** Ctrl-C at many moments: before the promotion all is as before, from there on it goes on when it is run again. */
const stage = trioWithWriter();
let primary = 'pg1';

test.each([1, 8, 11, 12, 13, 14, 15, 16, 18, 21])(
  'interrupted after step %i: as before, or on the way to the end',
  async (k) => {
    const to = primary === 'pg1' ? 'pg2' : 'pg1';
    const ended = await endedAt(stage, 'SIGINT', to, k);
    expect([0, 130]).toContain(ended.code);
    if (ended.code === 130) {
      const promoted = /^✓ .*: promote/m.test(ended.stderr);
      expect([k, ended.stderr, /everything is as before/.test(ended.stderr)]).toEqual([
        k,
        ended.stderr,
        !promoted,
      ]);
      if (!promoted) await isSound(stage, primary);
    }
    endsWith(await stage.run('switchover', to), 0);
    primary = to;
    await isSound(stage, to);
  },
  120_000,
);

test('nothing is left to do', async () => isUnchanged(stage, primary));
