/** Where guest RAM lies, and whether the device at the destination reaches it; QEMU 7.2.22 shows it as `info mtree`. */
import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import { memorySpan } from '../../src/migration/memory-span.ts';
import { identity } from '../report-builder.ts';
import { changed, check, reasons, simGuest, simHost, there } from './migrating.ts';

const mib = 2 ** 20;
const gib = 2 ** 30;

type Edit = (copy: GuestConfiguration) => void;
const memory =
  (machine: string, bytes: number, ...more: Edit[]): Edit =>
  (copy) => {
    Object.assign(copy.guest, { machine, memoryBytes: bytes });
    for (const edit of more) edit(copy);
  };
const dimm =
  (size: number | undefined, driver = 'pc-dimm'): Edit =>
  ({ guest }) =>
    void guest.otherDevices.push({
      id: null,
      driver,
      address: null,
      properties: size === undefined ? {} : { memdev: 'd', 'memdev.size': size },
    });

describe('the span of guest RAM', () => {
  test.each<[string, Edit, string, string]>([
    ['q35, below the hole', memory('pc-q35-7.2', 2815 * mib), '0xafefffff', '0xafefffff'],
    ['q35, split at 2 GiB', memory('pc-q35-7.2', 2816 * mib), '0x12fffffff', '0x12fffffff'],
    ['q35, 4 GiB', memory('pc-q35-7.2', 4 * gib), '0x17fffffff', '0x17fffffff'],
    ['i440fx, below the hole', memory('pc-i440fx-7.2', 3583 * mib), '0xdfefffff', '0xdfefffff'],
    ['i440fx, split at 3 GiB', memory('pc-i440fx-7.2', 3584 * mib), '0x11fffffff', '0x11fffffff'],
    ['virt', memory('virt-7.2', gib), '0x7fffffff', '0x7fffffff'],
    ['two dimms', memory('pc-q35-7.2', gib, dimm(512 * mib), dimm(512 * mib)), '0x13fffffff', '0x1ffffffff'],
    ['a dimm of unknown size', memory('pc-q35-7.2', gib, dimm(undefined)), '0x3fffffff', '0xffffffffffffffff'],
    [
      'less below 4 GiB',
      memory('pc-q35-7.2', 2 * gib, ({ guest }) => void (guest.machineOptions = { 'max-ram-below-4g': '1G' })),
      '0x7fffffff',
      '0x17fffffff',
    ],
  ])('%s', (_, edit, atLeast, last) => {
    const span = memorySpan(changed(simGuest, edit).guest)!;
    expect([span.lastAtLeast, span.last].map((address) => `0x${address.toString(16)}`)).toEqual([atLeast, last]);
    expect(span.first).toBe(_ === 'virt' ? 1n << 30n : 0n);
  });

  test('of a board that is not known', () => {
    expect(memorySpan(changed(simGuest, memory('microvm', gib)).guest)).toBeUndefined();
    const why = unknown('not-present', 'is an alias');
    expect(memorySpan(changed(simGuest, ({ guest }) => void (guest.machine = why)).guest)).toBeUndefined();
  });
});

describe('rules', () => {
  const of = (edit: Edit, last = '0xffffffff', first = '0x0'): string[] =>
    reasons(
      check(changed(simGuest, edit), simHost(there, identity('sim0', { iovaRange: { first, last } })), {
        from: simHost(),
      }),
    );
  const shared = 'unknown migration.memory-not-shared';

  test.each<[string, string[], string[]]>([
    [
      'RAM behind 4 GiB is out of a range of 4 GiB',
      of(memory('pc-q35-10.0', 3584 * mib)),
      ['state-lost migration.iova-range'],
    ],
    ['not below', of(memory('pc-q35-10.0', 2 * gib)), []],
    [
      'a range that begins late',
      of(memory('pc-q35-10.0', gib), '0xffffffff', '0x1000'),
      ['state-lost migration.iova-range'],
    ],
    ['a dimm', of(memory('pc-q35-10.0', gib, dimm(gib))), [shared, 'state-lost migration.iova-range']],
    [
      'a dimm that may be out of it',
      of(memory('pc-q35-10.0', gib, dimm(gib)), '0x17fffffff'),
      ['unknown migration.iova-range', shared],
    ],
    ['a dimm within it', of(memory('pc-q35-10.0', gib, dimm(gib)), '0xffffffffffffffff'), [shared]],
  ])('%s', (_, found, expected) => {
    expect(found.filter((one) => /iova-range|memory-not-shared/.test(one)).sort()).toEqual([...expected].sort());
  });
});
