/** A view that is remembered for a kind of device is the one that each device of it would get by itself. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DoorbellViews } from '../../src/baseline/doorbell-view.ts';
import { kernels, parents } from '../../src/doorbell/parents.ts';
import type { HostReport, PciFunction, Unknown, VdpaDevice, Virtqueue } from '../../src/model/generated/host-report.ts';
import type { ParentRow } from '../../src/model/generated/parent-knowledge.ts';
import { reportWith } from '../report-builder.ts';

type Change = (report: HostReport, device: VdpaDevice) => void;

const no = { unknown: 'EACCES', detail: 'no' };
const bounds = [
  ...Object.values(kernels).flatMap(({ sound, affected }) => [...sound, ...affected]),
  ...parents.flatMap((row) => row.kernels ?? []),
].flatMap(({ from, before }) => [from ?? [], before ?? []].flat());
const releases = [...new Set([...bounds, '6.12.1', '6.1.0-40-amd64', '5.14.0-427.el9', '9.9.9', 'none', '6.12.80+'])];
const drivers = [...new Set(parents.map(({ driver }) => driver)), 'other', 'null'];

function ofPci(change: (pci: PciFunction) => unknown): Change {
  return (_, { pci }) => {
    if (pci && !('unknown' in pci)) change(pci);
  };
}

function ofCapabilities(change: (capabilities: Exclude<PciFunction['capabilities'], Unknown>) => unknown): Change {
  return ofPci(({ capabilities }) => {
    if (!('unknown' in capabilities)) change(capabilities);
  });
}

const changes: Change[] = [
  ...releases.map(
    (release): Change =>
      ({ host }) =>
        void (host.kernelRelease = release),
  ),
  ({ host }) => void (host.kernelVersion = '#1 SMP Debian 6.1.176-1'),
  ...['x86_64', 'aarch64'].map(
    (name): Change =>
      ({ host }) =>
        void (host.architecture = name),
  ),
  ...[4096, 16384, 65536, no].map(
    (size): Change =>
      ({ host }) =>
        void (host.pageSize = size),
  ),
  ...drivers.map((driver): Change => (_, device) => {
    device.parent = { bus: 'pci', name: '0000:00:04.0', driver };
  }),
  ...[null, no].map(
    (parent): Change =>
      (_, device) =>
        void (device.parent = parent),
  ),
  ...['vdpasim_net', 'null', no].map(
    (name): Change =>
      (_, device) =>
        void (device.managementDevice = name),
  ),
  (_, device) => void (device.name = 'vdpa7'),
  ...['VIRTIO_NET_F_MQ', 'VIRTIO_NET_F_CTRL_VQ'].map((name): Change => (_, { identity }) => {
    const set = identity.features;
    if ('names' in set)
      set.names = set.names.includes(name) ? set.names.filter((one) => one !== name) : [...set.names, name];
  }),
  ...(['features', 'negotiation', 'backendFeatures', 'config', 'virtioId', 'vqCount'] as const).map(
    (key): Change =>
      (_, { identity }) =>
        void (identity[key] = no),
  ),
  (_, device) => void (device.open = no),
  ...[2, 4].map(
    (count): Change =>
      (_, { identity }) =>
        void (identity.vqCount = count),
  ),
  (_, { identity }) => void (identity.config = { class: 'net', maxVirtqueuePairs: 2 }),
  ...['mapped' as const, ...['EINVAL', 'ENOTSUPP', 'ENXIO'].map((refused) => ({ refused })), no].flatMap((doorbell) =>
    [0, 1, 2].map((index): Change => (_, { virtqueues }) => {
      if (Array.isArray(virtqueues) && virtqueues[index]) virtqueues[index].doorbell = doorbell;
    }),
  ),
  ...[[], no].map(
    (virtqueues): Change =>
      (_, device) =>
        void (device.virtqueues = virtqueues),
  ),
  ...[null, no].map(
    (pci): Change =>
      (_, device) =>
        void (device.pci = pci),
  ),
  ofPci((pci) => (pci.capabilities = no)),
  ofPci((pci) => (pci.bars = no)),
  ...[0, 4, 4096, 65536].map((multiplier) =>
    ofCapabilities(({ virtio }) => {
      for (const capability of virtio) if (capability.type === 'notify') capability.notifyOffMultiplier = multiplier;
    }),
  ),
  ofCapabilities(({ virtio }) => {
    for (const capability of virtio) delete capability.notifyOffMultiplier;
  }),
  ...(['bar', 'offset', 'length'] as const).flatMap((key) =>
    [0, 1, 2, 3].map((at) =>
      ofCapabilities(({ virtio }) => {
        const capability = virtio[at];
        if (capability) capability[key] += key === 'bar' ? 1 : 0x800;
      }),
    ),
  ),
  ofCapabilities((capabilities) => (capabilities.msix = null)),
  ...(['start', 'size'] as const).map((key) =>
    ofPci(({ bars }) => {
      if (Array.isArray(bars)) for (const bar of bars) bar[key] = '0xfe000800';
    }),
  ),
];

const driver =
  (name: string): Change =>
  (_, device) => {
    device.parent = { bus: 'pci', name: '0000:00:04.0', driver: name };
  };
const controlIs =
  (doorbell: Virtqueue['doorbell']): Change =>
  (_, { virtqueues }) => {
    const control = Array.isArray(virtqueues) ? virtqueues[2] : undefined;
    if (control) control.doorbell = doorbell;
  };

/** Where one thing more makes another verdict, in which chance would seldom end. */
const telling: [Change[], number][] = [
  [[driver('other'), ofCapabilities(({ virtio }) => virtio.splice(0))], 2],
  [[driver('other')], 3],
  [[controlIs({ refused: 'ENXIO' })], 2],
  [[controlIs({ refused: 'EINVAL' }), driver('mlx5_core')], 2],
  [[driver('mlx5_core')], 2],
];

const row: ParentRow = {
  driver: 'other',
  exclusive: 'yes',
  area: 'virtio-notify-capability',
  usesVirtualAddress: false,
  accepts: [],
  source: 'me',
};
const rows: Record<string, readonly ParentRow[]> = {
  none: [],
  'the operator vouches for one device and some kernels': [
    { ...row, device: 'vdpa7' },
    { ...row, driver: 'null', exclusive: 'no', kernels: { from: '6.12.3' } },
  ],
};

test.each(Object.entries(rows))('rows: %s', (_, own) => {
  const options = { parents: own };
  const kinds = new Set<string>();
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...changes), { maxLength: 4 }), fc.constantFrom(1, 2, 2, 2, 3), (some, at) => {
      const base = reportWith();
      for (const change of some) change(base, base.devices[at]!);
      const shared = new DoorbellViews(options);
      shared.of(base, base.devices[at]!);
      // devices that differ in one thing from it: those are the ones that could be taken for it
      for (const change of changes) {
        const report = structuredClone(base);
        const device = report.devices[at]!;
        change(report, device);
        const { kind } = new DoorbellViews(options).of(report, device);
        kinds.add(kind);
        if (shared.of(report, device).kind !== kind)
          throw new Error(`taken for another: ${[...some, change].map(String).join('; ')}`);
      }
    }),
    { numRuns: 25, seed: 5, examples: telling },
  );
  expect(kinds.size).toBe(4);
});

test('the reason is that of the first device of a kind', () => {
  const views = new DoorbellViews({});
  const report = reportWith();
  const device = report.devices[2]!;
  const view = views.of(report, device);
  report.host.kernelVersion = '#2 SMP';
  report.host.name = 'other';
  expect(views.of(report, device)).toBe(view);
});
