import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // forks: ffi-rs crashes in worker threads at their exit
    pool: 'forks',
    maxWorkers: '100%',
    reporters: ['default', './test/skips.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/lab/**'],
    testTimeout: 30_000,
    // ends as soon as it holds: only a failure takes so long
    expect: { poll: { timeout: 20_000 } },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/host/**', 'src/bin.ts', 'src/model/generated/**'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { lines: 95, branches: 95 },
    },
  },
});
