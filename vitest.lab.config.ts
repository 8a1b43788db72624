import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    include: ['test/lab/**/*.lab.test.ts'],
    // not every case of verify has passed on an idle machine yet: npm run test:lab:full takes it too
    exclude: process.env['VDPA_QEMU_LAB'] === 'full' ? [] : ['test/lab/verify.lab.test.ts'],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 4_500_000,
  },
});
