/** Every reason code of a doorbell verdict: one fact of the captured devices is changed per case. */
import { describe, expect, test } from 'vitest';
import { assessVirtqueue } from '../../src/doorbell/assess-virtqueue.ts';
import { knownParentOf } from '../../src/doorbell/known-parent.ts';
import { parents, type ParentRow } from '../../src/doorbell/parents.ts';
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

type Reason = VirtqueueAssessment['reasons'][number];
type Plain = Omit<VirtqueueAssessment, 'location' | 'reasons'> & { reasons: Omit<Reason, 'by'>[] };

/** Without where the doorbell lies and whose word each reason is: of these other tests speak. */
function assess(name: string, index: number, edits: readonly Edit[]): Plain {
  const assessed = assessFully(name, index, edits);
  delete assessed.location;
  return { ...assessed, reasons: assessed.reasons.map(({ code, message }) => ({ code, message })) };
}

function assessFully(
  name: string,
  index: number,
  edits: readonly Edit[],
  parents: readonly ParentRow[] = [],
): VirtqueueAssessment {
  const report = reportWith(...edits);
  const found = deviceOf(report, name);
  const known = knownParentOf(report.host, found, parents);
  return assessVirtqueue(report.host, found, virtqueuesOf(found)[index]!, known);
}

const sharedPage = parents.find(({ area }) => area === 'shared-page')!;
const octep = parents.find(({ driver }) => driver === 'octep_vdpa')!;
const vp1Mapped = doorbells('vp1', 'mapped', 'mapped', 'mapped');
const noPci = device('vp0', { pci: null });
const secondNotify = addCapability('vp0', {
  type: 'notify',
  bar: 4,
  offset: 0x3ffc,
  length: 4,
  notifyOffMultiplier: 0,
});
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
      'kernel 6.12.74 maps doorbells cacheable on arm64 (fixed in 6.12.75, 6.18.16, 6.19.6, 7.0)',
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
      'a second notify capability says something else',
      [secondNotify],
      'unknown',
      'doorbell.page-not-verified',
      'nothing vouches for what else the page holds: the PCI function has several notify capabilities, which describe different areas',
    ],
    [
      'another page of the notify capability holds registers',
      [capability('vp0', 'isr', { offset: 0x8000, length: 1 })],
      'unknown',
      'doorbell.assumed-notify-off',
      `the page at ${offset0} is one of the notify capability, and other pages of it hold the ISR status register at BAR 4 + 0x8000; which is this virtqueue's is only assumed (queue_notify_off cannot be read)`,
    ],
    [
      'the notify capability is longer than the BAR',
      [bar('vp0', 4, { size: '0x10000' })],
      'unknown',
      'doorbell.assumed-notify-off',
      `the page at ${offset0} is one of the notify capability, and other pages of it hold bytes beyond the BAR; which is this virtqueue's is only assumed (queue_notify_off cannot be read)`,
    ],
    [
      'the notify capability ends in the middle of a later page',
      [capability('vp0', 'notify', { length: 0x3800 })],
      'unknown',
      'doorbell.page-undeclared',
      `the notify capability ends in the middle of a page, nothing declares the rest of that page, and that the page at ${offset0} is this virtqueue's is only assumed (queue_notify_off cannot be read)`,
    ],
    [
      'the parent is a PCI function with a notify capability, of a driver that nobody has heard of',
      [parentDriver('vp0', 'newdpa')],
      'unknown',
      'doorbell.page-not-verified',
      'nothing vouches for what else the page holds: nothing says that the driver takes its area from PCI config space, and parent driver newdpa is not in our table',
    ],
    [
      '.. which objects all the same where registers are in the page',
      [parentDriver('vp0', 'newdpa'), msix('vp0', { tableBar: 4, tableOffset: 0x3800 })],
      'unsafe',
      'doorbell.page-holds-registers',
      `the page at ${offset0} also holds the MSI-X table at BAR 4 + 0x3800`,
    ],
    [
      'features were not negotiated',
      [identity('vp0', { negotiation: unknown('EINVAL', 'SET_FEATURES: EINVAL') })],
      'unknown',
      'doorbell.not-tested',
      "the kernel's answer is one from before feature negotiation, when drivers report other areas: SET_FEATURES: EINVAL",
    ],
    [
      'the device was never opened',
      [device('vp0', { open: unknown('EBUSY', '/dev/vhost-vdpa-0: EBUSY') })],
      'unknown',
      'doorbell.not-tested',
      'the report has an answer of the kernel though the device was not opened: /dev/vhost-vdpa-0: EBUSY',
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
    const { reasons, ...rest } = assess('vp0', 0, edits);
    expect(rest).toEqual({ index: 0, role: 'rx0', kernel: 'mapped', verdict, exclusivity: 'none' });
    expect(reasons[0]).toEqual({ code, message });
    // on larger pages PCI config space lets expect another answer than the one in this report
    expect(reasons.slice(1).map((reason) => reason.code)).toEqual(
      code === 'doorbell.host-page-not-4096' ? ['doorbell.contradiction'] : [],
    );
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
    expect(assessFully('sim0', 0, [doorbells('sim0', 'mapped', 'mapped', 'mapped')])).toMatchObject({
      verdict: 'unknown',
      reasons: [
        {
          code: 'doorbell.page-not-verified',
          message: 'nothing vouches for what else the page holds: the parent is no PCI function',
        },
        {
          code: 'doorbell.contradiction',
          by: 'table',
          message:
            'our table says that vdpasim_net has no notification area (drivers/vdpa/vdpa_sim/vdpa_sim.c: no get_vq_notification; use_va), but the running kernel maps it; its answer counts',
        },
      ],
    });
  });

  test('registers in the page of one virtqueue: of the others it is only assumed that their pages are others', () => {
    const edits = [msix('vp0', { tableBar: 4, tableOffset: 0x5000 })];
    expect([0, 1, 2].map((index) => assess('vp0', index, edits).verdict)).toEqual(['unknown', 'unknown', 'unsafe']);
  });

  test('registers right before and right behind the notify capability are no matter', () => {
    const edits = [
      capability('vp0', 'notify', { length: 0x3000 }),
      capability('vp0', 'isr', { offset: 0x6000, length: 1 }),
      capability('vp0', 'device', { offset: 0x2ffc, length: 4 }),
    ];
    expect([0, 1, 2].map((index) => assess('vp0', index, edits).verdict)).toEqual(['safe', 'safe', 'safe']);
  });

  test('refused without negotiation: after it the kernel might map it', () => {
    const edits = [doorbells('vp0', refused('ENOTSUPP')), identity('vp0', { negotiation: unknown('EINVAL', 'x') })];
    expect(assess('vp0', 0, edits)).toMatchObject({ kernel: 'ENOTSUPP', verdict: 'unknown' });
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
    const assessed = assess(name, index, edits);
    expect(assessed).toMatchObject({ index, verdict, exclusivity: 'none' });
    expect(assessed.reasons[0]).toEqual({ code, message });
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

describe("an operator's own row", () => {
  const vendor = { driver: 'newdpa', area: 'page-per-vq', exclusive: 'yes', source: 'vendor manual, page 7' } as const;
  const newdpa = [noPci, parentDriver('vp0', 'newdpa')];
  const word = 'that the page holds nothing else is your own word (vendor manual, page 7)';

  test.each<[what: string, edits: Edit[], row: ParentRow, verdict: string, exclusivity: string, code: string]>([
    ['vouches for a parent that we do not know', newdpa, vendor, 'safe', 'operator', 'doorbell.operator-word'],
    ['.. and only for it', newdpa, { ...vendor, driver: 'other' }, 'unknown', 'none', 'doorbell.page-not-verified'],
    ['of this device', newdpa, { ...vendor, device: 'vp0' }, 'safe', 'operator', 'doorbell.operator-word'],
    ['of another device', newdpa, { ...vendor, device: 'vp1' }, 'unknown', 'none', 'doorbell.page-not-verified'],
    ['for this kernel', newdpa, { ...vendor, kernels: { from: '6.12' } }, 'safe', 'operator', 'doorbell.operator-word'],
    [
      'for other kernels',
      newdpa,
      { ...vendor, kernels: { before: '6.12' } },
      'unknown',
      'none',
      'doorbell.page-not-verified',
    ],
    ['says no', newdpa, { ...vendor, exclusive: 'no' }, 'unsafe', 'none', 'doorbell.parent-hazard'],
    ['does not know', newdpa, { ...vendor, exclusive: 'unknown' }, 'unknown', 'none', 'doorbell.page-not-verified'],
    [
      'leaves it to PCI config space, which is silent',
      newdpa,
      { ...vendor, exclusive: 'pci-config' },
      'unknown',
      'none',
      'doorbell.page-not-verified',
    ],
    [
      'says no of a page that PCI config space vouches for',
      [],
      { ...vendor, driver: 'vp-vdpa', exclusive: 'no' },
      'unsafe',
      'none',
      'doorbell.parent-hazard',
    ],
    [
      'does not lift what PCI config space shows',
      [msix('vp0', { tableBar: 4, tableOffset: 0x3800 })],
      { ...vendor, driver: 'vp-vdpa' },
      'unsafe',
      'none',
      'doorbell.page-holds-registers',
    ],
    [
      '.. nor the end of the BAR',
      [bar('vp0', 4, { size: '0x3800' })],
      { ...vendor, driver: 'vp-vdpa' },
      'unsafe',
      'none',
      'doorbell.page-beyond-bar',
    ],
    [
      '.. nor what our table knows',
      [parentDriver('vp0', 'octep_vdpa')],
      { ...vendor, driver: 'octep_vdpa' },
      'unsafe',
      'none',
      'doorbell.parent-hazard',
    ],
    [
      '.. nor a contradiction',
      [capability('vp0', 'notify', { notifyOffMultiplier: 4 })],
      { ...vendor, driver: 'vp-vdpa' },
      'unknown',
      'none',
      'doorbell.contradiction',
    ],
    [
      '.. nor a bad kernel',
      [...newdpa, host({ architecture: 'aarch64', kernelRelease: '6.12.74' })],
      vendor,
      'unsafe',
      'none',
      'doorbell.kernel-caching',
    ],
    [
      '.. nor what could not be read',
      [parentDriver('vp0', 'newdpa'), pci('vp0', { capabilities: unknown('EACCES', 'only 64 bytes') })],
      vendor,
      'unknown',
      'none',
      'doorbell.page-not-verified',
    ],
    [
      'speaks for bytes that nothing declares',
      [capability('vp0', 'notify', { length: 0x800 })],
      { ...vendor, driver: 'vp-vdpa' },
      'safe',
      'operator',
      'doorbell.operator-word',
    ],
    [
      'one page for all',
      newdpa,
      { ...vendor, area: 'shared-page' },
      'safe',
      'operator',
      'doorbell.shared-by-own-virtqueues',
    ],
    [
      'that there is no area is disproved',
      newdpa,
      { ...vendor, area: 'none' },
      'unknown',
      'none',
      'doorbell.page-not-verified',
    ],
  ])('%s', (_, edits, row, verdict, exclusivity, code) => {
    const assessed = assessFully('vp0', 0, edits, [row]);
    expect(assessed).toMatchObject({ verdict, exclusivity });
    expect(assessed.reasons[0]?.code).toBe(code);
    if (exclusivity === 'operator') {
      expect(assessed.reasons).toContainEqual({ code: 'doorbell.operator-word', by: 'operator', message: word });
    }
  });

  test('what it says no of is told with its source', () => {
    const row = { ...vendor, exclusive: 'no', hazard: 'a reset register at 0x10' } as const;
    expect(assessFully('vp0', 0, newdpa, [row]).reasons).toEqual([
      {
        code: 'doorbell.parent-hazard',
        by: 'operator',
        message: 'newdpa: a reset register at 0x10 (your own row: vendor manual, page 7)',
      },
    ]);
  });

  test('of two rows the one that names the device counts, else the last', () => {
    const other = { ...vendor, exclusive: 'unknown' } as const;
    expect(assessFully('vp0', 0, newdpa, [{ ...vendor, device: 'vp0' }, other]).verdict).toBe('safe');
    expect(assessFully('vp0', 0, newdpa, [other, vendor]).verdict).toBe('safe');
    expect(assessFully('vp0', 0, newdpa, [vendor, other]).verdict).toBe('unknown');
  });

  test('but one that says no wins, in whatever order', () => {
    const no = { ...vendor, exclusive: 'no' } as const;
    expect(assessFully('vp0', 0, newdpa, [no, vendor]).verdict).toBe('unsafe');
    expect(assessFully('vp0', 0, newdpa, [vendor, no]).verdict).toBe('unsafe');
    expect(assessFully('vp0', 0, newdpa, [{ ...vendor, device: 'vp0' }, no]).verdict).toBe('unsafe');
    expect(assessFully('vp0', 0, newdpa, [no, { ...vendor, device: 'vp0' }]).verdict).toBe('unsafe');
    expect(assessFully('vp0', 0, newdpa, [{ ...no, driver: 'other' }, vendor]).verdict).toBe('safe');
  });

  test('one with a hazard says no, whatever else it says', () => {
    const row = { ...vendor, hazard: 'a reset register at 0x10' } as const;
    expect(assessFully('vp0', 0, newdpa, [row]).reasons[0]?.code).toBe('doorbell.parent-hazard');
  });

  test('one that ties the driver to the virtio capability makes PCI config space its witness', () => {
    const edits = [parentDriver('vp0', 'newdpa')];
    const row = { ...vendor, area: 'virtio-notify-capability', exclusive: 'pci-config' } as const;
    expect(assessFully('vp0', 0, edits, [row])).toMatchObject({ verdict: 'safe', exclusivity: 'pci-config' });
    expect(assessFully('vp0', 0, edits, [{ ...row, exclusive: 'unknown' }]).verdict).toBe('unknown');
    expect(assessFully('vp0', 0, edits, [{ ...row, area: 'page-per-vq' }]).verdict).toBe('unknown');
  });

  test('vouches for a page of a PCI function whose capability shows nothing against it', () => {
    const edits = [parentDriver('vp0', 'newdpa')];
    expect(assessFully('vp0', 0, edits, [vendor])).toMatchObject({ verdict: 'safe', exclusivity: 'operator' });
  });

  test('does not decide which of several notify capabilities the driver uses', () => {
    const [first] = assessFully('vp0', 0, [secondNotify], [{ ...vendor, driver: 'vp-vdpa' }]).reasons;
    expect(first).toMatchObject({ code: 'doorbell.page-not-verified' });
    expect(first?.message).toMatch(/^your own row vouches for the page, but PCI config space does not tell/);
  });

  test('a simulator that the lab gave doorbells: our table is disproved, and the operator may vouch', () => {
    const zoo = doorbells('sim0', 'mapped', 'mapped', refused('ENOTSUPP'));
    const row = { ...vendor, driver: 'vdpasim_net' } as const;
    expect(assessFully('sim0', 0, [zoo], [row])).toMatchObject({ verdict: 'safe', exclusivity: 'operator' });
    // by the table it would be `no-area`
    expect(assessFully('sim0', 2, [zoo], [row]).reasons[0]?.code).toBe('doorbell.control-without-area');
  });

  test('that there is no area stands where the kernel refuses', () => {
    const row = { ...vendor, area: 'none', exclusive: 'unknown' } as const;
    const edits = [...newdpa, doorbells('vp0', refused('ENOTSUPP'))];
    expect(assessFully('vp0', 0, edits, [row]).reasons).toEqual([
      {
        code: 'doorbell.no-area',
        by: 'operator',
        message: 'parent driver newdpa has no notification area (vendor manual, page 7)',
      },
    ]);
  });
});

describe('the kernel contradicts what is known: its answer counts, and the reason says whose word it was', () => {
  const negotiated = identity('vp0', { negotiation: unknown('EINVAL', 'SET_FEATURES: EINVAL') });
  test.each<[what: string, name: string, index: number, edits: Edit[], by: string | undefined, message: RegExp]>([
    [
      'a doorbell that PCI config space puts in a page of its own is refused',
      'vp0',
      1,
      [doorbells('vp0', 'mapped', refused('ENOTSUPP'))],
      'pci-config',
      /^PCI config space puts the doorbell at BAR 4 \+ 0x4000, 4096 bytes per virtqueue, so that the kernel should map it, but the running kernel refuses it with ENOTSUPP; its answer counts$/,
    ],
    [
      'with another errno than the layout lets expect',
      'vp1',
      1,
      [doorbells('vp1', refused('ENOTSUPP'), refused('ENOTSUPP'))],
      'pci-config',
      /should refuse it with EINVAL, but the running kernel refuses it with ENOTSUPP/,
    ],
    ['as expected', 'vp1', 1, [], undefined, /./],
    ['an errno that says nothing', 'vp0', 0, [doorbells('vp0', refused('ENOMEM'))], undefined, /./],
    [
      'octeon_ep claims a page though the multiplier is 4: as its source says',
      'vp0',
      0,
      [parentDriver('vp0', 'octep_vdpa'), capability('vp0', 'notify', { notifyOffMultiplier: 4 })],
      undefined,
      /./,
    ],
    [
      'pds claims 4096 bytes where the multiplier is 0',
      'vp0',
      0,
      [
        parentDriver('vp0', 'pds_vdpa.vDPA'),
        capability('vp0', 'notify', { notifyOffMultiplier: 0 }),
        doorbells('vp0', refused('ENOTSUPP')),
      ],
      'pci-config',
      /should map it/,
    ],
    [
      'vp_vdpa does not',
      'vp0',
      0,
      [capability('vp0', 'notify', { notifyOffMultiplier: 0 }), doorbells('vp0', refused('ENOTSUPP'))],
      undefined,
      /./,
    ],
    [
      'ifcvf claims a host page where the multiplier is 0',
      'vp0',
      0,
      [
        parentDriver('vp0', 'ifcvf'),
        capability('vp0', 'notify', { notifyOffMultiplier: 0 }),
        doorbells('vp0', refused('ENOTSUPP')),
      ],
      'pci-config',
      /should map it/,
    ],
    [
      'ifcvf before 5.14 had no area at all',
      'vp0',
      0,
      [parentDriver('vp0', 'ifcvf'), host({ kernelRelease: '5.13.19' })],
      'table',
      /^our table says that ifcvf has no notification area \(drivers\/vdpa\/ifcvf\/ifcvf_main\.c: no get_vq_notification before 5\.14\), but the running kernel maps it/,
    ],
    [
      'the simulator refuses as not aligned: it has an area',
      'sim0',
      0,
      [doorbells('sim0', refused('EINVAL'))],
      'table',
      /refuses it with EINVAL/,
    ],
    [
      'mlx5 has none for the control virtqueue',
      'vp0',
      2,
      [noPci, parentDriver('vp0', 'mlx5_core')],
      'table',
      /^mlx5_core has none for the control virtqueue .* the running kernel maps it/,
    ],
    [
      'mlx5 refuses a data virtqueue',
      'vp0',
      0,
      [noPci, parentDriver('vp0', 'mlx5_core'), doorbells('vp0', refused('ENOTSUPP'))],
      'table',
      /^mlx5_core reports one page for all /,
    ],
    [
      '.. which it may where features were not negotiated',
      'vp0',
      0,
      [noPci, parentDriver('vp0', 'mlx5_core'), doorbells('vp0', refused('ENOTSUPP')), negotiated],
      undefined,
      /./,
    ],
    [
      '.. and on larger pages, of which the table does not speak',
      'vp0',
      0,
      [noPci, parentDriver('vp0', 'mlx5_core'), doorbells('vp0', refused('EINVAL')), host({ pageSize: 65536 })],
      undefined,
      /./,
    ],
  ])('%s', (_, name, index, edits, by, message) => {
    const found = assessFully(name, index, edits).reasons.find(({ code }) => code === 'doorbell.contradiction');
    expect(found?.by).toBe(by);
    if (by !== undefined) expect(found?.message).toMatch(message);
  });

  test("an operator's row on pages of their own", () => {
    const row = { driver: 'newdpa', area: 'page-per-vq', exclusive: 'yes', source: 'manual' } as const;
    const edits = [noPci, parentDriver('vp0', 'newdpa'), doorbells('vp0', refused('EINVAL'))];
    expect(assessFully('vp0', 0, edits, [row]).reasons[1]).toMatchObject({
      code: 'doorbell.contradiction',
      by: 'operator',
      message:
        'newdpa reports a page for each (manual), so that the kernel should map it, but the running kernel refuses it with EINVAL; its answer counts',
    });
    const blind = [...edits, host({ pageSize: unknown('ENOSYS', 'x') })];
    expect(assessFully('vp0', 0, blind, [row]).reasons).toHaveLength(1);
  });
});

describe('a witness that the kernel proves wrong vouches for nothing', () => {
  const mult0 = capability('vp0', 'notify', { notifyOffMultiplier: 0 });
  test.each<[what: string, index: number, edits: Edit[], code: string]>([
    ['vp_vdpa with multiplier 0 reports an area of no size', 0, [mult0], 'doorbell.contradiction'],
    ['the control virtqueue of mlx5', 2, [noPci, parentDriver('vp0', 'mlx5_core')], 'doorbell.contradiction'],
    ['snet has no notification area', 0, [parentDriver('vp0', 'snet-vdpa-driver')], 'doorbell.page-not-verified'],
    ['eni has no notification area', 0, [parentDriver('vp0', 'alibaba-eni-vdpa')], 'doorbell.page-not-verified'],
  ])('%s, and yet the kernel maps it', (_, index, edits, code) => {
    const { verdict, exclusivity, reasons } = assessFully('vp0', index, edits);
    expect({ verdict, exclusivity }).toEqual({ verdict: 'unknown', exclusivity: 'none' });
    expect(reasons[0]?.code).toBe(code);
    expect(reasons.map((reason) => reason.code)).toContain('doorbell.contradiction');
  });

  test("nor does the operator's own, but where it only corrects a row that says there is no area", () => {
    const row = { driver: 'newdpa', area: 'page-per-vq', controlArea: 'none', exclusive: 'yes', source: 'x' } as const;
    const newdpa = [noPci, parentDriver('vp0', 'newdpa')];
    expect(assessFully('vp0', 2, newdpa, [row])).toMatchObject({ verdict: 'unknown', exclusivity: 'none' });
    expect(assessFully('vp0', 0, newdpa, [row])).toMatchObject({ verdict: 'safe', exclusivity: 'operator' });
    const zoo = { ...row, driver: 'vdpasim_net' } as const;
    const mapped = doorbells('sim0', 'mapped', 'mapped', 'mapped');
    expect(assessFully('sim0', 2, [mapped], [zoo]).verdict).toBe('unknown');
    expect(assessFully('sim0', 0, [mapped], [zoo]).verdict).toBe('safe');
    const snet = { driver: 'snet-vdpa-driver', area: 'page-per-vq', exclusive: 'yes', source: 'x' } as const;
    const corrected = assessFully('vp0', 0, [noPci, parentDriver('vp0', snet.driver)], [snet]);
    expect(corrected).toMatchObject({ verdict: 'safe', exclusivity: 'operator' });
    expect(corrected.reasons.at(-1)?.code).toBe('doorbell.contradiction');
  });
});
