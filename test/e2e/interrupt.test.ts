import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort, waitFor } from './support/machine.ts';
import { clone, cloneWords, newPrimary, type Primary, type Target } from './support/pair.ts';
import { startPgrepl, type Started } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { socketOf, sql } from './support/server.ts';

const dir = scratch();
const slots = (primary: Primary): string =>
  sql(primary.pgdata, 'SELECT slot_name FROM pg_replication_slots;');

type Undoing = Started & { said: () => string; goOn: () => void };

/** A copy that is interrupted, and its undo: the upstream is stopped, so that dropping the slot takes until `goOn`. */
async function undoing(primary: Primary, to: Target, ...words: readonly string[]): Promise<Undoing> {
  const started = startPgrepl([...cloneWords(primary, to), '--max-rate', '1M', ...words]);
  let said = '';
  started.child.stderr?.on('data', (text: string) => (said += text));
  const copied = join(`${to.pgdata}.pgrepl-new`, 'data', 'PG_VERSION');
  await waitFor(() => existsSync(copied), { what: 'a copy that is on its way' });
  const { pid } = socketOf(primary.pgdata);
  process.kill(pid, 'SIGSTOP');
  started.child.kill('SIGINT');
  await waitFor(() => !existsSync(`${to.pgdata}.pgrepl-new`), { what: 'the half-made copy is removed' });
  return { ...started, said: () => said, goOn: () => void process.kill(pid, 'SIGCONT') };
}

test('the second Ctrl-C is answered, and the undo comes to its end; the third leaves it, and running again continues', async () => {
  const primary = await newPrimary(dir);
  const to = { pgdata: join(dir, 'pg2'), port: await freePort(), name: 'pg2' };

  const second = await undoing(primary, to);
  expect(second.said()).toContain(
    'interrupted: the step that runs comes to its end, and what can be undone is',
  );
  second.child.kill('SIGINT');
  await waitFor(() => second.said().includes('a third Ctrl-C leaves everything as it is'), {
    what: 'the answer',
  });
  second.goOn();
  const ended = await second.ended;
  expect(ended.stderr).toContain('what was done is undone: everything is as before');
  expect({ code: ended.code, slots: slots(primary) }).toEqual({ code: 130, slots: '' });

  const third = await undoing(primary, to, '--json');
  third.child.kill('SIGINT');
  third.child.kill('SIGTERM');
  const left = await third.ended;
  third.goOn();
  expect(left.code).toBe(130);
  expect(left.json()).toMatchObject({ outcome: 'interrupted', status: 130 });

  expect(await clone(primary, to)).toMatchObject({ code: 0 });
  expect(slots(primary)).toBe('pg2');
});
