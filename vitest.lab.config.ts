import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', './test/skips.ts'],
    include: ['test/lab/**/*.lab.test.ts'],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 4_500_000,
  },
});
