import { describe, expect, test } from 'vitest';
import { contains, isEmpty } from '../../src/doorbell/kernel-range.ts';
import type { KernelVersion } from '../../src/doorbell/kernel-version.ts';
import type { KernelRange } from '../../src/model/generated/parent-knowledge.ts';

const exact = { major: 6, minor: 12, patch: 50 };
const hidden = { major: 6, minor: 12, patch: undefined };

describe('contains', () => {
  test.each<[range: KernelRange, version: KernelVersion, within: boolean]>([
    [{}, exact, true],
    [{ from: '6.12.50' }, exact, true],
    [{ from: '6.12.51' }, exact, false],
    [{ before: '6.12.51' }, exact, true],
    [{ before: '6.12.50' }, exact, false],
    [{ from: '6.1', before: '6.13' }, exact, true],
    // 6.12.? may be older than 6.12.50, and may be newer: it is surely in neither range
    [{ from: '6.12.50' }, hidden, false],
    [{ before: '6.12.50' }, hidden, false],
    [{ from: '6.12', before: '6.13' }, hidden, true],
    [{ from: '6.12', upstream: true }, exact, true],
    [{ from: '6.12', upstream: true }, { ...exact, vendor: true }, false],
  ])('%j has %j: %s', (range, version, within) => {
    expect(contains(range, version)).toBe(within);
  });
});

test.each<[range: KernelRange, empty: boolean]>([
  [{}, false],
  [{ from: '6.12' }, false],
  [{ before: '6.12' }, false],
  [{ from: '6.12', before: '6.12.1' }, false],
  [{ from: '6.12', before: '6.12' }, true],
  [{ from: '6.13', before: '6.12' }, true],
])('%j is empty: %s', (range, empty) => {
  expect(isEmpty(range)).toBe(empty);
});
