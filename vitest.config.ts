import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // On a machine that others load too, a server may miss a deadline once; a fault of ours is there again.
    retry: process.env['CI'] === undefined ? 0 : 1,
  },
});
