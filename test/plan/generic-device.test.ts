import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import { identity, qemu, reportWith, withoutQemu, type Edit } from '../report-builder.ts';
import { findingsOf, soundPlan, twoHosts } from './planning.ts';

const generic = (more = '', vdpa = 'vp0'): string => `vdpaDevices: [{id: dev0, vdpa: ${vdpa}${more}}]`;
const stays =
  'warning plan.not-migratable /vdpaDevices/0: dev0 is a vhost-vdpa-device-pci, which QEMU cannot migrate: the guest is bound to its host';
const withProperties = (properties: Record<string, string[] | null>): Edit =>
  qemu({ version: '7.2.22', deviceProperties: properties });

test('any class of device, and the guest cannot move', () => {
  for (const [vdpa, charDevice] of [
    ['vp0', '/dev/vhost-vdpa-0'],
    ['blk0', '/dev/vhost-vdpa-3'],
  ] as const) {
    const { guestAbi, binding } = soundPlan(generic(', queueSize: 128, bootIndex: 2', vdpa), [reportWith()]);
    expect(guestAbi.vdpaDevices).toEqual([
      { id: 'dev0', rootPort: 1, pagePerVq: vdpa === 'vp0', iommuPlatform: true, queueSize: 128, bootIndex: 2 },
    ]);
    expect(binding.vdpaDevices).toMatchObject([{ id: 'dev0', vdpa, charDevice }]);
    expect(findingsOf(generic('', vdpa), [reportWith()])).toEqual([stays]);
  }
});

test('on two hosts the warning says what to do', () => {
  expect(findingsOf(generic(), twoHosts(), 'hostA')).toEqual([`${stays} => leave it out of a VM that has to migrate`]);
});

describe('QEMU', () => {
  test.each<[what: string, edits: Edit[], findings: string[]]>([
    [
      'is too old',
      [withProperties({ 'vhost-vdpa-device-pci': null })],
      [
        'error plan.qemu-lacks-generic-device /vdpaDevices/0: QEMU 7.2.22 on host l1 has no vhost-vdpa-device-pci, which came with QEMU 8.0 => update QEMU on that host',
        stays,
      ],
    ],
    [
      'was not asked for it',
      [withProperties({})],
      [
        'warning plan.qemu-unknown /vdpaDevices/0: host l1: no QEMU is known there, so vhost-vdpa-device-pci could not be checked',
        stays,
      ],
    ],
    [
      'is not known',
      [withoutQemu],
      [
        'warning plan.qemu-unknown /machine: host l1: no QEMU is known there, so machine type pc-q35-10.0 could not be checked',
        'warning plan.qemu-unknown /vdpaDevices/0: host l1: no QEMU is known there, so vhost-vdpa-device-pci could not be checked',
        stays,
      ],
    ],
  ])('%s', (_, edits, findings) => {
    expect(findingsOf(generic(), [reportWith(...edits)])).toEqual(findings);
  });

  test('one of two is enough', () => {
    const two: Edit = (report) => {
      const old = structuredClone(report.qemu[0]!);
      Object.assign(old.capabilities, { deviceProperties: { 'vhost-vdpa-device-pci': null } });
      report.qemu.unshift(old);
    };
    expect(findingsOf(generic(), [reportWith(two)])).toEqual([stays]);
  });
});

describe('ring size', () => {
  test('larger than the device has', () => {
    expect(findingsOf(generic(', queueSize: 512'), [reportWith()])).toEqual([
      'error plan.ring-too-large /vdpaDevices/0/queueSize: queueSize is 512, but the rings of vp0 on l1 have at most 256 descriptors',
      stays,
    ]);
  });
  test.each<[what: string, edits: Edit[]]>([
    ['as large', [identity('vp0', { vqSizeMax: 512 })]],
    ['not known', [identity('vp0', { vqSizeMax: unknown('ENOTTY', 'x') })]],
  ])('%s', (_, edits) => {
    expect(findingsOf(generic(', queueSize: 512'), [reportWith(...edits)])).toEqual([stays]);
  });
});

test('another class on the other host', () => {
  expect(findingsOf(generic('', '{hostA: vp0, hostB: blk0}'), twoHosts(), 'hostA')).toContain(
    'error plan.device-class /vdpaDevices/0/vdpa: the hosts give devices of different classes: net, block',
  );
});
