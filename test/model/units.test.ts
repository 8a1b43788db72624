import { describe, expect, test } from 'vitest';
import { bytesOf, sizeText } from '../../src/model/units.ts';

describe('bytesOf', () => {
  test.each<[size: number | string, bytes: number]>([
    [4096, 4096],
    ['1KiB', 1024],
    ['512 MiB', 536870912],
    ['4GiB', 4294967296],
    ['1TiB', 1099511627776],
    ['0GiB', 0],
  ])('%j is %i', (size, bytes) => {
    expect(bytesOf(size)).toBe(bytes);
  });

  test.each(['', '4', '4G', '4GB', '4gib', '4  GiB', ' 4GiB', '4GiB\n4GiB', '-1GiB', '1.5GiB', '0x10MiB', 'GiB'])(
    '%j is no memory size',
    (size) => {
      expect(bytesOf(size)).toBeNaN();
    },
  );
});

test.each<[bytes: number, text: string]>([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1 KiB'],
  [1536 * 2 ** 20, '1.5 GiB'],
  [300 * 2 ** 20, '300 MiB'],
  [4 * 2 ** 30, '4 GiB'],
  [2 ** 41, '2 TiB'],
  [2 ** 30 + 2 ** 20, '1 GiB'],
])('sizeText of %i is %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
