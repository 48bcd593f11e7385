import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The stories of several hosts in the order in which they are named: the longest first, or the rest waits for it. */
class AsNamed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const named = (process.env['PGREPL_ORDER'] ?? '').split(' ');
    const place = ({ moduleId }: TestSpecification) =>
      named.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    ...(process.env['PGREPL_ORDER'] === undefined ? {} : { sequence: { sequencer: AsNamed } }),
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // On a machine that others load too, a server may miss a deadline once; a fault of ours is there again.
    retry: process.env['CI'] === undefined ? 0 : 1,
  },
});
