/** Where a doorbell lies, and what it would be on hosts with other page sizes. */
import { describe, expect, test } from 'vitest';
import { assessDevice } from '../../src/doorbell/assess.ts';
import type { ParentRow } from '../../src/doorbell/parents.ts';
import { unknown } from '../../src/model/fact.ts';
import type { DeviceAssessment } from '../../src/model/generated/assessment.ts';
import {
  bar,
  busy,
  capability,
  device,
  deviceOf,
  doorbells,
  host,
  msix,
  parentDriver,
  refused,
  reportWith,
  type Edit,
} from '../report-builder.ts';

function assess(name: string, edits: readonly Edit[], parents: readonly ParentRow[] = []): DeviceAssessment {
  const report = reportWith(...edits);
  return assessDevice(report.host, deviceOf(report, name), { parents });
}

/** `4096 safe exclusive maps`, with a star where it is this host's. */
function rows(assessment: DeviceAssessment): string[] {
  return assessment.pageSizes.map(
    ({ pageSize, ofThisHost, verdict, page, kernel }) =>
      `${pageSize}${ofThisHost ? '*' : ''} ${verdict} ${page} ${kernel}`,
  );
}

/** A device whose doorbells have 64 KiB each, at the start of 64 KiB. */
const large: Edit[] = [
  capability('vp0', 'notify', { offset: 0x10000, length: 0x100000, notifyOffMultiplier: 65536 }),
  host({ pageSize: 65536 }),
];
const noPci = device('vp0', { pci: null });
const vendor = { driver: 'newdpa', exclusive: 'yes', source: 'manual' } as const;

describe('what if the host had other pages', () => {
  test.each<[what: string, name: string, edits: Edit[], parents: ParentRow[], wanted: string[]]>([
    [
      'a page of 4096 bytes each: on larger pages they share one with registers',
      'vp0',
      [],
      [],
      [
        '4096* safe exclusive maps',
        '16384 unavailable other-registers refuses',
        '65536 unavailable other-registers refuses',
      ],
    ],
    [
      '4 bytes each',
      'vp1',
      [],
      [],
      [
        '4096* unavailable own-virtqueues refuses',
        '16384 unavailable other-registers refuses',
        '65536 unavailable other-registers refuses',
      ],
    ],
    [
      '64 KiB each on a 64 KiB host: exclusive and mapped, and QEMU installs none',
      'vp0',
      large,
      [],
      [
        '4096 unavailable exclusive refuses',
        '16384 unavailable exclusive refuses',
        '65536* unavailable exclusive maps',
      ],
    ],
    [
      '4096 bytes each, seen from a 64 KiB host: nobody has asked a 4096-byte kernel',
      'vp0',
      [host({ pageSize: 65536 }), doorbells('vp0', refused('EINVAL'), refused('EINVAL'))],
      [],
      [
        '4096 unknown exclusive maps',
        '16384 unavailable other-registers refuses',
        '65536* unavailable other-registers refuses',
      ],
    ],
    [
      'the same with the MSI-X table in the page',
      'vp0',
      [
        host({ pageSize: 65536 }),
        doorbells('vp0', refused('EINVAL'), refused('EINVAL')),
        msix('vp0', { tableBar: 4, tableOffset: 0x3800 }),
      ],
      [],
      [
        '4096 unsafe other-registers maps',
        '16384 unavailable other-registers refuses',
        '65536* unavailable other-registers refuses',
      ],
    ],
    [
      'the last 4096 bytes of a BAR',
      'vp1',
      [capability('vp1', 'notify', { offset: 0x3000, notifyOffMultiplier: 0 }), bar('vp1', 4, { start: '0xfe800000' })],
      [],
      [
        '4096* unavailable own-virtqueues refuses',
        '16384 unavailable other-registers refuses',
        '65536 unavailable other-registers refuses',
      ],
    ],
    [
      'a host page that this host alone has',
      'vp0',
      [host({ pageSize: 8192 }), doorbells('vp0', refused('EINVAL'), refused('EINVAL'))],
      [],
      [
        '4096 unknown exclusive maps',
        '8192* unavailable other-registers refuses',
        '16384 unavailable other-registers refuses',
        '65536 unavailable other-registers refuses',
      ],
    ],
    [
      'octeon_ep: known to hold more, whatever the size; where its area is PCI config space does not tell',
      'vp0',
      [parentDriver('vp0', 'octep_vdpa')],
      [],
      [
        '4096* unsafe other-registers maps',
        '16384 unavailable other-registers unknown',
        '65536 unavailable other-registers unknown',
      ],
    ],
    [
      'a simulator',
      'sim0',
      [],
      [],
      ['4096* unavailable none refuses', '16384 unavailable none refuses', '65536 unavailable none refuses'],
    ],
    [
      'mlx5: its word is for one page, and larger ones depend on the BAR of its subfunction',
      'vp0',
      [noPci, parentDriver('vp0', 'mlx5_core'), doorbells('vp0', 'mapped', 'mapped', refused('ENOTSUPP'))],
      [],
      ['4096* safe own-virtqueues maps', '16384 unavailable unknown unknown', '65536 unavailable unknown unknown'],
    ],
    [
      "the operator's word",
      'vp0',
      [noPci, parentDriver('vp0', 'newdpa')],
      [{ ...vendor, area: 'page-per-vq' }],
      ['4096* safe exclusive maps', '16384 unavailable unknown unknown', '65536 unavailable unknown unknown'],
    ],
    [
      "the operator's warning",
      'vp0',
      [noPci, parentDriver('vp0', 'newdpa')],
      [{ ...vendor, exclusive: 'no' }],
      [
        '4096* unsafe other-registers maps',
        '16384 unavailable other-registers unknown',
        '65536 unavailable other-registers unknown',
      ],
    ],
    [
      'nobody knows',
      'vp0',
      [noPci, parentDriver('vp0', 'newdpa')],
      [],
      ['4096* unknown unknown maps', '16384 unavailable unknown unknown', '65536 unavailable unknown unknown'],
    ],
    [
      'bytes that nothing declares',
      'vp0',
      [capability('vp0', 'notify', { length: 0x800 })],
      [],
      [
        '4096* unknown unknown maps',
        '16384 unavailable other-registers refuses',
        '65536 unavailable other-registers refuses',
      ],
    ],
    [
      'some mapped, some not',
      'vp0',
      [doorbells('vp0', 'mapped', refused('EINVAL'))],
      [],
      [
        '4096* unavailable exclusive mixed',
        '16384 unavailable other-registers refuses',
        '65536 unavailable other-registers refuses',
      ],
    ],
    [
      'a device in use: PCI config space tells all the same',
      'vp0',
      [busy('vp0')],
      [],
      [
        '4096* unknown exclusive unknown',
        '16384 unavailable other-registers refuses',
        '65536 unavailable other-registers refuses',
      ],
    ],
    [
      'a doorbell that was not tested',
      'vp0',
      [doorbells('vp0', unknown('EBUSY', 'in use'))],
      [],
      [
        '4096* unknown exclusive unknown',
        '16384 unavailable other-registers refuses',
        '65536 unavailable other-registers refuses',
      ],
    ],
    [
      'a device without virtqueues',
      'vp0',
      [doorbells('vp0')],
      [],
      ['4096* unknown unknown unknown', '16384 unavailable unknown unknown', '65536 unavailable unknown unknown'],
    ],
    [
      'a host whose page size is not known',
      'vp0',
      [host({ pageSize: unknown('ENOSYS', 'x') })],
      [],
      [
        '4096 unknown exclusive maps',
        '16384 unavailable other-registers refuses',
        '65536 unavailable other-registers refuses',
      ],
    ],
  ])('%s', (_, name, edits, parents, wanted) => {
    expect(rows(assess(name, edits, parents))).toEqual(wanted);
  });

  test('the reasons say what the page holds, what the kernel does, and what QEMU does, and who says it', () => {
    const [, , outlook] = assess('vp0', []).pageSizes;
    expect(outlook?.reasons).toEqual([
      {
        code: 'doorbell.page-holds-registers',
        by: 'pci-config',
        message:
          'the page of virtqueue 0 (rx0), BAR 4 + 0x0, also holds device configuration registers at BAR 4 + 0x2000 and the ISR status register at BAR 4 + 0x1000 and common configuration registers at BAR 4 + 0x0',
      },
      {
        code: 'doorbell.kernel-answer',
        by: 'pci-config',
        message: 'the kernel would refuse the data virtqueues',
      },
      {
        code: 'doorbell.host-page-not-4096',
        by: 'qemu',
        message: 'QEMU installs only pages of 4096 bytes, so no host notifier',
      },
    ]);
  });

  test('both: the page would be exclusive, and QEMU does not install it', () => {
    const outlook = assess('vp0', large).pageSizes.at(-1);
    expect(outlook).toMatchObject({ page: 'exclusive', kernel: 'maps', qemuInstalls: false, verdict: 'unavailable' });
  });
});

describe('the location of a doorbell', () => {
  test('its page, and what is in it, per page size', () => {
    expect(assess('vp0', []).virtqueues[1]?.location).toEqual({
      bar: 4,
      offset: '0x4000',
      bytesPerVirtqueue: 4096,
      pages: [
        {
          pageSize: 4096,
          offset: '0x4000',
          aligned: true,
          declared: true,
          beyondBar: false,
          registers: [],
          otherVirtqueues: 0,
        },
        {
          pageSize: 16384,
          offset: '0x4000',
          aligned: true,
          declared: true,
          beyondBar: false,
          registers: [],
          otherVirtqueues: 1,
        },
        {
          pageSize: 65536,
          offset: '0x0',
          aligned: false,
          declared: false,
          beyondBar: false,
          registers: [
            'device configuration registers at BAR 4 + 0x2000',
            'the ISR status register at BAR 4 + 0x1000',
            'common configuration registers at BAR 4 + 0x0',
          ],
          otherVirtqueues: 2,
        },
      ],
    });
  });

  test('a BAR that begins inside of a larger page, beside another BAR of the same function', () => {
    const edits = [bar('vp0', 1, { start: '0xfe801000' }), bar('vp0', 4, { start: '0xfe804000', size: '0x8000' })];
    expect(assess('vp0', edits).virtqueues[0]?.location?.pages.at(-1)).toMatchObject({
      offset: '-0x4000',
      beyondBar: true,
      registers: expect.arrayContaining(['BAR 1 of the same function']) as string[],
    });
  });

  test('PCI config space does not tell', () => {
    expect(assess('sim0', []).virtqueues[0]).not.toHaveProperty('location');
    expect(assess('vp0', [device('vp0', { pci: unknown('EIO', 'x') })]).virtqueues[0]).not.toHaveProperty('location');
    expect(assess('vp0', [capability('vp0', 'notify', { type: 'vendor' })]).virtqueues[0]).not.toHaveProperty(
      'location',
    );
  });

  test('the largest device that a report may hold, in bounded time', () => {
    const answers = Array.from({ length: 65536 }, () => 'mapped' as const);
    const begin = performance.now();
    const { virtqueues } = assess('vp0', [doorbells('vp0', ...answers)]);
    expect(virtqueues.at(-1)?.location).toMatchObject({ offset: '0x10002000' });
    expect(performance.now() - begin).toBeLessThan(15_000);
  });
});
