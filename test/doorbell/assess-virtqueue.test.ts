/** Every reason code of a doorbell verdict: one fact of the captured devices is changed per case. */
import { describe, expect, test } from 'vitest';
import { assessVirtqueue } from '../../src/doorbell/assess-virtqueue.ts';
import { parents } from '../../src/doorbell/parents.ts';
import { unknown } from '../../src/model/fact.ts';
import type { VirtqueueAssessment } from '../../src/model/generated/assessment.ts';
import {
  addCapability,
  bar,
  capability,
  device,
  deviceOf,
  doorbells,
  host,
  identity,
  msix,
  parentDriver,
  pci,
  queuePairs,
  refused,
  reportWith,
  virtqueuesOf,
  withoutFeature,
  type Edit,
} from '../report-builder.ts';

function assess(name: string, index: number, edits: readonly Edit[]): VirtqueueAssessment {
  const report = reportWith(...edits);
  const found = deviceOf(report, name);
  return assessVirtqueue(report.host, found, virtqueuesOf(found)[index]!);
}

const sharedPage = parents.find(({ area }) => area === 'shared-page')!;
const octep = parents.find(({ driver }) => driver === 'octep_vdpa')!;
const vp1Mapped = doorbells('vp1', 'mapped', 'mapped', 'mapped');
const noPci = device('vp0', { pci: null });
const offset0 = 'BAR 4 + 0x3000';

describe('safe', () => {
  test('the captured device with a page per virtqueue: PCI config space vouches for it', () => {
    expect(assess('vp0', 1, [])).toEqual({
      index: 1,
      role: 'tx0',
      kernel: 'mapped',
      verdict: 'safe',
      exclusivity: 'pci-config',
      reasons: [
        {
          code: 'doorbell.exclusive',
          message:
            'PCI config space: the page at BAR 4 + 0x4000 is inside the notify capability and holds nothing else',
        },
      ],
    });
  });

  test('one doorbell for all virtqueues (multiplier 0): the same page, and one guest owns them all', () => {
    const edits = [parentDriver('vp0', 'ifcvf'), capability('vp0', 'notify', { notifyOffMultiplier: 0 })];
    for (const index of [0, 1, 2]) {
      expect(assess('vp0', index, edits)).toMatchObject({
        verdict: 'safe',
        exclusivity: 'pci-config',
        reasons: [
          {
            code: 'doorbell.exclusive',
            message: `PCI config space: the page at ${offset0} is inside the notify capability and holds nothing else`,
          },
          {
            code: 'doorbell.shared-by-own-virtqueues',
            message: 'one doorbell for all virtqueues of this device: one guest owns them all',
          },
        ],
      });
    }
  });

  test.each<[what: string, edits: Edit[]]>([
    ['as a PCI function without virtio capabilities', []],
    ['as an auxiliary device', [noPci]],
  ])("mlx5 %s: only the parent driver's word, and the evidence says so", (_, edits) => {
    const all = [parentDriver('vp0', sharedPage.driver), pci('vp0', { capabilities: { virtio: [], msix: null } })];
    expect(assess('vp0', 0, [...all, ...edits])).toMatchObject({
      verdict: 'safe',
      exclusivity: 'parent-driver',
      reasons: [
        {
          code: 'doorbell.shared-by-own-virtqueues',
          message: 'one page for all data virtqueues of this device: one guest owns them all',
        },
        {
          code: 'doorbell.parent-word',
          message: `that the page holds nothing else is the parent driver's word (${sharedPage.source})`,
        },
      ],
    });
  });
});

describe('the kernel maps it, and yet', () => {
  test.each<[what: string, edits: Edit[], verdict: string, code: string, message: string]>([
    [
      'the page size is not known',
      [host({ pageSize: unknown('ENOSYS', 'sysconf failed') })],
      'unknown',
      'doorbell.page-size-unknown',
      'host page size: sysconf failed',
    ],
    [
      'pages have 64 KiB',
      [host({ pageSize: 65536 })],
      'unavailable',
      'doorbell.host-page-not-4096',
      "the kernel maps it, but QEMU installs only doorbell pages of 4096 bytes and this host's pages have 65536",
    ],
    [
      'pages have 16 KiB',
      [host({ pageSize: 16384 })],
      'unavailable',
      'doorbell.host-page-not-4096',
      "the kernel maps it, but QEMU installs only doorbell pages of 4096 bytes and this host's pages have 16384",
    ],
    [
      'the arm64 kernel maps it cacheable',
      [host({ architecture: 'aarch64', kernelRelease: '6.12.74' })],
      'unsafe',
      'doorbell.kernel-caching',
      'kernel 6.12.74 maps doorbells cacheable on arm64 (fixed in 7.0 and 6.12.75)',
    ],
    [
      'the arm64 kernel cannot be told',
      [host({ architecture: 'aarch64', kernelRelease: 'vendor' })],
      'unknown',
      'doorbell.kernel-caching',
      'kernel release vendor cannot be read as a version',
    ],
    [
      'octeon_ep keeps its interrupt cause in the page',
      [parentDriver('vp0', 'octep_vdpa')],
      'unsafe',
      'doorbell.parent-hazard',
      `octep_vdpa: the interrupt cause byte of the queue lies at doorbell + 4, in the exported page (${octep.source})`,
    ],
    [
      'the MSI-X table is in the page',
      [msix('vp0', { tableBar: 4, tableOffset: 0x3800 })],
      'unsafe',
      'doorbell.page-holds-registers',
      `the page at ${offset0} also holds the MSI-X table at BAR 4 + 0x3800`,
    ],
    [
      'the end of a long MSI-X table reaches into the page',
      [msix('vp0', { tableBar: 4, tableOffset: 0x2000, vectors: 257 })],
      'unsafe',
      'doorbell.page-holds-registers',
      `the page at ${offset0} also holds the MSI-X table at BAR 4 + 0x2000`,
    ],
    [
      'the MSI-X pending bits are in the page',
      [msix('vp0', { pbaBar: 4, pbaOffset: 0x3ff8 })],
      'unsafe',
      'doorbell.page-holds-registers',
      `the page at ${offset0} also holds the MSI-X pending bits at BAR 4 + 0x3ff8`,
    ],
    [
      'device configuration overlaps the page',
      [capability('vp0', 'device', { offset: 0x2ffc, length: 8 })],
      'unsafe',
      'doorbell.page-holds-registers',
      `the page at ${offset0} also holds device configuration registers at BAR 4 + 0x2ffc`,
    ],
    [
      'two other things are in the page',
      [capability('vp0', 'isr', { offset: 0x3100, length: 1 }), capability('vp0', 'common', { offset: 0x3200 })],
      'unsafe',
      'doorbell.page-holds-registers',
      `the page at ${offset0} also holds the ISR status register at BAR 4 + 0x3100 and common configuration registers at BAR 4 + 0x3200`,
    ],
    [
      'a second notify capability is in the page',
      [addCapability('vp0', { type: 'notify', bar: 4, offset: 0x3ffc, length: 4, notifyOffMultiplier: 0 })],
      'unsafe',
      'doorbell.page-holds-registers',
      `the page at ${offset0} also holds another notification area at BAR 4 + 0x3ffc`,
    ],
    [
      'shared memory is in the page',
      [addCapability('vp0', { type: 'shared-memory', bar: 4, offset: 0x3000, length: 0x1000 })],
      'unsafe',
      'doorbell.page-holds-registers',
      `the page at ${offset0} also holds a shared memory region at BAR 4 + 0x3000`,
    ],
    [
      'vendor registers are in the page',
      [addCapability('vp0', { type: 'vendor', bar: 4, offset: 0x3010, length: 4 })],
      'unsafe',
      'doorbell.page-holds-registers',
      `the page at ${offset0} also holds vendor registers at BAR 4 + 0x3010`,
    ],
    [
      'registers of a capability from the future are in the page',
      [addCapability('vp0', { type: 'unknown', cfgType: 77, bar: 4, offset: 0x3010, length: 4 })],
      'unsafe',
      'doorbell.page-holds-registers',
      `the page at ${offset0} also holds registers of an unknown virtio capability at BAR 4 + 0x3010`,
    ],
    [
      'the page reaches beyond the BAR',
      [bar('vp0', 4, { size: '0x3800' })],
      'unsafe',
      'doorbell.page-beyond-bar',
      `the page at ${offset0} reaches beyond the BAR`,
    ],
    [
      'the notify capability ends inside of the page',
      [capability('vp0', 'notify', { length: 0x800 })],
      'unknown',
      'doorbell.page-undeclared',
      `the page at ${offset0} reaches beyond the notify capability, and nothing declares what its other bytes are`,
    ],
    [
      'PCI puts the doorbell into the middle of a page',
      [capability('vp0', 'notify', { offset: 0x3800 })],
      'unknown',
      'doorbell.contradiction',
      'the kernel maps it, but PCI config space puts the doorbell at BAR 4 + 0x3800 with 4096 bytes per virtqueue: not a page of its own',
    ],
    [
      'PCI gives each doorbell two pages',
      [capability('vp0', 'notify', { notifyOffMultiplier: 8192 })],
      'unknown',
      'doorbell.contradiction',
      `the kernel maps it, but PCI config space puts the doorbell at ${offset0} with 8192 bytes per virtqueue: not a page of its own`,
    ],
    [
      'PCI capabilities could not be read',
      [pci('vp0', { capabilities: unknown('EACCES', 'config: only 64 bytes can be read') })],
      'unknown',
      'doorbell.page-not-verified',
      'nothing vouches for what else the page holds: config: only 64 bytes can be read',
    ],
    [
      'the BARs could not be read',
      [pci('vp0', { bars: unknown('EACCES', 'resource: EACCES') })],
      'unknown',
      'doorbell.page-not-verified',
      'nothing vouches for what else the page holds: resource: EACCES',
    ],
    [
      'there is no notify capability',
      [capability('vp0', 'notify', { type: 'vendor' })],
      'unknown',
      'doorbell.page-not-verified',
      'nothing vouches for what else the page holds: the PCI function has no virtio notify capability',
    ],
    [
      'the notify capability is in a BAR that is not assigned',
      [capability('vp0', 'notify', { bar: 2 })],
      'unknown',
      'doorbell.page-not-verified',
      'nothing vouches for what else the page holds: the PCI function has no virtio notify capability',
    ],
    [
      'the notify capability is cut off',
      [capability('vp0', 'notify', { notifyOffMultiplier: undefined as unknown as number })],
      'unknown',
      'doorbell.page-not-verified',
      'nothing vouches for what else the page holds: the notify capability is incomplete',
    ],
    [
      'the notify capability is in an I/O BAR: a port number is no address of memory',
      [bar('vp0', 4, { kind: 'io' })],
      'unknown',
      'doorbell.page-not-verified',
      'nothing vouches for what else the page holds: the notify capability is in BAR 4, whose addresses are I/O ports',
    ],
    [
      'the PCI function could not be read, though we know the driver',
      [device('vp0', { pci: unknown('EIO', '/sys/devices/x: EIO') })],
      'unknown',
      'doorbell.page-not-verified',
      'nothing vouches for what else the page holds: /sys/devices/x: EIO',
    ],
    [
      'the parent is of a driver that nobody has heard of',
      [noPci, parentDriver('vp0', 'newdpa')],
      'unknown',
      'doorbell.page-not-verified',
      'nothing vouches for what else the page holds: the parent is no PCI function, and parent driver newdpa is not in our table',
    ],
    [
      'neither parent nor management device is known',
      [noPci, device('vp0', { parent: unknown('EIO', 'x'), managementDevice: unknown('no-tool', 'x') })],
      'unknown',
      'doorbell.page-not-verified',
      'nothing vouches for what else the page holds: the parent is no PCI function, and parent driver (unknown) is not in our table',
    ],
  ])('%s', (_, edits, verdict, code, message) => {
    expect(assess('vp0', 0, edits)).toEqual({
      index: 0,
      role: 'rx0',
      kernel: 'mapped',
      verdict,
      exclusivity: 'none',
      reasons: [{ code, message }],
    });
  });

  test('PCI says 4 bytes per doorbell', () => {
    expect(assess('vp1', 0, [vp1Mapped])).toMatchObject({
      verdict: 'unknown',
      reasons: [
        { code: 'doorbell.contradiction', message: expect.stringContaining('4 bytes per virtqueue') as string },
      ],
    });
  });

  test('a driver that has no notification area maps one: not to be trusted', () => {
    expect(assess('sim0', 0, [doorbells('sim0', 'mapped', 'mapped', 'mapped')])).toMatchObject({
      verdict: 'unknown',
      reasons: [
        {
          code: 'doorbell.page-not-verified',
          message: 'nothing vouches for what else the page holds: the parent is no PCI function',
        },
      ],
    });
  });

  test('only the page of the virtqueue itself counts: registers in its neighbour are no matter', () => {
    const edits = [msix('vp0', { tableBar: 4, tableOffset: 0x5000 })];
    expect([0, 1, 2].map((index) => assess('vp0', index, edits).verdict)).toEqual(['safe', 'safe', 'unsafe']);
  });
});

describe('the kernel refuses it', () => {
  const inPci = ' (PCI: BAR 4 + 0x3000, 4 bytes per virtqueue)';
  test.each<[what: string, name: string, index: number, edits: Edit[], verdict: string, code: string, message: string]>(
    [
      [
        'EINVAL: the second 4-byte doorbell is not at the start of a page',
        'vp1',
        1,
        [],
        'unavailable',
        'doorbell.not-page-aligned',
        "the doorbell's address is not a multiple of the host's page size of 4096 (PCI: BAR 4 + 0x3004, 4 bytes per virtqueue)",
      ],
      [
        'EINVAL on a host with 64 KiB pages',
        'vp0',
        1,
        [host({ pageSize: 65536 }), doorbells('vp0', 'mapped', refused('EINVAL'))],
        'unavailable',
        'doorbell.not-page-aligned',
        "the doorbell's address is not a multiple of the host's page size of 65536 (PCI: BAR 4 + 0x4000, 4096 bytes per virtqueue)",
      ],
      [
        'EINVAL, and PCI is silent',
        'vp1',
        1,
        [device('vp1', { pci: null })],
        'unavailable',
        'doorbell.not-page-aligned',
        "the doorbell's address is not a multiple of the host's page size of 4096",
      ],
      [
        'EINVAL, and the page size is not known',
        'vp1',
        1,
        [host({ pageSize: unknown('ENOSYS', 'sysconf failed') })],
        'unavailable',
        'doorbell.not-page-aligned',
        "the doorbell's address is not a multiple of the host's page size",
      ],
      [
        'an errno that says nothing of the doorbell',
        'vp1',
        0,
        [doorbells('vp1', refused('ENOMEM'))],
        'unknown',
        'doorbell.mmap-failed',
        'mmap failed with ENOMEM, which says nothing of the doorbell',
      ],
      [
        'ENOTSUPP: the simulator has no notification area',
        'sim0',
        0,
        [],
        'unavailable',
        'doorbell.no-area',
        'parent driver vdpasim_net has no notification area (drivers/vdpa/vdpa_sim/vdpa_sim.c: no get_vq_notification; use_va)',
      ],
      [
        'ENOTSUPP: the 4-byte doorbell is at the start of a page, but less than one',
        'vp1',
        0,
        [],
        'unavailable',
        'doorbell.size-not-page',
        `the doorbell area is not exactly one host page${inPci}`,
      ],
      [
        'ENOTSUPP: a 4 KiB doorbell on a host with 64 KiB pages',
        'vp0',
        0,
        [host({ pageSize: 65536 }), doorbells('vp0', refused('ENOTSUPP'))],
        'unavailable',
        'doorbell.size-not-page',
        'the doorbell area is not exactly one host page (PCI: BAR 4 + 0x3000, 4096 bytes per virtqueue)',
      ],
      [
        'ENOTSUPP for the control virtqueue of mlx5',
        'vp0',
        2,
        [noPci, parentDriver('vp0', sharedPage.driver), doorbells('vp0', 'mapped', 'mapped', refused('ENOTSUPP'))],
        'unavailable',
        'doorbell.control-without-area',
        'the control virtqueue has no notification area of one page',
      ],
      [
        'ENOTSUPP for a data virtqueue of mlx5',
        'vp0',
        1,
        [noPci, parentDriver('vp0', sharedPage.driver), doorbells('vp0', 'mapped', refused('ENOTSUPP'), 'mapped')],
        'unavailable',
        'doorbell.no-page-sized-area',
        'the parent driver has no notification area, or one that is not exactly one host page: the kernel says the same (524) for both',
      ],
      [
        'ENOTSUPP, the third virtqueue of a device without a control virtqueue is no control virtqueue',
        'vp0',
        2,
        [
          noPci,
          parentDriver('vp0', 'newdpa'),
          withoutFeature('vp0', 'VIRTIO_NET_F_CTRL_VQ'),
          doorbells('vp0', refused('ENOTSUPP'), refused('ENOTSUPP'), refused('ENOTSUPP')),
        ],
        'unavailable',
        'doorbell.no-page-sized-area',
        'the parent driver has no notification area, or one that is not exactly one host page: the kernel says the same (524) for both',
      ],
    ],
  )('%s', (_, name, index, edits, verdict, code, message) => {
    expect(assess(name, index, edits)).toMatchObject({
      index,
      verdict,
      exclusivity: 'none',
      reasons: [{ code, message }],
    });
  });

  test('the errno stands in the verdict', () => {
    expect(assess('vp1', 0, []).kernel).toBe('ENOTSUPP');
    expect(assess('vp1', 1, []).kernel).toBe('EINVAL');
  });
});

describe('the kernel was not asked', () => {
  test.each(['EBUSY', 'EACCES', 'ENOTSUPP', 'not-asked'])('%s', (why) => {
    const edit = doorbells('vp0', unknown(why, `/dev/vhost-vdpa-0: ${why}`));
    expect(assess('vp0', 0, [edit])).toEqual({
      index: 0,
      role: 'rx0',
      kernel: why,
      verdict: 'unknown',
      exclusivity: 'none',
      reasons: [
        {
          code: 'doorbell.not-tested',
          message: `the kernel was not asked for this doorbell: /dev/vhost-vdpa-0: ${why}`,
        },
      ],
    });
  });
});

test('the role stands in the verdict: the last of four pairs and the control virtqueue', () => {
  const edits = [queuePairs('vp0', 4)];
  expect([6, 7, 8].map((index) => assess('vp0', index, edits).role)).toEqual(['rx3', 'tx3', 'control']);
  expect(assess('vp0', 0, [...edits, identity('vp0', { virtioId: 40 })]).role).toBe('vq0');
});
