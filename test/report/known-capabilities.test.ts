import { describe, expect, test } from 'vitest';
import { capabilitiesSpan } from '../../src/report/capabilities-text.ts';
import { KnownCapabilities } from '../../src/report/known-capabilities.ts';
import { reportWith } from '../report-builder.ts';

/** A text of some 2 KB with a tail of its own. */
const text = (tail: string, filler = 'x'): Buffer => Buffer.from(`{"a":"${filler.repeat(2000)}","tail":"${tail}"}`);
const whole = (bytes: Buffer): { start: number; end: number } => ({ start: 0, end: bytes.length });
const look = (known: KnownCapabilities, bytes: Buffer): unknown => known.look(bytes, whole(bytes));

describe('what is known', () => {
  test('is worth learning at the second sight, and found at the third', () => {
    const known = new KnownCapabilities();
    expect(look(known, text('1'))).toBeUndefined();
    expect(look(known, text('1'))).toBe('new');
    known.add(text('1'), whole(text('1')), 7);
    expect(look(known, text('1'))).toMatchObject({ value: 7 });
    expect(look(known, text('2'))).toBeUndefined();
  });

  test('stands anywhere in a text, and what is learned outlives the buffer', () => {
    const known = new KnownCapabilities();
    const bytes = text('1');
    known.add(bytes, whole(bytes), 7);
    bytes.fill(0);
    const inside = Buffer.concat([Buffer.from('  '), text('1'), Buffer.from(' ')]);
    expect(known.look(inside, { start: 2, end: inside.length - 1 })).toMatchObject({ value: 7 });
  });

  test('is told from what only looks like it, of which no more than eight are kept', () => {
    const known = new KnownCapabilities();
    // a letter in a place that is not looked at
    const alike = Array.from({ length: 10 }, (_, index) => {
      const bytes = text('same');
      bytes[100] = 0x61 + index;
      return bytes;
    });
    alike.forEach((bytes, index) => known.add(bytes, whole(bytes), index));
    expect(alike.map((bytes) => look(known, bytes))).toMatchObject([
      undefined,
      'new',
      ...[2, 3, 4, 5, 6, 7, 8, 9].map((value) => ({ value })),
    ]);
  });

  test('is bounded in bytes: what was not met for the longest time goes', () => {
    const known = new KnownCapabilities();
    const large = (tail: string): Buffer => text(tail, 'x'.repeat(1000));
    for (const tail of ['1', '2', '3', '4']) known.add(large(tail), whole(large(tail)), tail);
    expect(look(known, large('1'))).toMatchObject({ value: '1' });
    known.add(large('5'), whole(large('5')), '5');
    expect(['1', '2', '5'].map((tail) => look(known, large(tail)))).toMatchObject([
      { value: '1' },
      undefined,
      { value: '5' },
    ]);
  });

  test('is not learned for ever where nothing comes again', () => {
    const known = new KnownCapabilities();
    const worth = (tail: string): boolean => {
      look(known, text(tail));
      if (look(known, text(tail)) !== 'new') return false;
      known.add(text(tail), whole(text(tail)), tail);
      return true;
    };
    const learned = Array.from({ length: 1500 }, (_, index) => worth(String(index))).filter(Boolean).length;
    expect(learned).toBe(1024);
    look(known, text('1000'));
    expect(worth('again')).toBe(true);
  });

  test('is never short', () => {
    const known = new KnownCapabilities();
    const short = Buffer.from('{"a":1}');
    expect([look(known, short), look(known, short)]).toEqual([undefined, undefined]);
  });
});

describe('where capabilities stand in a report', () => {
  const report = reportWith();
  report.qemu.push(structuredClone(report.qemu[0]!));

  test.each([[undefined], [2]])('each QEMU has its own (indent %s)', (indent) => {
    const bytes = Buffer.from(JSON.stringify(report, null, indent));
    const first = capabilitiesSpan(bytes, 0)!;
    const second = capabilitiesSpan(bytes, first.end)!;
    for (const { start, end } of [first, second]) {
      expect(JSON.parse(bytes.toString('utf8', start, end))).toEqual(report.qemu[0]!.capabilities);
    }
    expect(capabilitiesSpan(bytes, second.end)).toBeUndefined();
  });

  test.each([
    '',
    '{',
    '"blockdevVirtioBlkVhostVdpa"',
    '{"blockdevVirtioBlkVhostVdpa":true',
    '{"blockdevVirtioBlkVhostVdpa","version"',
  ])('none in %j', (bytes) => expect(capabilitiesSpan(Buffer.from(bytes), 0)).toBeUndefined());
});
