import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../src/host/qmp-lines.ts';

/** Cuts at the given places, wherever they fall. */
function chunksOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...places, bytes.length].map((end, index) => bytes.subarray(places[index - 1] ?? 0, end));
}

function split(splitter: LineSplitter, chunks: readonly Buffer[]): string[] {
  const lines: string[] = [];
  // Read at once: a line is valid only until the next one is asked for.
  for (const chunk of chunks) for (const line of splitter.push(chunk)) lines.push(line.toString('latin1'));
  return lines;
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((values) => Buffer.from(values));
// Mostly line feeds and few other bytes, so that lines are short and many.
const feeds = fc.array(fc.constantFrom(0x0a, 0x0d, 0x61), { maxLength: 300 }).map((values) => Buffer.from(values));

describe('LineSplitter', () => {
  it('gives the same lines however the stream is cut', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, feeds), fc.array(fc.nat(), { maxLength: 40 }), (stream, cuts) => {
        const splitter = new LineSplitter(1000);
        const expected = stream.toString('latin1').split('\n');
        const rest = expected.pop()!;
        expect(split(splitter, chunksOf(stream, cuts))).toEqual(expected);
        expect(splitter.pending).toBe(rest.length);
      }),
    );
  });

  it('takes a line of exactly the limit, and refuses one byte more as soon as it is there', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20_000 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.boolean(),
        (limit, cuts, ended) => {
          const fits = Buffer.concat([Buffer.alloc(limit, 0x61), Buffer.from('\n')]);
          expect(split(new LineSplitter(limit), chunksOf(fits, cuts))).toEqual(['a'.repeat(limit)]);
          const tooLong = Buffer.alloc(limit + 1, 0x61);
          const chunks = chunksOf(ended ? Buffer.concat([tooLong, Buffer.from('\n')]) : tooLong, cuts);
          expect(() => split(new LineSplitter(limit), chunks)).toThrow(
            expect.objectContaining({
              kind: 'too-large',
              message: `the peer sent a message of more than ${limit} bytes`,
            }),
          );
        },
      ),
    );
  });

  it('gives what was complete before it refuses', () => {
    const lines: string[] = [];
    expect(() => {
      for (const line of new LineSplitter(3).push(Buffer.from('ab\nabc\nabcd'))) lines.push(line.toString());
    }).toThrow();
    expect(lines).toEqual(['ab', 'abc']);
  });

  it('takes a megabyte that comes in single bytes', () => {
    const splitter = new LineSplitter(1024 * 1024);
    const one = Buffer.from('x');
    let early = 0;
    for (let count = 0; count < 1024 * 1024; count++) if (splitter.push(one).next().done !== true) early++;
    expect(early).toBe(0);
    expect([...splitter.push(Buffer.from('\n'))][0]).toHaveLength(1024 * 1024);
    expect(splitter.pending).toBe(0);
  });
});
