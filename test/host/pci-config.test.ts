import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCapabilities } from '../../src/host/pci-config.ts';
import { l1Roots } from './fixtures.ts';

/** A config space of 256 bytes with these bytes at these places, and a capability list. */
function config(places: Readonly<Record<number, readonly number[]>>, head = 0x40): Uint8Array {
  const bytes = new Uint8Array(256);
  bytes.set([0xf4, 0x1a, 0x41, 0x10, 0, 0, 0x10, 0], 0); // vendor, device, command, status: capability list
  bytes[0x34] = head;
  for (const [at, content] of Object.entries(places)) bytes.set(content, Number(at));
  return bytes;
}

const le32 = (value: number) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255];
const virtio = (next: number, cfgType: number, more: number[] = [], size = 16 + more.length) => [
  ...[0x09, next, size, cfgType, 4, 0, 0, 0],
  ...le32(0x3000),
  ...le32(0x1000),
  ...more,
];

function captured(address: string): Uint8Array {
  return readFileSync(path.join(l1Roots.sysfsRoot, 'devices/pci0000:00', address, 'config'));
}

describe('captured functions', () => {
  test.each([
    ['page-per-vq', '0000:00:04.0', 0x400000, 4096],
    ['4-byte doorbells', '0000:00:05.0', 0x1000, 4],
  ])('%s', (_what, address, length, notifyOffMultiplier) => {
    expect(parseCapabilities(captured(address))).toEqual({
      virtio: [
        { type: 'pci', bar: 0, offset: 0, length: 0 },
        { type: 'notify', bar: 4, offset: 0x3000, length, notifyOffMultiplier },
        { type: 'device', bar: 4, offset: 0x2000, length: 0x1000 },
        { type: 'isr', bar: 4, offset: 0x1000, length: 0x1000 },
        { type: 'common', bar: 4, offset: 0, length: 0x1000 },
      ],
      msix: { vectors: 4, tableBar: 1, tableOffset: 0, pbaBar: 1, pbaOffset: 0x800 },
    });
  });

  test('without privilege: 64 bytes', () => {
    expect(parseCapabilities(captured('0000:00:04.0').subarray(0, 64))).toEqual({
      unknown: 'EACCES',
      detail: 'only 64 bytes of config space could be read: needs CAP_SYS_ADMIN',
    });
  });

  test('cut anywhere before the end of its last capability it is unknown, for what is behind may be in a page', () => {
    const whole = captured('0000:00:04.0');
    // the highest is MSI-X at 0x98
    const parsed = parseCapabilities(whole);
    const outcomes = Array.from({ length: 256 - 65 }, (_, more) => parseCapabilities(whole.subarray(0, 65 + more)));
    const complete = outcomes.findIndex((part) => !('unknown' in part));
    expect(65 + complete).toBe(0x98 + 12);
    for (const part of outcomes.slice(0, complete)) expect(part).toMatchObject({ unknown: 'malformed' });
    for (const part of outcomes.slice(complete)) expect(part).toEqual(parsed);
  });

  test('4096 bytes are the same: extended capabilities are another list', () => {
    const long = new Uint8Array(4096).fill(0x09, 256);
    long.set(captured('0000:00:04.0'));
    expect(parseCapabilities(long)).toEqual(parseCapabilities(captured('0000:00:04.0')));
  });
});

describe('kinds of capabilities', () => {
  const only = (bytes: number[]) => (parseCapabilities(config({ 0x40: bytes })) as { virtio: unknown[] }).virtio;
  const place = { bar: 4, offset: 0x3000, length: 0x1000 };

  test.each([
    [1, 'common'],
    [3, 'isr'],
    [4, 'device'],
    [5, 'pci'],
    [9, 'vendor'],
  ])('cfg_type %i is %s', (cfgType, type) => {
    expect(only(virtio(0, cfgType))).toEqual([{ type, ...place }]);
  });

  test('notify has a multiplier where the capability is long enough', () => {
    expect(only(virtio(0, 2, le32(0x80000000)))).toEqual([
      { type: 'notify', ...place, notifyOffMultiplier: 0x80000000 },
    ]);
    expect(only(virtio(0, 2))).toEqual([{ type: 'notify', ...place }]);
  });

  test('an unknown type keeps its number', () => {
    expect(only(virtio(0, 77))).toEqual([{ type: 'unknown', cfgType: 77, ...place }]);
  });

  test('shared memory has 64-bit places', () => {
    expect(only(virtio(0, 8, [...le32(1), ...le32(2)]))).toEqual([
      { type: 'shared-memory', bar: 4, offset: 0x1_0000_3000, length: 0x2_0000_1000 },
    ]);
    expect(only(virtio(0, 8))).toEqual([{ type: 'shared-memory', ...place }]);
    expect(only(virtio(0, 8, [...le32(0xffffffff), ...le32(0)]))).toEqual([{ type: 'unknown', cfgType: 8, ...place }]);
  });

  test.each([
    [1, 0],
    [4, 8],
    [5, 15],
    [77, 1],
  ])('of type %i and %i bytes: registers all the same, for the kernel does not read the length', (cfgType, size) => {
    expect(only(virtio(0, cfgType, [], size))).toEqual([{ type: 'unknown', cfgType, ...place }]);
  });

  test.each([0, 8, 19])('a notify capability of %i bytes stays one, and has no multiplier', (size) => {
    expect(only(virtio(0, 2, le32(4096), size))).toEqual([{ type: 'notify', ...place }]);
  });

  test('the first MSI-X counts, and offsets above 2^31 stay positive', () => {
    const msix = (next: number, table: number) => [0x11, next, 0xff, 0x87, ...le32(table), ...le32(0xfffffffa)];
    expect(parseCapabilities(config({ 0x40: msix(0x60, 0x80000003), 0x60: msix(0, 0) }))).toEqual({
      virtio: [],
      msix: { vectors: 0x800, tableBar: 3, tableOffset: 0x80000000, pbaBar: 2, pbaOffset: 0xfffffff8 },
    });
  });
});

describe('hostile lists', () => {
  test.each([
    ['a capability that points to itself', { 0x40: virtio(0x40, 1) }, 0x40, 1],
    ['two that point to each other', { 0x40: virtio(0x60, 1), 0x60: virtio(0x40, 3) }, 0x40, 2],
    ['low bits in the pointers', { 0x40: virtio(0x63, 1), 0x60: virtio(2, 3) }, 0x43, 2],
    ['up to the last byte', { 0xf0: virtio(0, 1) }, 0xf0, 1],
  ])('%s: read to the end', (_what, places, head, count) => {
    const found = parseCapabilities(config(places, head)) as { virtio: unknown[]; msix: unknown };
    expect(found.virtio).toHaveLength(count);
    expect(found.msix).toBeNull();
  });

  test.each([
    [
      'a head inside of the header',
      { 0x40: virtio(0, 1) },
      0x10,
      /^the capability list leads into the header, to 0x10$/,
    ],
    ['a next inside of the header', { 0x40: virtio(0x20, 1) }, 0x40, /into the header, to 0x20$/],
    [
      'an end mark of ones',
      { 0x40: virtio(0x60, 1), 0x60: [0xff, 0x80], 0x80: virtio(0, 3) },
      0x40,
      /^the capability list leads to ones, at 0x60$/,
    ],
    ['a capability over the end', { 0xf8: [0x09, 0, 16, 1, 0, 0, 0, 0] }, 0xf8, /^the capability at 0xf8 is cut off/],
    ['one that says it is longer', { 0xf0: virtio(0, 1, [], 17) }, 0xf0, /^the capability at 0xf0 is cut off/],
    ['a vendor capability in the last four bytes', { 0xfc: [0x09, 0, 4, 1] }, 0xfc, /^the capability at 0xfc is cut/],
    ['MSI-X over the end', { 0xfc: [0x11, 0, 0, 0] }, 0xfc, /^the capability at 0xfc is cut off/],
  ])('%s: what is behind is not known', (_what, places, head, detail) => {
    expect(parseCapabilities(config(places, head))).toEqual({
      unknown: 'malformed',
      detail: expect.stringMatching(detail) as string,
    });
  });

  test('48 entries are enough', () => {
    const places: Record<number, number[]> = {};
    for (let at = 0x40; at < 0x100; at += 4) places[at] = [0x01, at + 4 < 0x100 ? at + 4 : 0x40];
    expect(parseCapabilities(config(places))).toEqual({ virtio: [], msix: null });
  });

  test('no list, also in 64 bytes', () => {
    const bytes = config({});
    bytes[6] = 0;
    expect(parseCapabilities(bytes.subarray(0, 64))).toEqual({ virtio: [], msix: null });
  });

  test('a function that has gone', () => {
    expect(parseCapabilities(new Uint8Array(256).fill(255))).toMatchObject({ unknown: 'malformed' });
  });

  test.each([0, 1, 63])('%i bytes', (length) => {
    expect(parseCapabilities(new Uint8Array(length))).toMatchObject({ unknown: 'malformed' });
  });

  test('any bytes are taken', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 512 }), (bytes) => {
        if (bytes.length > 7) bytes[6] = (bytes[6] ?? 0) | 0x10;
        expect(parseCapabilities(bytes)).toBeTypeOf('object');
      }),
      { numRuns: 1000 },
    );
  });
});
