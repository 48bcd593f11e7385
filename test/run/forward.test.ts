import { expect, test } from 'vitest';
import type { Plan, Step } from '../../src/plan/plan.ts';
import { execute, type Execution } from '../../src/run/execute.ts';
import type { Doing } from '../../src/run/doing.ts';
import type { Spawned } from '../../src/run/spawn.ts';

/** What happens around the point of no return, and between lanes. */

const ok: Spawned = { code: 0, stdout: '', stderr: '', timedOut: false, ms: 1 };
const step = (why: string, lane?: string): Step =>
  ({ node: 'a', why, do: 'run', argv: [why], seconds: 5, ...(lane === undefined ? {} : { lane }) }) as Step;
const wait = (why: string, lane?: string, seconds = 30): Step =>
  ({
    node: 'a',
    why,
    do: 'expect',
    argv: [why],
    stdout: 't',
    seconds,
    ...(lane === undefined ? {} : { lane }),
  }) as Step;

type Host = Readonly<Record<string, (stop: () => void) => Partial<Spawned>>>;

async function run(
  plan: Partial<Plan>,
  host: Host,
  patience?: number,
): Promise<Execution & { ran: string[] }> {
  const ran: string[] = [];
  const stop = new AbortController();
  const doing: Doing = {
    spawn: () => Promise.resolve(ok),
    quick: async (_, argv) => {
      const name = argv.at(-1) ?? '';
      if (ran.at(-1) !== name) ran.push(name);
      await Promise.resolve();
      return { ...ok, ...host[name]?.(() => stop.abort()) };
    },
    onNode: (_, argv) => argv,
    tell: () => undefined,
    signal: stop.signal,
    ...(patience === undefined ? {} : { patience }),
  };
  const ended = await execute({ title: '', refusals: [], steps: [], ...plan }, doing);
  return { ...ended, ran };
}

const SWAP = {
  steps: [
    step('place'),
    step('stop'),
    step('promote', 'b'),
    wait('writes', 'b'),
    step('start', 'a'),
    wait('streams', 'a'),
    step('clean'),
  ],
  undo: [step('back')],
  pointOfNoReturn: 2,
};
const asked = { writes: () => ({ stdout: 't' }), streams: () => ({ stdout: 't' }) };
const fails = () => ({ code: 1, stderr: 'no' });
const stops = (stop: () => void) => (stop(), {});

test('an interrupt in the last step before the point of no return is undone', async () => {
  const ended = await run(SWAP, { ...asked, stop: stops });
  expect(ended).toMatchObject({ interrupted: true, undone: 'done', ran: ['place', 'stop', 'back'] });
});

test('a failure there is undone', async () => {
  const ended = await run(SWAP, { ...asked, stop: fails });
  expect(ended).toMatchObject({ failed: { because: 'no' }, undone: 'done', ran: ['place', 'stop', 'back'] });
});

test('from there on an interrupt ends the waiting, and not what was begun', async () => {
  const ended = await run(SWAP, { ...asked, promote: stops });
  expect(ended).toMatchObject({ interrupted: true, undone: 'not needed' });
  expect(ended.ran).toEqual(['place', 'stop', 'promote', 'start']);
});

test('a failure there is never undone, and the other lane does not wait for what cannot come', async () => {
  const ended = await run(SWAP, { promote: fails });
  expect(ended).toMatchObject({
    failed: { step: { why: 'promote' } },
    interrupted: false,
    undone: 'not needed',
  });
  expect(ended.ran).toContain('start');
  expect(ended.ran).not.toContain('clean');
});

test('what was not seen is told of the first lane, whichever was the first to give up', async () => {
  const steps = [step('promote', 'b'), wait('writes', 'b', 0.2), wait('streams', 'a', 0.05)];
  const ended = await run({ steps }, {});
  expect(ended).toMatchObject({ failed: { step: { why: 'writes' } } });
});

test('before it, what fails in one lane ends the others', async () => {
  const steps = [step('one', 'x'), wait('two', 'y'), step('three', 'y')];
  const ended = await run({ steps, undo: [step('back')] }, { one: fails });
  expect(ended).toMatchObject({ failed: { step: { why: 'one' } }, undone: 'done' });
  expect(ended.ran).not.toContain('three');
});

test('--timeout shortens what is waited for, and neither lengthens it nor bounds what is undone', async () => {
  let tries = 0;
  const host = { served: () => ({ stdout: (tries += 1) > 4 ? 't' : 'f' }) };
  const plan = { steps: [wait('never', undefined, 0.05)], undo: [wait('served')] };
  const began = performance.now();
  const ended = await run(plan, host, 600);
  expect(ended).toMatchObject({
    failed: { because: expect.stringContaining('within 0.05 s') },
    undone: 'done',
  });
  expect(performance.now() - began).toBeLessThan(60_000);
  tries = 0;
  expect(await run({ ...plan, steps: [wait('never')] }, host, 0.01)).toMatchObject({
    failed: { because: expect.stringContaining('within 0.01 s') },
    undone: 'done',
  });
});
