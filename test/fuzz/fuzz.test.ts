/**
 * All parsers over generated texts. `npm run test:fuzz` runs 1,000,000; VDPA_QEMU_FUZZ says how many in all, and
 * VDPA_QEMU_FUZZ_SEED repeats a run.
 */
import { describe, expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';
import { parsers } from './parsers.ts';

const total = Number(process.env['VDPA_QEMU_FUZZ'] ?? 1800);
const seed = Number(process.env['VDPA_QEMU_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const each = Math.ceil(total / parsers.length);

describe(`parsers, ${each} texts each, seed ${seed}`, () => {
  test.each(parsers)(
    '$name',
    async (parser) => {
      // once without counting: code and caches are not leaks
      await fuzz(parser, Math.min(each, 50), seed + 1);
      const before = process.memoryUsage().rss;
      const start = performance.now();
      const { inputs, refused, slowest } = await fuzz(parser, each, seed);
      const grown = (process.memoryUsage().rss - before) / 2 ** 20;
      if (total > 10_000) {
        const seconds = ((performance.now() - start) / 1000).toFixed(0);
        console.log(
          `${parser.name}: ${inputs} texts in ${seconds} s, ${refused} refused, slowest ${slowest.toFixed(0)} ms, memory +${grown.toFixed(0)} MiB, seed ${seed}`,
        );
      }
      expect(inputs).toBe(each);
      expect(grown).toBeLessThan(400);
    },
    60_000 + each * 100,
  );
});
