import { describe, expect, test } from 'vitest';
import type { Plan, Step } from '../../src/plan/plan.ts';
import { execute, groupsOf } from '../../src/run/execute.ts';
import { why } from '../../src/run/runStep.ts';
import type { Doing, StepEvent } from '../../src/run/doing.ts';
import type { Spawned } from '../../src/run/spawn.ts';
import { Secret } from '../../src/tools/words.ts';

const ok: Spawned = { code: 0, stdout: '', stderr: '', timedOut: false, ms: 1 };

function step(why: string, more: Record<string, unknown> = {}): Step {
  return { node: 'a', why, do: 'run', argv: [why], seconds: 5, ...more } as Step;
}

type Seen = { argv: readonly string[]; stdin: string };

/** A host that answers by the last word of a command line, and remembers what it was told. */
function host(answers: Readonly<Record<string, Partial<Spawned> | (() => Partial<Spawned>)>> = {}) {
  const seen: Seen[] = [];
  const events: StepEvent[] = [];
  const stop = new AbortController();
  const answer = async (argv: readonly string[], stdin: string): Promise<Spawned> => {
    seen.push({ argv, stdin });
    await Promise.resolve();
    const found = answers[argv.at(-1) ?? ''] ?? {};
    return { ...ok, ...(typeof found === 'function' ? found() : found) };
  };
  const doing: Doing = {
    spawn: (argv, options) => answer(argv, options?.stdin ?? ''),
    quick: (_, argv, { stdin }) => answer(argv, stdin),
    onNode: (_, argv) => ['on-a', ...argv],
    tell: (event) => events.push(event),
    signal: stop.signal,
  };
  const ran = (): readonly string[] => seen.map(({ argv }) => argv.at(-1) ?? '');
  return { doing, seen, events, ran, stop: () => stop.abort() };
}

function plan(steps: readonly Step[], more: Partial<Plan> = {}): Plan {
  return { title: 'a plan', refusals: [], steps, ...more };
}

test('steps run in their order, and each is told as it begins and ends', async () => {
  const { doing, events, ran } = host();
  expect(await execute(plan([step('one'), step('two')]), doing)).toMatchObject({
    done: [{ step: { why: 'one' } }, { step: { why: 'two' } }],
    interrupted: false,
    undone: 'not needed',
  });
  expect(ran()).toEqual(['one', 'two']);
  expect(events.map((event) => `${event.step.why} ${event.is}`)).toEqual([
    'one started',
    'one done',
    'two started',
    'two done',
  ]);
});

test('neighbouring lanes are one group, a step without a lane stands alone', () => {
  const steps = [
    step('1'),
    step('2', { lane: 'x' }),
    step('3', { lane: 'y' }),
    step('4', { lane: 'x' }),
    step('5'),
    step('6', { lane: 'x' }),
  ];
  expect(groupsOf(steps).map((group) => group.map((lane) => lane.map((each) => each.why)))).toEqual([
    [['1']],
    [['2', '4'], ['3']],
    [['5']],
    [['6']],
  ]);
});

test('a failing lane does not stop its neighbour, and nothing comes after them', async () => {
  const { doing, ran } = host({ bad: { code: 1, stderr: 'no' } });
  const steps = [
    step('bad', { lane: 'x' }),
    step('never', { lane: 'x' }),
    step('good', { lane: 'y' }),
    step('better', { lane: 'y' }),
    step('after'),
  ];
  expect(await execute(plan(steps), doing)).toMatchObject({
    failed: { step: { why: 'bad' }, because: 'no' },
  });
  expect([...ran()].sort()).toEqual(['bad', 'better', 'good']);
});

test('what is captured goes into later words and texts, and into the undo', async () => {
  const { doing, seen } = host({ make: { stdout: ' made\n' }, fail: { code: 3 } });
  const steps = [
    step('make', { capture: 'slot' }),
    step('use', { argv: ['use', { ref: 'slot' }], stdin: ['[', { ref: 'slot' }, ']'] }),
    step('fail'),
  ];
  const undo = [step('undo', { argv: ['undo', { ref: 'slot' }, { ref: 'never' }] })];
  expect(await execute(plan(steps, { undo }), doing)).toMatchObject({
    failed: { because: 'exit status 3' },
    undone: 'done',
  });
  expect(seen[1]).toEqual({ argv: ['use', 'made'], stdin: '[made]' });
  expect(seen[3]?.argv).toEqual(['undo', 'made', '']);
});

describe('the point of no return', () => {
  const undo = [step('undo')];
  const steps = [step('one'), step('two'), step('three')];

  test.each([
    { failing: 'one', ran: ['one', 'undo'], undone: 'done' },
    { failing: 'two', ran: ['one', 'two', 'undo'], undone: 'done' },
    { failing: 'three', ran: ['one', 'two', 'three'], undone: 'not needed' },
  ])('$failing fails: $undone', async ({ failing, ran, undone }) => {
    const at = host({ [failing]: { code: 1 } });
    const ended = await execute(plan(steps, { undo, pointOfNoReturn: 2 }), at.doing);
    expect(ended).toMatchObject({ failed: { step: { why: failing } }, undone });
    expect(at.ran()).toEqual(ran);
  });

  test('an undo that fails is told', async () => {
    const { doing } = host({ one: { code: 1 }, undo: { code: 1, stderr: 'error: disk' } });
    expect(await execute(plan(steps, { undo }), doing)).toMatchObject({
      undone: { failed: expect.stringContaining('error: disk') as string },
    });
  });

  test('interrupted before it, the step that runs ends, and what was done is undone', async () => {
    const at = host({ one: () => (at.stop(), {}) });
    const ended = await execute(plan(steps, { undo, pointOfNoReturn: 2 }), at.doing);
    expect(ended).toMatchObject({ interrupted: true, undone: 'done' });
    expect(at.ran()).toEqual(['one', 'undo']);
  });
});

describe('an expectation', () => {
  const wait = (seconds: number): Step =>
    ({ node: 'a', why: 'see', do: 'expect', argv: ['see'], stdout: 't', seconds }) as Step;

  test('is asked again until it holds', async () => {
    const answers = [{ code: 2, stderr: 'starting' }, { stdout: 'f\n' }, { stdout: 't\n' }];
    const { doing, ran } = host({ see: () => answers.shift() ?? {} });
    expect(await execute(plan([wait(5)]), doing)).toMatchObject({ undone: 'not needed', interrupted: false });
    expect(ran()).toHaveLength(3);
  });

  test('tells the last answer when time is up, and --timeout shortens it', async () => {
    const { doing } = host({ see: { stdout: 'f' } });
    expect(await execute(plan([wait(60)]), { ...doing, patience: 0.05 })).toMatchObject({
      failed: { because: 'not seen within 0.05 s (the last answer was "f")' },
    });
  });
});

describe('secrets', () => {
  const password = new Secret(`pa'ss`);

  test('reach stdin alone, after the count of bytes where the program is on a leash', async () => {
    const { doing, seen } = host();
    const unbounded = step('copy', { stdin: [password, 'é\n'], progress: true, seconds: undefined });
    await execute(plan([unbounded, step('sql', { stdin: ['x ', password] })]), doing);
    expect(seen.map(({ stdin }) => stdin)).toEqual([`8\npa'ssé\n`, `x pa'ss`]);
    expect(seen[0]?.argv.slice(0, 3)).toEqual(['on-a', 'sh', '-c']);
    expect(JSON.stringify(seen.map(({ argv }) => argv))).not.toContain(`pa'ss`);
  });

  test('are hidden in what a server repeats', async () => {
    const { doing, events } = host({ sql: { code: 1, stderr: `ERROR: near "pa'ss"` } });
    const ended = await execute(plan([step('sql', { stdin: [password] })]), doing);
    expect(JSON.stringify([ended, events])).not.toContain(`pa'ss`);
    expect(ended.failed?.because).toBe('ERROR: near "••••••"');
  });
});

test.each([
  [{ timedOut: true }, 'no answer in time'],
  [{ stderr: 'NOTICE: x\nERROR: y\n' }, 'ERROR: y'],
  [{ stderr: 'one\n\ntwo\n' }, 'one; two'],
  [{ stdout: 'said here' }, 'said here'],
  [{ code: 7 }, 'exit status 7'],
  [{ code: undefined }, 'exit status unknown'],
])('why a program failed: %j', (ended, said) => {
  expect(why({ ...ok, code: 1, ...ended })).toBe(said);
});
