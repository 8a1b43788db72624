import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // forks: ffi-rs crashes in worker threads at their exit
    pool: 'forks',
    include: ['test/**/*.test.ts'],
    exclude: ['test/lab/**'],
    testTimeout: 30_000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: [
        'src/host/**',
        'src/bin.ts',
        'src/model/generated/**',
        // they start and ask a running QEMU: what they do shows in the lab, and on machines that have QEMU
        'src/commands/launch.ts',
        'src/commands/verify.ts',
      ],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { lines: 95, branches: 95 },
    },
  },
});
