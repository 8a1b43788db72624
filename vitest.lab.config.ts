import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    include: ['test/lab/**/*.lab.test.ts'],
    // L1 waits for itself half of the time: two of them use two cores well
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 4_500_000,
  },
});
