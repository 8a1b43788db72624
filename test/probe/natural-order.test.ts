import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareNames } from '../../src/probe/natural-order.ts';

test.each([
  [
    ['vp10', 'vp2', 'vp1', 'blk0'],
    ['blk0', 'vp1', 'vp2', 'vp10'],
  ],
  [
    ['pci/0000:3b:00.10', 'pci/0000:3b:00.2', 'pci/0000:3a:00.9'],
    ['pci/0000:3a:00.9', 'pci/0000:3b:00.2', 'pci/0000:3b:00.10'],
  ],
  [
    ['a', 'a1', '1', 'a01', ''],
    ['', '1', 'a', 'a01', 'a1'],
  ],
  [
    ['b1x', 'b1', 'B1'],
    ['B1', 'b1', 'b1x'],
  ],
])('%j becomes %j', (names, sorted) => {
  expect([...names].sort(compareNames)).toEqual(sorted);
});

test('the order does not depend on how the names come', () => {
  const name = fc.stringMatching(/^[a-c0-9]{0,4}$/);
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 8 }), (names) => {
      const sorted = [...names].sort(compareNames);
      expect([...names].reverse().sort(compareNames)).toEqual(sorted);
    }),
  );
});
