/** Runs one parser over many texts: it returns or refuses, in bounded time and memory. */
import fc from 'fast-check';
import { VdpaQemuError } from '../../src/model/error.ts';
import { MalformedOption } from '../../src/import/option-values.ts';
import type { Parser } from './parsers.ts';

/** Milliseconds of this process's own time for one text. */
const mostMs = 1000;

export interface Tally {
  readonly inputs: number;
  readonly refused: number;
  /** ms of the slowest */
  readonly slowest: number;
}

/** @throws Error with fast-check's report (seed, path and the text) where a text breaks the parser */
export async function fuzz({ texts, run }: Parser, count: number, seed: number): Promise<Tally> {
  let [inputs, refused, slowest] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      inputs++;
      const [start, cpu] = [performance.now(), process.cpuUsage()];
      try {
        await run(text);
      } catch (thrown) {
        if (!isRefusal(thrown)) throw thrown;
        refused++;
      }
      const took = performance.now() - start;
      slowest = Math.max(slowest, took);
      if (took > mostMs) {
        // others may use the machine as well
        const { user, system } = process.cpuUsage(cpu);
        if ((user + system) / 1000 > mostMs) throw new Error(`took ${(user + system) / 1000} ms`);
      }
    }),
    { numRuns: count, seed, endOnFailure: count > 10_000 },
  );
  if (Object.hasOwn(Object.prototype, 'polluted')) throw new Error('Object.prototype was written to');
  return { inputs, refused, slowest };
}

function isRefusal(thrown: unknown): boolean {
  if (thrown instanceof MalformedOption) return true;
  return thrown instanceof VdpaQemuError && thrown.code !== 'internal' && thrown.message !== '';
}
