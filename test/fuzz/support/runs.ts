import fc from 'fast-check';
import { expect } from 'vitest';

/** How many inputs a parser gets. `PGREPL_FUZZ=100000 node scripts/test.js fuzz` is the nightly form. */
export const RUNS = Number(process.env['PGREPL_FUZZ'] ?? 2000);

/** `PGREPL_SEED` repeats a run. */
export const SEED = Number(process.env['PGREPL_SEED'] ?? Date.now() % 1_000_000_000);

/** What a test may take, in milliseconds. */
export const LIMIT = 120_000 + RUNS * 20;

/** No input may keep a parser longer, in milliseconds: nothing here is larger than a few kilobytes. */
const PATIENCE = 1000;

console.error(`fuzz: PGREPL_SEED=${SEED} PGREPL_FUZZ=${RUNS}`);

/** A parser answers every input in time, and throws nothing; `holds` says what is true of each answer. */
export function survives<Input, Answer>(
  inputs: fc.Arbitrary<Input>,
  parser: (input: Input) => Answer,
  holds: (answer: Answer, input: Input) => void = () => undefined,
): void {
  const parsed = fc.property(inputs, (input) => {
    const began = performance.now();
    const answer = parser(input);
    expect(performance.now() - began, 'milliseconds').toBeLessThan(PATIENCE);
    holds(answer, input);
  });
  fc.assert(parsed, { numRuns: RUNS, seed: SEED });
}

const BATCH = 4000;

export type Difference<Input> = { input: Input; ours: unknown; theirs: unknown };

/**
 * Many inputs a batch for what answers a batch at a time. Fails with the shortest inputs that were answered otherwise
 * than by us.
 */
export async function sameAnswers<Input>(
  inputs: fc.Arbitrary<Input>,
  compare: (batch: readonly Input[]) => Promise<readonly Difference<Input>[]>,
  wanted = RUNS,
): Promise<void> {
  const runs = Math.ceil(wanted);
  const found: Difference<Input>[] = [];
  for (let done = 0; done < runs && found.length === 0; done += BATCH) {
    const batch = fc.sample(inputs, { numRuns: Math.min(BATCH, runs - done), seed: SEED + done });
    found.push(...(await compare(batch)));
  }
  const size = ({ input }: Difference<Input>): number => JSON.stringify(input).length;
  const shortest = found
    .toSorted((a, b) => size(a) - size(b))
    .slice(0, 5)
    .map((each) => JSON.stringify(each));
  expect(shortest, `of ${found.length} answered otherwise, PGREPL_SEED=${SEED}`).toEqual([]);
}
