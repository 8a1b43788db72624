/** A vDPA disk: over QEMU's block driver where every host has it, else as a generic device. */
import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import { identity, qemu, reportWith, withoutQemu, type Edit } from '../report-builder.ts';
import { findingsOf, planOf, soundPlan, twoHosts } from './planning.ts';

const disk = (more = '', vdpa = 'blk0'): string => `disks: [{id: disk0, vdpa: ${vdpa}${more}}]`;
const lacking: Edit = qemu({ blockdevVirtioBlkVhostVdpa: false });
const noDriver = (name: string): string =>
  `error plan.qemu-lacks-block-driver /disks/0/attach: attach is blockdev, but the QEMU of host ${name} has no block driver virtio-blk-vhost-vdpa (it needs libblkio) => attach: device (QEMU 8.0 and newer, not migratable)`;

describe('auto', () => {
  test('over the block driver, where every host has it', () => {
    const { guestAbi, binding } = soundPlan(disk(), [reportWith()]);
    expect(guestAbi.disks).toEqual([{ id: 'disk0', rootPort: 1, queues: 1, readOnly: false, bootIndex: null }]);
    expect(guestAbi.vdpaDevices).toEqual([]);
    expect(binding.disks).toEqual([
      { id: 'disk0', vdpa: 'blk0', charDevice: '/dev/vhost-vdpa-3', expectedHostNotifiers: [] },
    ]);
    expect(binding).toMatchObject({ memoryShared: true, lockedMemoryBytes: 2 * 2 ** 30 });
  });

  test.each<[what: string, a: Edit[], b: Edit[]]>([
    ['no host has it', [lacking], [lacking]],
    ['one host lacks it', [], [lacking]],
    ['no QEMU is known on one', [withoutQemu], []],
  ])('as a generic device, where %s', (_, a, b) => {
    for (const on of ['hostA', 'hostB']) {
      const { guestAbi, binding } = soundPlan(disk(), twoHosts(a, b), on);
      expect(guestAbi.disks).toEqual([]);
      expect(guestAbi.vdpaDevices).toEqual([
        { id: 'disk0', rootPort: 1, pagePerVq: false, iommuPlatform: true, queueSize: null, bootIndex: null },
      ]);
      expect(binding.vdpaDevices).toMatchObject([{ id: 'disk0', vdpa: 'blk0' }]);
    }
  });

  test('.. which cannot be read-only', () => {
    expect(findingsOf(disk(', readOnly: true'), [reportWith()])).toEqual([]);
    expect(findingsOf(disk(', readOnly: true'), [reportWith(lacking)])).toEqual([
      'error plan.read-only-device /disks/0/readOnly: `readOnly` has no effect here: the QEMU of host l1 lacks the block driver virtio-blk-vhost-vdpa, so the guest would drive the vDPA device itself',
    ]);
  });
});

describe('blockdev', () => {
  test('each host that lacks the block driver is named', () => {
    expect(findingsOf(disk(', attach: blockdev'), twoHosts([lacking], [lacking]), 'hostA')).toEqual([
      noDriver('hostA'),
      noDriver('hostB'),
    ]);
    expect(findingsOf(disk(', attach: blockdev'), twoHosts([], [lacking]), 'hostA')).toEqual([noDriver('hostB')]);
  });

  test('has no host notifiers, so they cannot be required', () => {
    expect(findingsOf(disk(', hostNotifier: require'), [reportWith()])).toEqual([
      'error plan.host-notifier-required /disks/0/hostNotifier: hostNotifier is require, but a disk over virtio-blk-vhost-vdpa has no host notifiers: QEMU itself drives the device => attach: device',
    ]);
  });

  test('read-only, and bootable', () => {
    expect(
      soundPlan(disk(', attach: blockdev, readOnly: true, bootIndex: 3'), [reportWith()]).guestAbi.disks,
    ).toMatchObject([{ readOnly: true, bootIndex: 3 }]);
  });
});

describe('device', () => {
  test('is taken even where the block driver is there, and a warning says that the guest cannot move', () => {
    expect(findingsOf(disk(', attach: device'), [reportWith()])).toEqual([
      'warning plan.not-migratable /disks/0: disk0 is a vhost-vdpa-device-pci, which QEMU cannot migrate: the guest is bound to its host',
    ]);
    expect(soundPlan(disk(', attach: device'), [reportWith()]).binding).toMatchObject({
      memoryShared: true,
      disks: [],
    });
  });
});

describe('the class of the device', () => {
  test.each<[what: string, body: string, edits: Edit[], finding: string]>([
    [
      'a NIC',
      disk('', 'vp0'),
      [],
      'error plan.device-class /disks/0/vdpa: a disk needs a block device, but vp0 on host l1 is of class net => list it under interfaces',
    ],
    [
      'not known',
      disk(),
      [identity('blk0', { virtioId: unknown('EBUSY', 'x') })],
      'error plan.device-class /disks/0/vdpa: a disk needs a block device, but blk0 on host l1 is of class unknown',
    ],
    [
      'SCSI',
      disk(),
      [identity('blk0', { virtioId: 8 })],
      'error plan.device-class /disks/0/vdpa: a disk needs a block device, but blk0 on host l1 is of class scsi',
    ],
  ])('%s', (_, body, edits, finding) => {
    expect(findingsOf(body, [reportWith(...edits)])).toEqual([finding]);
  });
});

test('a device that no host has is one error, not two', () => {
  expect(findingsOf(disk('', 'blk9'), [reportWith()])).toEqual([
    'error plan.device-missing /disks/0/vdpa: host l1 has no vDPA device blk9: it has blk0, sim0, vp0, vp1',
  ]);
});

test('a disk that only the other host has makes no plan for this one', () => {
  const body = disk('', '{hostA: blk9, hostB: blk0}');
  expect(planOf(body, twoHosts(), 'hostA').plan).toBeUndefined();
  expect(findingsOf(body, twoHosts(), 'hostA')).toHaveLength(1);
});

test('as many queues as CPUs', () => {
  expect(soundPlan(`cpu: {count: 4}\n${disk()}`, [reportWith()]).guestAbi.disks[0]!.queues).toBe(4);
});
