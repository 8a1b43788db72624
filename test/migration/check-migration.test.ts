import { describe, expect, test } from 'vitest';
import { checkMigration } from '../../src/migration/check-migration.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import { unknown } from '../../src/model/fact.ts';
import {
  busy,
  capability,
  device,
  doorbells,
  host,
  identity,
  netConfig,
  onDevice,
  qemu,
  queuePairs,
  refused,
  reportWith,
  virtqueuesOf,
  withFeature,
  withoutQemu,
  type Edit,
} from '../report-builder.ts';
import {
  changed,
  check,
  guestOn,
  offers,
  only,
  reasons,
  running,
  simGuest,
  simHost,
  there,
  vpGuest,
  vpHost,
} from './migrating.ts';

const sim = 0x308830028n;
const why = unknown('EACCES', 'may not be read');

describe('verdicts', () => {
  test('between equal devices the guest can migrate', () => {
    const found = check(simGuest, simHost(there));
    expect(reasons(found)).toEqual([]);
    expect(found).toMatchObject({
      host: 'l2',
      verdict: 'can',
      summary: 'the guest can migrate, and keeps all that it has',
      devices: [{ id: 'net0', vdpa: 'sim0', charDevice: '/dev/vhost-vdpa-2', chosenBy: 'only', candidates: ['sim0'] }],
    });
  });

  test('without a report of the source, what depends on it is unknown, not fine', () => {
    const found = check(simGuest, simHost(there), {});
    expect(found.verdict).toBe('unknown');
    expect(reasons(found)).toEqual([
      'unknown migration.qemu-too-old',
      'unknown migration.shadow-virtqueues-refused',
      'unknown migration.no-suspend',
      'unknown migration.feature-missing',
      'unknown migration.control-state-lost',
    ]);
  });

  test('many destinations at once: the worst counts, each is told', () => {
    const result = checkMigration(simGuest, [simHost(there), simHost(busy('sim0'))], { from: simHost() });
    expect(result.verdict).toBe('cannot');
    expect(result.destinations.map(({ host: name, verdict }) => [name, verdict])).toEqual([
      ['l2', 'can'],
      ['l1', 'cannot'],
    ]);
  });

  test('a fatal finding outweighs an unknown one, and that outweighs a loss', () => {
    const lossy = vpHost(there);
    expect(check(vpGuest, lossy, { from: vpHost() }).verdict).toBe('can-with-loss');
    expect(check(vpGuest, vpHost(there, identity('vp0', { features: why })), { from: vpHost() }).verdict).toBe(
      'unknown',
    );
    expect(check(vpGuest, vpHost(there, busy('vp0')), { from: vpHost() }).verdict).toBe('cannot');
  });

  test('a guest without vDPA devices needs no report of the source', () => {
    const none = guestOn(simHost(), 'interfaces: []\n');
    expect(check(none, simHost(there), {})).toMatchObject({ verdict: 'can', devices: [] });
  });
});

describe('which device the guest would get', () => {
  const two = reportWith(host({ lockedMemoryLimit: 'unlimited' }), there, (report) => {
    const [first] = report.devices.filter(({ name }) => name === 'sim0');
    const second = structuredClone(first!);
    second.name = 'sim1';
    second.charDevice = { path: '/dev/vhost-vdpa-7', major: 250, minor: 7 };
    report.devices = [first!, second];
  });
  const options = { from: simHost() };

  test('of several that can serve the first, and all are listed', () => {
    const { devices } = check(simGuest, two, options);
    expect(devices).toMatchObject([{ vdpa: 'sim0', chosenBy: 'any', candidates: ['sim0', 'sim1'] }]);
  });

  test('the only one that can serve, though another is there', () => {
    const one = structuredClone(two);
    busy('sim0')(one);
    const found = check(simGuest, one, options);
    expect(found).toMatchObject({
      verdict: 'can',
      devices: [{ vdpa: 'sim1', chosenBy: 'only', candidates: ['sim1'] }],
    });
  });

  test('the caller, the spec and the destination configuration name it, the last first', () => {
    expect(check(simGuest, two, { ...options, devices: { net0: 'sim1' } }).devices).toMatchObject([
      { vdpa: 'sim1', chosenBy: 'option' },
    ]);
    expect(
      check(simGuest, two, { ...options, references: { net0: { l2: '/dev/vhost-vdpa-7' } } }).devices,
    ).toMatchObject([{ vdpa: 'sim1', chosenBy: 'name' }]);
    expect(check(simGuest, two, { ...options, references: { net0: 'sim1' } }).devices).toMatchObject([
      { vdpa: 'sim1' },
    ]);
    expect(check(simGuest, two, { ...options, references: { net0: { other: 'sim1' } } }).devices).toMatchObject([
      { chosenBy: 'any' },
    ]);
    const target = changed(
      simGuest,
      ({ binding }) => void Object.assign(binding.devices[0]!, { vdpa: null, charDevice: '/dev/vhost-vdpa-7' }),
    );
    expect(check(simGuest, two, { ...options, with: target, devices: { net0: 'sim0' } }).devices).toMatchObject([
      { vdpa: 'sim1', chosenBy: 'with' },
    ]);
  });

  test('two guest devices never share one', () => {
    const pair = changed(simGuest, ({ guest, binding }) => {
      guest.interfaces.push({ ...structuredClone(guest.interfaces[0]!), id: 'net1', address: '03.0/00.0' });
      binding.devices.push({ ...structuredClone(binding.devices[0]!), device: '/interfaces/1', id: 'net1' });
    });
    expect(check(pair, two, options).devices.map(({ vdpa }) => vdpa)).toEqual(['sim0', 'sim1']);
    const found = check(pair, simHost(there), options);
    expect(found.devices.map(({ vdpa }) => vdpa)).toEqual(['sim0', null]);
    expect(reasons(found)).toContain('no-start migration.device-missing');
  });
});

/** One row per thing that decides: an edit of the destination, of the source, or of the guest. */
const rows: readonly {
  readonly what: string;
  readonly to?: readonly Edit[];
  readonly from?: readonly Edit[];
  readonly guest?: (copy: GuestConfiguration) => void;
  readonly found: readonly string[];
}[] = [
  { what: 'no device', to: [(report) => void (report.devices = [])], found: ['no-start migration.device-missing'] },
  {
    what: 'class unknown',
    to: [identity('sim0', { virtioId: why })],
    found: [
      'unknown migration.control-state-lost',
      'unknown migration.device-class',
      'unknown migration.queue-pairs-differ',
    ],
  },
  { what: 'not bound', to: [device('sim0', { charDevice: null })], found: ['no-start migration.device-not-bound'] },
  {
    what: 'not known whether bound',
    to: [device('sim0', { charDevice: why })],
    found: ['unknown migration.device-not-bound'],
  },
  { what: 'busy', to: [device('sim0', { open: unknown('EBUSY', 'busy') })], found: ['no-start migration.device-busy'] },
  {
    what: 'not opened, and a driver has negotiated',
    to: [device('sim0', { open: unknown('not-asked', '--no-open') })],
    found: ['no-start migration.device-busy'],
  },
  {
    what: 'not opened, and not known to be in use',
    to: [device('sim0', { open: unknown('not-asked', '--no-open') }), identity('sim0', { negotiation: why })],
    found: ['unknown migration.device-busy'],
  },
  {
    what: 'no coherent IOMMU',
    to: [device('sim0', { open: unknown('ENOTSUPP', 'no IOMMU') })],
    found: ['no-start migration.device-unusable'],
  },
  { what: 'more features', to: [offers('sim0', sim | 1n)], found: [] },
  { what: 'fewer features', to: [offers('sim0', sim & ~(1n << 16n))], found: ['unknown migration.feature-missing'] },
  {
    what: 'features not known',
    to: [identity('sim0', { features: why })],
    found: ['unknown migration.control-state-lost', 'unknown migration.feature-missing'],
  },
  {
    what: 'a switch of the NIC not known',
    guest: ({ guest }) => void (guest.interfaces[0]!.iommuPlatform = why),
    found: ['unknown migration.feature-missing'],
  },
  {
    what: 'MAC not readable',
    to: [identity('sim0', { config: why })],
    found: ['unknown migration.mac-differs'],
  },
  {
    what: 'MAC of nobody known',
    from: [identity('sim0', { config: why })],
    guest: ({ guest }) => void (guest.interfaces[0]!.mac = why),
    found: ['unknown migration.mac-differs'],
  },
  {
    what: 'other MTU, and the guest is offered one',
    to: [netConfig('sim0', { mtu: 1400 })],
    guest: ({ guest }) => void (guest.interfaces[0]!.mtu = 1500),
    found: ['state-lost migration.mtu-differs'],
  },
  { what: 'other MTU, and the guest is offered none', to: [netConfig('sim0', { mtu: 1400 })], found: [] },
  {
    what: 'virtqueues missing',
    from: [queuePairs('sim0', 2), identity('sim0', { vqCount: 3 })],
    to: [queuePairs('sim0', 2), identity('sim0', { vqCount: 3 })],
    found: [
      'no-start migration.virtqueues-missing',
      'state-lost migration.control-state-lost',
      'state-lost migration.control-state-lost',
    ],
  },
  {
    what: 'rings too large, and not so at the source',
    from: [identity('sim0', { vqSizeMax: 1024 })],
    guest: ({ guest }) => void (guest.interfaces[0]!.rxQueueSize = 1024),
    found: ['unknown migration.ring-size'],
  },
  {
    what: 'control virtqueue in the group of the data',
    to: [shared()],
    found: ['state-lost migration.control-state-lost'],
  },
  {
    what: 'one address space',
    from: [identity('sim0', { addressSpaceCount: 1 })],
    found: ['state-lost migration.control-state-lost'],
  },
  { what: 'no SUSPEND', from: [backend('VHOST_BACKEND_F_SUSPEND')], found: ['state-lost migration.no-suspend'] },
  {
    what: 'SUSPEND not known',
    from: [identity('sim0', { backendFeatures: why })],
    found: ['unknown migration.control-state-lost', 'unknown migration.no-suspend'],
  },
  {
    what: 'features that shadow virtqueues refuse at the source',
    from: [withFeature('sim0', 'VIRTIO_F_IN_ORDER'), offers('sim0', sim | (1n << 35n))],
    to: [offers('sim0', sim | (1n << 35n))],
    found: ['refused migration.shadow-virtqueues-refused', 'state-lost migration.control-state-lost'],
  },
  {
    what: 'features that they demand',
    from: [offers('sim0', sim & ~(1n << 33n))],
    found: ['refused migration.shadow-virtqueues-refused'],
  },
  {
    what: 'source features not known',
    from: [identity('sim0', { features: why })],
    found: [
      'unknown migration.control-state-lost',
      'unknown migration.feature-missing',
      'unknown migration.shadow-virtqueues-refused',
    ],
  },
  {
    what: 'QEMU 7.2 at the source',
    from: [qemu({ version: '7.2.22' })],
    found: ['refused migration.qemu-too-old'],
  },
  { what: 'QEMU 8.1 at the source', from: [qemu({ version: '8.1.0' })], found: ['refused migration.qemu-too-old'] },
  {
    what: 'QEMU 8.1 at the source, without a control virtqueue',
    from: [qemu({ version: '8.1.0' }), offers('sim0', 0x308010028n)],
    to: [offers('sim0', 0x308010028n)],
    found: [],
  },
  {
    what: 'QEMU 8.1 at the source, features not known',
    from: [qemu({ version: '8.1.0' }), identity('sim0', { features: why })],
    found: [
      'unknown migration.control-state-lost',
      'unknown migration.feature-missing',
      'unknown migration.qemu-too-old',
      'unknown migration.shadow-virtqueues-refused',
    ],
  },
  { what: 'QEMU of nobody knows what at the source', from: [withoutQemu], found: ['unknown migration.qemu-too-old'] },
  {
    what: 'a QEMU that was not read',
    from: [qemu({ version: '12.0.0' }), offers('sim0', sim | (1n << 28n))],
    to: [qemu({ version: '12.0.0' }), offers('sim0', sim | (1n << 28n))],
    found: ['unknown migration.shadow-virtqueues-refused'],
  },
  { what: 'older QEMU at the destination', to: [qemu({ version: '9.2.0' })], found: ['unknown migration.qemu-older'] },
  { what: 'older by the last number only', to: [qemu({ version: '10.0.2' })], found: [] },
  {
    what: 'QEMU 8.0 at the destination',
    to: [qemu({ version: '8.0.0' })],
    found: ['unknown migration.qemu-older', 'state-lost migration.control-state-partly-lost'],
  },
  { what: 'no QEMU at the destination', to: [withoutQemu], found: ['unknown migration.qemu-unknown'] },
  {
    what: 'no machine type',
    to: [machines({ name: 'pc-q35-9.2', deprecated: false })],
    found: ['no-start migration.machine-missing'],
  },
  {
    what: 'machine type without a version',
    to: [machines({ name: 'q35', deprecated: false })],
    guest: ({ guest }) => void (guest.machine = 'q35'),
    found: ['unknown migration.machine-missing'],
  },
  {
    what: 'machine type not known',
    guest: ({ guest }) => void (guest.machine = why),
    found: ['unknown migration.machine-missing'],
  },
  { what: 'deprecated machine type', to: [machines({ name: 'pc-q35-10.0', deprecated: true })], found: [] },
  {
    what: 'too many CPUs',
    to: [machines({ name: 'pc-q35-10.0', deprecated: false, cpuMax: 1 })],
    guest: ({ guest }) => void (guest.cpu.count = 2),
    found: ['no-start migration.cpus-too-many'],
  },
  { what: 'no vhost-vdpa', to: [qemu({ netdevVhostVdpa: null })], found: ['no-start migration.qemu-lacks-vhost-vdpa'] },
  {
    what: 'a property that the QEMU there lacks',
    guest: ({ guest }) => void (guest.interfaces[0]!.properties = { in_future: true }),
    found: ['no-start migration.property-missing'],
  },
  { what: 'another architecture', to: [qemu({ target: 'aarch64' })], found: ['no-start migration.accelerator'] },
  {
    what: 'KVM, and none there',
    guest: ({ binding }) => void (binding.accelerator = 'kvm'),
    found: ['no-start migration.accelerator'],
  },
  {
    what: 'KVM, and that not known',
    to: [host({ kvm: why })],
    guest: ({ binding }) => void (binding.accelerator = 'kvm'),
    found: ['unknown migration.accelerator'],
  },
  {
    what: 'KVM at both',
    to: [host({ kvm: true })],
    guest: ({ binding }) => void (binding.accelerator = 'kvm'),
    found: [],
  },
  {
    what: 'accelerator not known',
    guest: ({ binding }) => void (binding.accelerator = why),
    found: ['unknown migration.accelerator'],
  },
  { what: 'CPU model host on equal CPUs', guest: ({ guest }) => void (guest.cpu.model = 'host'), found: [] },
  // more of them in cpu.test.ts
  {
    what: 'CPU model host on others',
    to: [host({ kvm: true, cpu: { vendor: 'GenuineIntel', model: 'Xeon', count: 2 } })],
    guest: ({ guest, binding }) => {
      guest.cpu.model = 'host,vmx=off';
      binding.accelerator = 'kvm';
    },
    found: ['unknown migration.cpu-host-model'],
  },
  {
    what: 'private memory',
    guest: ({ binding }) => void (binding.memoryShared = false),
    found: ['state-lost migration.memory-not-shared'],
  },
  {
    what: 'memory not known',
    guest: ({ binding }) => void (binding.memoryShared = why),
    found: ['unknown migration.memory-not-shared'],
  },
  {
    what: 'a small IOVA range',
    to: [identity('sim0', { iovaRange: { first: '0x0', last: '0xffff' } })],
    found: ['state-lost migration.iova-range'],
  },
];

const moreRows: typeof rows = [
  {
    what: 'switches as QEMU writes them',
    guest: ({ guest }) => void (guest.interfaces[0]!.properties = { status: 'on', ctrl_vq: 'off' }),
    found: [],
  },
  {
    what: 'host_mtu not known',
    guest: ({ guest }) => void (guest.interfaces[0]!.mtu = why),
    found: ['unknown migration.feature-missing'],
  },
  {
    what: 'an MTU, and no report of the source tells its',
    from: [netConfig('sim0', { mtu: undefined })],
    guest: ({ guest }) => void (guest.interfaces[0]!.mtu = 9000),
    found: ['state-lost migration.mtu-differs'],
  },
  { what: 'memory size not known', guest: ({ guest }) => void (guest.memoryBytes = why), found: [] },
  {
    what: 'IOVA range not known',
    to: [identity('sim0', { iovaRange: why })],
    found: [],
  },
  {
    what: 'a back end that is not known may be vhost-vdpa',
    guest: ({ binding }) => void (binding.devices[0]!.backend = why),
    found: [],
  },
  {
    what: 'a guest device without an id',
    to: [device('sim0', { charDevice: null })],
    guest: ({ guest, binding }) => {
      guest.interfaces[0]!.id = null;
      binding.devices[0]!.id = null;
    },
    found: ['no-start migration.device-not-bound'],
  },
  {
    what: 'pairs of a device with VIRTIO_NET_F_MQ, whose number is not known',
    to: [offers('sim0', sim | (1n << 22n)), identity('sim0', { config: why })],
    found: [
      'unknown migration.queue-pairs-differ',
      'unknown migration.mac-differs',
      'unknown migration.control-state-lost',
    ],
  },
  {
    what: 'no machine type of the family',
    to: [machines({ name: 'virt-10.0', deprecated: false })],
    found: ['no-start migration.machine-missing'],
  },
  {
    what: 'QEMU 8.1 at the destination',
    to: [qemu({ version: '8.1.0' })],
    found: ['unknown migration.qemu-older', 'state-lost migration.control-state-partly-lost'],
  },
  {
    what: 'KVM, on an architecture that is not known',
    to: [host({ kvm: true })],
    guest: ({ guest, binding }) => {
      binding.accelerator = 'kvm';
      guest.architecture = why;
    },
    found: [],
  },
];

function shared(): Edit {
  return onDevice('sim0', (found) => {
    for (const virtqueue of virtqueuesOf(found)) virtqueue.group = 0;
  });
}

function backend(without: string): Edit {
  return onDevice('sim0', ({ identity: { backendFeatures } }) => {
    if ('names' in backendFeatures) backendFeatures.names = backendFeatures.names.filter((name) => name !== without);
  });
}

function machines(...list: { name: string; deprecated: boolean; cpuMax?: number }[]): Edit {
  return qemu({ machines: list });
}

describe('rules', () => {
  test.each([...rows, ...moreRows])('$what', ({ to = [], from = [], guest, found }) => {
    const source = guest ? changed(simGuest, guest) : simGuest;
    const result = check(source, simHost(there, ...to), { from: simHost(...from) });
    expect(reasons(result).sort()).toEqual([...found].sort());
  });

  test('a guest that runs tells its features itself', () => {
    const lacking = simHost(there, offers('sim0', sim & ~(1n << 16n)));
    expect(reasons(check(running(simGuest, 0x100830020n), lacking))).toEqual(['lost migration.feature-missing']);
    expect(reasons(check(running(simGuest, 0x100820020n), lacking))).toEqual([]);
    expect(check(running(simGuest, 0x100830020n), lacking).findings[0]!.message).toBe(
      'net0: the guest took STATUS, and sim0 does not offer that at the destination',
    );
  });

  test('a QEMU that runs tells itself why it refuses', () => {
    const found = check(running(simGuest, 0x100830020n, ['too old']), simHost(there));
    expect(reasons(found)).toEqual(['refused migration.blocked']);
    expect(found.summary).toBe('QEMU refuses to begin, and the guest stays: QEMU refuses: too old');
  });

  test('what QEMU offers by itself is never missing', () => {
    const without = simHost(there, offers('sim0', sim & ~(1n << 5n)));
    expect(reasons(check(running(simGuest, 0x100a30020n), without))).toEqual([]);
  });

  test('a device of another class, where it is named', () => {
    const block = reportWith(host({ lockedMemoryLimit: 'unlimited' }), only('blk0'), there);
    const found = check(simGuest, block, { from: simHost(), devices: { net0: 'blk0' } });
    expect(reasons(found)).toContain('no-start migration.device-class');
    expect(found.summary).toContain('the destination does not start, and the guest stays');
  });

  test('MAC and queue pairs of a card are its own', () => {
    const other = vpHost(there, netConfig('vp0', { mac: '52:54:00:0d:0a:0b' }));
    expect(reasons(check(vpGuest, other, { from: vpHost() }))).toContain('state-lost migration.mac-differs');
    const unset = vpHost(there, netConfig('vp0', { mac: '00:00:00:00:00:00' }));
    expect(reasons(check(vpGuest, unset, { from: vpHost() }))).not.toContain('state-lost migration.mac-differs');
    const more = vpHost(there, queuePairs('vp0', 2), offers('vp0', 0x300c78020n));
    expect(reasons(check(vpGuest, more, { from: vpHost() }))).toContain('lost migration.queue-pairs-differ');
    const hidden = changed(vpGuest, ({ guest }) => void (guest.interfaces[0]!.queuePairs = why));
    expect(reasons(check(hidden, vpHost(there), {}))).toContain('unknown migration.queue-pairs-differ');
  });

  test('a card that takes no virtqueue state', () => {
    const found = check(vpGuest, vpHost(there), { from: vpHost() });
    expect(reasons(found)).toContain('state-lost migration.no-virtqueue-state');
  });

  test('locked memory: libvirt raises the limit, who else starts QEMU may not', () => {
    const low = vpHost(there, host({ lockedMemoryLimit: 8 << 20 }));
    expect(reasons(check(vpGuest, low, { from: vpHost() }))).toContain('unknown migration.locked-memory');
    const libvirt = changed(vpGuest, (copy) => void (copy.origin = 'libvirt'));
    expect(reasons(check(libvirt, low, { from: vpHost() }))).not.toContain('unknown migration.locked-memory');
    const simulated = simHost(there, host({ lockedMemoryLimit: 8 << 20 }));
    expect(reasons(check(simGuest, simulated))).toEqual([]);
  });

  test('x-svq: all is shadowed all the time, and the destination must accept it at its start', () => {
    const shadowed = changed(simGuest, ({ binding }) => void (binding.devices[0]!.shadowVirtqueues = true));
    expect(
      reasons(
        check(shadowed, simHost(there, shared()), {
          from: simHost(shared(), qemu({ version: '7.2.0' }), offers('sim0', 0x308830028n)),
        }),
      ),
    ).toEqual([]);
    const refusing = simHost(there, offers('sim0', sim | (1n << 34n)));
    expect(reasons(check(simGuest, refusing, { from: simHost(), with: shadowed }))).toContain(
      'no-start migration.shadow-virtqueues-there',
    );
  });

  test('a vhost-vdpa-device-pci cannot migrate', () => {
    const generic = guestOn(simHost(), 'vdpaDevices: [{id: dev0, vdpa: sim0}]\n');
    const found = check(generic, simHost(there));
    expect(reasons(found)).toEqual(['refused migration.not-migratable']);
  });

  test('a tap device is none of our business', () => {
    const tap = changed(
      simGuest,
      ({ binding }) => void Object.assign(binding.devices[0]!, { backend: 'tap', charDevice: null }),
    );
    expect(check(tap, simHost(there), {})).toMatchObject({ verdict: 'can', devices: [] });
    const unsaid = changed(simGuest, ({ binding }) => void (binding.devices = []));
    expect(check(unsaid, simHost(there), {}).devices).toEqual([]);
  });

  test('the QEMU that the command line names, by path or by a bare name', () => {
    const two = simHost(there, (report) => {
      const [first] = report.qemu;
      const old = structuredClone(first!);
      old.path = '/opt/bin/qemu-old';
      if ('version' in old.capabilities) old.capabilities.version = '9.0.0';
      report.qemu = [first!, old];
    });
    for (const emulator of ['/opt/bin/qemu-old', 'qemu-old']) {
      const guest = changed(simGuest, ({ binding }) => void (binding.emulator = emulator));
      expect(reasons(check(guest, two))).toEqual(['unknown migration.qemu-older']);
    }
    const unnamed = changed(simGuest, ({ binding, guest }) => {
      binding.emulator = null;
      guest.machine = why;
    });
    expect(reasons(check(unnamed, two))).toEqual(['unknown migration.machine-missing']);
  });

  test('a disk: the data, the capacity and the block driver', () => {
    const blk = (...edits: Edit[]) => reportWith(host({ lockedMemoryLimit: 'unlimited' }), only('blk0'), ...edits);
    const disk = guestOn(blk(), 'disks: [{id: disk0, vdpa: blk0, attach: blockdev}]\n');
    expect(reasons(check(disk, blk(there), { from: blk() }))).toEqual(['unknown migration.disk-content']);
    const small = blk(
      there,
      onDevice('blk0', ({ identity: { config } }) => void Object.assign(config, { capacity: '0x10', blockSize: 4096 })),
    );
    expect(reasons(check(disk, small, { from: blk() }))).toEqual([
      'unknown migration.disk-content',
      'state-lost migration.disk-smaller',
      'state-lost migration.disk-smaller',
    ]);
    expect(reasons(check(disk, blk(there, qemu({ blockdevVirtioBlkVhostVdpa: false })), { from: blk() }))).toContain(
      'no-start migration.qemu-lacks-vhost-vdpa',
    );
    expect(reasons(check(disk, blk(there), {}))).toContain('unknown migration.disk-smaller');
  });
});

describe('host notifiers', () => {
  const none = doorbells('vp0', ...[0, 1, 2].map(() => refused('ENOTSUPP')));

  test('lost: a note with auto, a loss with require', () => {
    const found = check(vpGuest, vpHost(there, none), { from: vpHost() });
    expect(reasons(found)).toContain('none migration.host-notifier-lost');
    const required = check(vpGuest, vpHost(there, none), { from: vpHost(), require: ['net0'] });
    expect(reasons(required)).toContain('state-lost migration.host-notifier-required');
    expect(reasons(required)).not.toContain('none migration.host-notifier-lost');
  });

  test('of a vhost-vdpa-device-pci all are lost with one', () => {
    const generic = guestOn(vpHost(), 'vdpaDevices: [{id: dev0, vdpa: vp0}]\n');
    const oneLess = vpHost(there, doorbells('vp0', 'mapped', 'mapped', refused('ENOTSUPP')));
    const lost = check(generic, oneLess, { from: vpHost() }).findings.find(
      ({ code }) => code === 'migration.host-notifier-lost',
    );
    expect(lost?.evidence).toEqual({ before: 3, after: 0 });
  });

  test('gained: told, and no more', () => {
    const found = check(vpGuest, vpHost(there), { from: vpHost(none) });
    expect(found.findings.map(({ code }) => code)).toContain('migration.host-notifier-gained');
  });

  test('an unsafe doorbell would be given to the guest, an unknown one perhaps', () => {
    const registers = vpHost(there, capability('vp0', 'device', { offset: 0x3008 }));
    expect(reasons(check(vpGuest, registers, { from: vpHost() }))).toContain('state-lost migration.doorbell-unsafe');
    const untested = vpHost(there, device('vp0', { virtqueues: why }));
    expect(reasons(check(vpGuest, untested, { from: vpHost() }))).toContain('unknown migration.doorbell-unknown');
    const off = changed(vpGuest, ({ guest }) => void (guest.interfaces[0]!.pagePerVq = false));
    expect(reasons(check(off, registers, { from: vpHost() }))).not.toContain('state-lost migration.doorbell-unsafe');
  });
});
