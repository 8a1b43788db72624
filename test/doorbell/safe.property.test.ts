/**
 * The promise of the tool: `safe` is only ever said where the kernel mapped the page, QEMU can install it, and
 * something vouches for what the page holds. Whatever the facts are.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assessDevice } from '../../src/doorbell/assess.ts';
import { parents, type ParentRow } from '../../src/doorbell/parents.ts';
import { isKnown, unknown } from '../../src/model/fact.ts';
import type { VirtqueueAssessment } from '../../src/model/generated/assessment.ts';
import type { Host, PciFunction, VdpaDevice, Virtqueue } from '../../src/model/generated/host-report.ts';
import { deviceOf, reportWith } from '../report-builder.ts';

const captured = reportWith();
const why = fc.constantFrom(unknown('EBUSY', 'in use'), unknown('EACCES', 'no'), unknown('not-asked', '--no-open'));

const hosts: fc.Arbitrary<Host> = fc
  .record({
    architecture: fc.constantFrom('x86_64', 'x86_64', 'x86_64', 'x86_64', 'aarch64', 'riscv64'),
    kernelRelease: fc.constantFrom(
      '5.10.223',
      '6.1.176',
      '6.10.9',
      '6.12.74',
      '6.12.107',
      '6.18.15',
      '7.1.8',
      '6.12.0-1-arm64',
      'x',
    ),
    pageSize: fc.oneof({ weight: 6, arbitrary: fc.constant(4096) }, fc.constantFrom(16384, 65536, 1, 0), why),
  })
  .map((changes) => ({ ...captured.host, ...changes }));

// few and near values, so that things do meet in a page
const place = fc.oneof(
  fc.integer({ min: 0, max: 12 }).map((page) => page * 0x1000),
  fc.integer({ min: 0, max: 0xa000 }),
);
const length = fc.constantFrom(0, 1, 2, 4, 0x800, 0x1000, 0x3000, 0x400000);
const capabilityType = fc.constantFrom(
  'common',
  'notify',
  'isr',
  'device',
  'pci',
  'shared-memory',
  'vendor',
  'unknown',
);
const functions: fc.Arbitrary<PciFunction> = fc
  .record({
    bars: fc.oneof(
      {
        weight: 5,
        arbitrary: fc.array(
          fc.record({
            index: fc.constantFrom(0, 4),
            start: fc.constantFrom('0xfe000000', '0xfe008000', '0xfe000800', '0x380000000000'),
            size: fc.constantFrom('0x800000', '0x4000', '0x3800', '0x1000', '0x20'),
            kind: fc.oneof({ weight: 4, arbitrary: fc.constant('memory' as const) }, fc.constant('io' as const)),
          }),
          { minLength: 1, maxLength: 2 },
        ),
      },
      why,
    ),
    capabilities: fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          virtio: fc
            .tuple(
              fc.oneof(
                fc.array(fc.record({ type: capabilityType, bar: fc.constantFrom(0, 4), offset: place, length }), {
                  maxLength: 5,
                }),
                // as devices have it: below the doorbells
                fc.constant([{ type: 'common' as const, bar: 4, offset: 0, length: 56 }]),
              ),
              fc.record({ offset: place, length, multiplier: fc.constantFrom(0, 2, 4, 4096, 4096, 4096, 8192, 65536) }),
            )
            .map(([others, { multiplier, ...notify }]) => [
              { type: 'notify' as const, bar: 4, ...notify, notifyOffMultiplier: multiplier },
              ...others,
            ]),
          msix: fc.option(
            fc.record({
              vectors: fc.integer({ min: 1, max: 2048 }),
              tableBar: fc.constantFrom(0, 4),
              tableOffset: place,
              pbaBar: fc.constantFrom(0, 4),
              pbaOffset: place,
            }),
          ),
        }),
      },
      why,
    ),
  })
  .map((changes) => ({ address: '0000:00:04.0', vendor: '0x1af4', device: '0x1041', ...changes }));

const doorbell: fc.Arbitrary<Virtqueue['doorbell']> = fc.oneof(
  { weight: 4, arbitrary: fc.constant('mapped' as const) },
  fc.constantFrom('ENOTSUPP', 'EINVAL', 'ENOMEM').map((refused) => ({ refused })),
  why,
);

const vp0 = deviceOf(captured, 'vp0');
const { negotiation } = vp0.identity;
const driver = fc.constantFrom(...parents.map((row) => row.driver), 'newdpa', null);
const devices: fc.Arbitrary<VdpaDevice> = fc
  .record({
    parent: fc.oneof(
      driver.map((name) => ({ bus: 'pci', name: '0000:00:04.0', driver: name })),
      fc.constant(null),
      why,
    ),
    managementDevice: fc.oneof(fc.constantFrom('vdpasim_net', 'vduse', 'pci/0000:00:04.0'), why),
    pci: fc.oneof(
      { weight: 6, arbitrary: functions },
      { weight: 2, arbitrary: fc.constant(vp0.pci) },
      fc.constant(null),
      why,
    ),
    virtqueues: fc.oneof(
      {
        weight: 9,
        arbitrary: fc
          .array(doorbell, { maxLength: 6 })
          .map((all) => all.map((answer, index) => ({ index, doorbell: answer }))),
      },
      why,
    ),
  })
  .chain((changes) =>
    fc
      .record({
        open: fc.oneof({ weight: 12, arbitrary: fc.constant('opened' as const) }, why),
        negotiation: fc.oneof({ weight: 12, arbitrary: fc.constant(negotiation) }, why),
        vqCount: fc.oneof(
          { weight: 12, arbitrary: fc.constant(isKnown(changes.virtqueues) ? changes.virtqueues.length : 3) },
          fc.integer({ min: 0, max: 7 }),
          why,
        ),
      })
      .map(({ open, ...identity }) => ({
        ...vp0,
        ...changes,
        open,
        identity: { ...vp0.identity, ...identity },
      })),
  );

/** What an operator may claim: anything, for any driver or device. */
const ownRows: fc.Arbitrary<ParentRow[]> = fc.array(
  fc
    .record(
      {
        driver: fc.constantFrom('newdpa', 'newdpa', 'vp-vdpa', 'octep_vdpa', 'mlx5_core', 'vdpasim_net', 'ifcvf'),
        device: fc.constantFrom('vp0', 'other'),
        kernels: fc.constantFrom({ from: '6.12' }, { before: '6.12' }, { from: '6.12', upstream: true as const }),
        area: fc.constantFrom('none', 'virtio-notify-capability', 'page-per-vq', 'shared-page', 'unknown'),
        controlArea: fc.constantFrom('as-data', 'none'),
        size: fc.constantFrom('multiplier', 'multiplier-or-host-page', 'multiplier-or-4096', 'host-page'),
        exclusive: fc.constantFrom('yes', 'yes', 'no', 'pci-config', 'unknown'),
        source: fc.constant('vendor manual, page 7'),
      },
      { requiredKeys: ['driver', 'exclusive', 'source'] },
    )
    .map((row) => row as ParentRow),
  { maxLength: 3 },
);

/** Whether two ranges of one BAR share a byte. */
const meet = (from: number, length_: number, page: number) =>
  length_ > 0 && from < page + 4096 && from + length_ > page;

/** Written without looking at src/doorbell/pci-layout.ts: is there anything else in any page that may be the doorbell's? */
function vouchedForByPci(device: VdpaDevice): boolean {
  const { pci } = device;
  if (!isKnown(pci) || pci === null || !isKnown(pci.capabilities) || !isKnown(pci.bars)) return false;
  const { virtio, msix } = pci.capabilities;
  const all = virtio.filter(({ type }) => type === 'notify');
  const [notify] = all;
  if (!notify || all.some((one) => JSON.stringify(one) !== JSON.stringify(notify))) return false;
  const bar = pci.bars.find((candidate) => candidate.index === notify.bar);
  if (bar?.kind !== 'memory') return false;
  const pages = notify.notifyOffMultiplier === 0 ? 1 : notify.length / 4096;
  if (pages < 1 || !Number.isInteger(pages) || notify.length < 4096) return false;
  const clean = (page: number): boolean =>
    (Number(bar.start) + page) % 4096 === 0 &&
    page + 4096 <= Number(bar.size) &&
    !virtio.some(
      (cap) =>
        cap.type !== 'notify' && cap.type !== 'pci' && cap.bar === bar.index && meet(cap.offset, cap.length, page),
    ) &&
    !(msix !== null && msix.tableBar === bar.index && meet(msix.tableOffset, msix.vectors * 16, page)) &&
    !(msix !== null && msix.pbaBar === bar.index && meet(msix.pbaOffset, Math.ceil(msix.vectors / 64) * 8, page));
  return Array.from({ length: pages }, (_, page) => notify.offset + page * 4096).every(clean);
}

/** Of a kernel's page at a doorbell: does PCI config space show something else in it, or put the page beyond the BAR? */
function disprovedByPci(device: VdpaDevice, index: number): boolean {
  const { pci } = device;
  if (!isKnown(pci) || pci === null || !isKnown(pci.capabilities) || !isKnown(pci.bars)) return false;
  const { bars } = pci;
  const { virtio, msix } = pci.capabilities;
  const notify = virtio.find(({ type, bar }) => type === 'notify' && bars.some((candidate) => candidate.index === bar));
  const bar = bars.find((candidate) => candidate.index === notify?.bar);
  if (!notify || bar?.kind !== 'memory') return false;
  const page = notify.offset + index * (notify.notifyOffMultiplier ?? 1);
  return (
    page + 4096 > Number(bar.size) ||
    virtio.some(
      (cap) => cap !== notify && cap.type !== 'pci' && cap.bar === bar.index && meet(cap.offset, cap.length, page),
    ) ||
    (msix !== null && msix.tableBar === bar.index && meet(msix.tableOffset, msix.vectors * 16, page)) ||
    (msix !== null && msix.pbaBar === bar.index && meet(msix.pbaOffset, Math.ceil(msix.vectors / 64) * 8, page))
  );
}

describe('whatever the facts are', () => {
  test('safe means: mapped, 4096-byte pages, a sound kernel, and a witness', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(hosts, devices, ownRows, (host, device, rows) => {
        for (const virtqueue of assessDevice(host, device, { parents: rows }).virtqueues) {
          for (const { code } of virtqueue.reasons) seen.add(code);
          if (virtqueue.verdict !== 'safe') continue;
          expect(virtqueue.kernel).toBe('mapped');
          expect(host.pageSize).toBe(4096);
          expect(virtqueue.exclusivity).not.toBe('none');
          expect(host.architecture).not.toBe('riscv64');
          if (host.architecture === 'aarch64') expect(['5.10.223', '6.12.107', '7.1.8']).toContain(host.kernelRelease);
          const rowsOf = parents.filter((row) => isKnown(device.parent) && row.driver === device.parent?.driver);
          expect(rowsOf.every(({ hazard }) => hazard === undefined)).toBe(true);
          expect(device.open).toBe('opened');
          expect(isKnown(device.identity.negotiation)).toBe(true);
          expect(isKnown(device.virtqueues) && device.virtqueues.length).toBe(device.identity.vqCount);
          if (virtqueue.exclusivity === 'pci-config') {
            expect(vouchedForByPci(device)).toBe(true);
            const ties = [...rowsOf, ...rows].filter(({ area }) => area === 'virtio-notify-capability');
            expect(ties.length).toBeGreaterThan(0);
          } else if (virtqueue.exclusivity === 'parent-driver') expect(rowsOf.at(-1)?.area).toBe('shared-page');
          else {
            expect(virtqueue.exclusivity).toBe('operator');
            expect(rows.some(({ exclusive }) => exclusive === 'yes')).toBe(true);
            expect(disprovedByPci(device, virtqueue.index)).toBe(false);
            expect(virtqueue.reasons.some(({ by }) => by === 'operator')).toBe(true);
          }
        }
      }),
      { numRuns: 8000, seed: 1 },
    );
    // the facts are varied enough to reach every reason code
    expect([...seen].sort()).toEqual([
      'doorbell.assumed-notify-off',
      'doorbell.contradiction',
      'doorbell.control-without-area',
      'doorbell.exclusive',
      'doorbell.host-page-not-4096',
      'doorbell.kernel-caching',
      'doorbell.mmap-failed',
      'doorbell.no-area',
      'doorbell.no-page-sized-area',
      'doorbell.not-page-aligned',
      'doorbell.not-tested',
      'doorbell.operator-word',
      'doorbell.page-beyond-bar',
      'doorbell.page-holds-registers',
      'doorbell.page-not-verified',
      'doorbell.page-size-unknown',
      'doorbell.page-undeclared',
      'doorbell.parent-hazard',
      'doorbell.parent-word',
      'doorbell.shared-by-own-virtqueues',
      'doorbell.size-not-page',
      'doorbell.virtqueues-incomplete',
      'doorbell.witness-disproved',
    ]);
  });

  test("an operator's row never lifts what the kernel, PCI config space or our table shows", () => {
    let lifted = 0;
    fc.assert(
      fc.property(hosts, devices, ownRows, (host, device, rows) => {
        const without = assessDevice(host, device);
        const withRows = assessDevice(host, device, { parents: rows });
        for (const [position, { verdict, reasons }] of without.virtqueues.entries()) {
          const now = withRows.virtqueues[position]!;
          if (verdict === 'unsafe') expect(now.verdict).toBe('unsafe');
          if (verdict === 'unavailable') expect(now.verdict).toBe('unavailable');
          if (verdict !== 'unknown' || now.verdict !== 'safe') continue;
          lifted++;
          // only what nothing vouched for can become safe by the operator's word, and the verdict says so
          expect(now.exclusivity).toBe('operator');
          expect(['doorbell.page-not-verified', 'doorbell.page-undeclared']).toContain(reasons[0]?.code);
        }
      }),
      { numRuns: 8000, seed: 4 },
    );
    expect(lifted).toBeGreaterThan(10);
  });

  test('of a page size that the kernel was not asked with nothing is called safe', () => {
    fc.assert(
      fc.property(hosts, devices, ownRows, (host, device, rows) => {
        const { verdict, pageSizes } = assessDevice(host, device, { parents: rows });
        expect(pageSizes.map(({ pageSize }) => pageSize)).toEqual(
          expect.arrayContaining([4096, 16384, 65536]) as number[],
        );
        for (const outlook of pageSizes) {
          expect(outlook.ofThisHost).toBe(outlook.pageSize === host.pageSize);
          if (outlook.ofThisHost) expect(outlook.verdict).toBe(verdict);
          else expect(outlook.verdict).not.toBe('safe');
          expect(outlook.qemuInstalls).toBe(outlook.pageSize === 4096);
          if (!outlook.ofThisHost && outlook.pageSize !== 4096) expect(outlook.verdict).toBe('unavailable');
        }
      }),
      { numRuns: 2000, seed: 5 },
    );
  });

  test('a doorbell that was refused or not asked for is never safe, and every verdict has a reason', () => {
    const kernelOf = ({ doorbell: answer }: Virtqueue) =>
      answer === 'mapped' ? 'mapped' : 'refused' in answer ? answer.refused : answer.unknown;
    fc.assert(
      fc.property(hosts, devices, (host, device) => {
        const assessment = assessDevice(host, device);
        const facts = isKnown(device.virtqueues) ? device.virtqueues : [];
        expect(assessment.virtqueues.map(({ index, kernel }) => ({ index, kernel }))).toEqual(
          facts.map((fact) => ({ index: fact.index, kernel: kernelOf(fact) })),
        );
        for (const [position, { verdict, reasons }] of assessment.virtqueues.entries()) {
          const fact = facts[position]!.doorbell;
          if (fact !== 'mapped') expect(verdict).not.toBe('safe');
          if (fact !== 'mapped') expect(verdict).not.toBe('unsafe');
          if (typeof fact === 'object' && 'unknown' in fact) expect(verdict).toBe('unknown');
          expect(reasons.length).toBeGreaterThan(0);
          expect(reasons.every(({ message }) => message.length > 10)).toBe(true);
        }
      }),
      { numRuns: 2000, seed: 2 },
    );
  });

  test('a device is safe only where every data virtqueue is', () => {
    fc.assert(
      fc.property(hosts, devices, (host, device) => {
        const { verdict, virtqueues, expectedHostNotifiers } = assessDevice(host, device);
        const data = virtqueues.filter((virtqueue) => virtqueue.role !== 'control');
        const safe = (virtqueue: VirtqueueAssessment) => virtqueue.verdict === 'safe';
        if (verdict === 'safe') expect(data.length > 0 && data.every(safe)).toBe(true);
        for (const index of [...expectedHostNotifiers.netdev, ...expectedHostNotifiers.device]) {
          expect(virtqueues.find((virtqueue) => virtqueue.index === index)?.kernel).toBe('mapped');
        }
      }),
      { numRuns: 2000, seed: 3 },
    );
  });
});
