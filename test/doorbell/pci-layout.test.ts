import { describe, expect, test } from 'vitest';
import { doorbellPageOf, type DoorbellPage } from '../../src/doorbell/pci-layout.ts';
import { unknown } from '../../src/model/fact.ts';
import {
  bar,
  capabilities,
  capability,
  msix,
  pci,
  pciOf,
  reportWith,
  type Capabilities,
  type Edit,
} from '../report-builder.ts';

function page(name: string, index: number, pageSize: number, ...edits: Edit[]): DoorbellPage | string {
  return doorbellPageOf(reportWithUnknowns(name, edits), index, pageSize);
}

/** As pciOf, without asking that the capabilities are known. */
function reportWithUnknowns(name: string, edits: readonly Edit[]): Parameters<typeof doorbellPageOf>[0] {
  const found = reportWith(...edits).devices.find((device) => device.name === name)?.pci;
  if (found === undefined || found === null || 'unknown' in found) throw new Error(`${name} is no PCI function`);
  return found;
}

const exclusive: DoorbellPage = {
  bar: 4,
  offset: 0x3000n,
  page: 0x3000n,
  aligned: true,
  multiplier: 4096,
  neighbours: [],
  beyondBar: false,
  declared: true,
  elsewhere: [],
  raggedEnd: false,
};

describe('doorbellPageOf', () => {
  test('the captured layout with a page per doorbell', () => {
    expect(page('vp0', 0, 4096)).toEqual(exclusive);
    expect(page('vp0', 2, 4096)).toEqual({ ...exclusive, offset: 0x5000n, page: 0x5000n });
  });

  test('the captured layout with 4 bytes per doorbell: all in the first page', () => {
    const packed = { ...exclusive, multiplier: 4 };
    expect(page('vp1', 0, 4096)).toEqual(packed);
    expect(page('vp1', 1, 4096)).toEqual({ ...packed, offset: 0x3004n, aligned: false });
  });

  test.each<[what: string, pageSize: number, index: number, edits: Edit[], wanted: Partial<DoorbellPage>]>([
    ['64 KiB: the page begins before the capability', 65536, 0, [], { aligned: false, declared: false }],
    [
      '64 KiB: the doorbell of virtqueue 13 is aligned',
      65536,
      13,
      [],
      { offset: 0x10000n, aligned: true, neighbours: [], declared: true },
    ],
    [
      '64 KiB: other registers are in the page of the first',
      65536,
      0,
      [],
      {
        neighbours: [
          'device configuration registers at BAR 4 + 0x2000',
          'the ISR status register at BAR 4 + 0x1000',
          'common configuration registers at BAR 4 + 0x0',
        ],
      },
    ],
    [
      'the BAR begins in the middle of a 64 KiB page',
      65536,
      0,
      [bar('vp0', 4, { start: '0xfe008000' })],
      { beyondBar: true },
    ],
    ['the BAR ends with the page', 4096, 0, [bar('vp0', 4, { size: '0x4000' })], { beyondBar: false }],
    ['the BAR ends a byte earlier', 4096, 0, [bar('vp0', 4, { size: '0x3fff' })], { beyondBar: true }],
    [
      'the capability ends with the page',
      4096,
      0,
      [capability('vp0', 'notify', { length: 0x1000 })],
      { declared: true },
    ],
    [
      'the capability ends a byte earlier',
      4096,
      0,
      [capability('vp0', 'notify', { length: 0xfff })],
      { declared: false },
    ],
    [
      'the second page is beyond the capability',
      4096,
      1,
      [capability('vp0', 'notify', { length: 0x1000 })],
      { declared: false },
    ],
    [
      'a BAR above 2^53',
      4096,
      0,
      [bar('vp0', 4, { start: '0xfffffffffe000000' })],
      { aligned: true, beyondBar: false },
    ],
    [
      'a BAR above 2^53 that is not aligned',
      4096,
      0,
      [bar('vp0', 4, { start: '0xfffffffffe000004' })],
      { aligned: false },
    ],
    [
      'MSI-X right before the page',
      4096,
      0,
      [msix('vp0', { tableBar: 4, tableOffset: 0x2fc0, vectors: 4 })],
      { neighbours: [] },
    ],
    [
      'MSI-X one vector into the page',
      4096,
      0,
      [msix('vp0', { tableBar: 4, tableOffset: 0x2fc0, vectors: 5 })],
      { neighbours: ['the MSI-X table at BAR 4 + 0x2fc0'] },
    ],
    ['MSI-X right after the page', 4096, 0, [msix('vp0', { tableBar: 4, tableOffset: 0x4000 })], { neighbours: [] }],
    [
      'pending bits of 64 vectors are 8 bytes: right before the page',
      4096,
      0,
      [msix('vp0', { pbaBar: 4, pbaOffset: 0x2ff8, vectors: 64 })],
      { neighbours: [] },
    ],
    [
      'pending bits of 65 vectors are 16 bytes: into the page',
      4096,
      0,
      [msix('vp0', { pbaBar: 4, pbaOffset: 0x2ff8, vectors: 65 })],
      { neighbours: ['the MSI-X pending bits at BAR 4 + 0x2ff8'] },
    ],
    [
      'the PCI access window is no register',
      4096,
      0,
      [capability('vp0', 'pci', { bar: 4, offset: 0x3000, length: 4 })],
      { neighbours: [] },
    ],
    [
      'the same offset in another BAR',
      4096,
      0,
      [capability('vp0', 'isr', { bar: 1, offset: 0x3000 })],
      { neighbours: [] },
    ],
  ])('%s', (_, pageSize, index, edits, wanted) => {
    expect(page('vp0', index, pageSize, ...edits)).toMatchObject(wanted);
  });

  test('no MSI-X at all', () => {
    const report = reportWith((edited) => void (pciOf(edited, 'vp0').capabilities.msix = null));
    expect(doorbellPageOf(pciOf(report, 'vp0'), 0, 4096)).toEqual(exclusive);
  });

  test.each<[what: string, edits: Edit[], reason: string]>([
    ['capabilities', [pci('vp0', { capabilities: unknown('EACCES', 'config: EACCES') })], 'config: EACCES'],
    ['BARs', [pci('vp0', { bars: unknown('ENOENT', 'resource: ENOENT') })], 'resource: ENOENT'],
    ['no BAR', [pci('vp0', { bars: [] })], 'the PCI function has no virtio notify capability'],
    ['I/O', [bar('vp0', 4, { kind: 'io' })], 'the notify capability is in BAR 4, whose addresses are I/O ports'],
  ])('%s: says why it cannot tell', (_, edits, reason) => {
    expect(page('vp0', 0, 4096, ...edits)).toBe(reason);
  });

  test('a page size of 0 in a report breaks nothing', () => {
    expect(page('vp0', 0, 0)).toBe('pages of 0 bytes are none');
  });

  const second = (changes: Partial<Capabilities['virtio'][number]>, first = false): Edit =>
    capabilities('vp0', ({ virtio }) => {
      const notify = virtio.find(({ type }) => type === 'notify')!;
      virtio.splice(first ? 0 : virtio.length, 0, { ...notify, ...changes });
    });
  const several = 'the PCI function has several notify capabilities, which describe different areas';

  test.each<[what: string, changes: Partial<Capabilities['virtio'][number]>]>([
    ['another BAR', { bar: 0 }],
    ['a BAR that is not assigned', { bar: 2 }],
    ['another offset', { offset: 0x403000 }],
    ['another length', { length: 0x1000 }],
    ['another multiplier', { notifyOffMultiplier: 0 }],
    ['no multiplier', { notifyOffMultiplier: undefined as unknown as number }],
  ])('two notify capabilities, one with %s: virtio takes the first, ifcvf the last', (_, changes) => {
    expect(page('vp0', 0, 4096, second(changes))).toBe(several);
    expect(page('vp0', 0, 4096, second(changes, true))).toBe(several);
  });

  test('two notify capabilities that say the same are one', () => {
    expect(page('vp0', 0, 4096, second({}))).toEqual(exclusive);
  });

  const four = capability('vp0', 'notify', { length: 0x4000 });
  test.each<[what: string, edits: Edit[], elsewhere: string[]]>([
    ['registers in the last page', [four, isr(0x6ffc)], ['the ISR status register at BAR 4 + 0x6ffc']],
    ['right behind the last page', [four, isr(0x7000)], []],
    ['right before the first page', [four, isr(0x2ffc)], []],
    ['the BAR ends in the last page', [four, bar('vp0', 4, { size: '0x6fff' })], ['bytes beyond the BAR']],
    ['the BAR ends with the last page', [four, bar('vp0', 4, { size: '0x7000' })], []],
    ['one doorbell for all', [four, capability('vp0', 'notify', { notifyOffMultiplier: 0 }), isr(0x6ffc)], []],
    ['a capability of no length', [capability('vp0', 'notify', { length: 0 }), isr(0x4000)], []],
  ])("which page of the capability is the virtqueue's is only assumed: %s", (_, edits, elsewhere) => {
    expect(page('vp0', 0, 4096, ...edits)).toMatchObject({ elsewhere });
  });

  test.each([
    [0x4000, 4096, false],
    [0x4004, 4096, true],
    [0x4004, 0, false],
  ])('a capability of %d bytes, multiplier %d: does it end inside of a page', (length, multiplier, raggedEnd) => {
    const edit = capability('vp0', 'notify', { length, notifyOffMultiplier: multiplier });
    expect(page('vp0', 0, 4096, edit)).toMatchObject({ raggedEnd });
  });
});

function isr(offset: number): Edit {
  return capability('vp0', 'isr', { offset, length: 1 });
}
