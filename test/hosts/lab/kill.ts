import { expect } from 'vitest';
import type { TheCluster } from './cluster.ts';
import type { Lab } from './lab.ts';

/** $PGREPL_SEED repeats a run. */
export function seed(): number {
  chosen ??= Number(process.env['PGREPL_SEED'] ?? Date.now() % 1_000_000);
  return chosen;
}
let chosen: number | undefined;

/** Numbers from 0 up to 1 (mulberry32). */
export function random(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How long each verb took when it was not killed, in milliseconds; before that is known, a guess. */
const usual = new Map<string, number>();
const GUESS = 1500;

/**
 * Starts a verb, kills pgrepl with SIGKILL somewhere in the time it takes, not only between two steps, and runs it
 * again until it arrives. True where it was at work.
 */
export async function kill(
  lab: Lab,
  shop: TheCluster,
  at: number,
  ...words: readonly string[]
): Promise<boolean> {
  const verb = words[0] === 'slot' ? words.slice(0, 2).join(' ') : (words[0] ?? '');
  const after = at * (usual.get(verb) ?? GUESS);
  const started = shop.starts(...words);
  const timer = setTimeout(() => started.child.kill('SIGKILL'), after);
  const { code, ms } = await started.ended;
  clearTimeout(timer);
  lab.said.push(code === 0 ? 'and was not killed' : `and was killed after ${Math.round(after)} ms`);
  expect([0, 137], `${words.join(' ')} ended before it was killed`).toContain(code);
  if (code === 0) usual.set(verb, ms);
  else lab.figure({ kills: 1, [`killed ${verb}`]: 1 });
  expect((await shop.takesWrites()).length, 'never two at once').toBeLessThan(2);
  await shop.arrives(...words);
  return code !== 0;
}
