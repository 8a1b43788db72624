import { describe, expect, test } from 'vitest';
import validate from '../../src/model/generated/verification.validate.js';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import type { ObservedDevice, ObservedVirtqueue, Observation } from '../../src/model/generated/observation.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { inColour, renderVerification, uncoloured } from '../../src/render/verification-text.ts';
import { driversReady, verifyVm, type VerifyOptions } from '../../src/verify/verify.ts';

const no = { unknown: 'not-asked', detail: 'nobody asked' };
const path = '/machine/peripheral/net0';
const device0 = '/dev/vhost-vdpa-0';

function vq(index: number, role: string, installed = true): ObservedVirtqueue {
  const name = `vhost-vdpa/host-notifier@0x7f mmaps[${index}]`;
  const container = `${path}/virtio-pci-notify-virtio-net[0]`;
  const hostNotifier = installed ? { name, address: index * 4096, size: 4096, container } : null;
  return { index, role, size: 256, ready: true, hostNotifier };
}

const roles = ['rx0', 'tx0', 'control'];
const queues = (...installed: number[]): ObservedVirtqueue[] =>
  roles.map((role, index) => vq(index, role, installed.includes(index)));

function device(more: Partial<ObservedDevice> = {}): ObservedDevice {
  return {
    path,
    id: 'net0',
    frontend: 'virtio-net-pci',
    backend: 'vhost-vdpa',
    attachment: 'netdev',
    deviceClass: 'net',
    netdev: 'hostnet0',
    netdevQueues: 2,
    charDevice: device0,
    pagePerVq: true,
    disableModern: false,
    disableLegacy: 'auto',
    pci: { vendor: 0x1af4, device: 0x1041, modernBar: 0xfe000000 },
    properties: { mac: '52:54:00:0d:0a:00', vectors: 4, parent_bus: '/machine/peripheral/pci.1/pci.1' },
    status: ['ACKNOWLEDGE', 'DRIVER', 'FEATURES_OK', 'DRIVER_OK'],
    guestFeatures: ['VIRTIO_F_VERSION_1', 'VIRTIO_NET_F_CTRL_VQ'],
    hostFeatures: ['VIRTIO_F_VERSION_1'],
    vhostStarted: true,
    shadowVirtqueues: false,
    virtqueueCount: 3,
    virtqueues: queues(),
    ...more,
  };
}

function vm(more: Partial<Observation> = {}, ...devices: ObservedDevice[]): Observation {
  return {
    schemaVersion: 1,
    kind: 'Observation',
    qemu: { version: '10.0.13', package: '' },
    machine: 'pc-q35-10.0',
    runState: 'running',
    migration: { status: null, blockedReasons: [] },
    board: { memoryBytes: 2 ** 28, cpus: 1, uuid: 'A' },
    devices,
    process: null,
    memoryMap: null,
    notes: [],
    ...more,
  };
}

const processView = {
  pid: 7,
  pageSize: 4096,
  doorbells: [
    { device: device0, virtqueue: 0 },
    { device: device0, virtqueue: 1 },
  ],
  devices: [device0],
  netdevs: [],
};

type Doorbell = HostReport['devices'][number]['virtqueues'];

/** A report of a vp_vdpa-like device; `doorbells`: what the kernel said, per virtqueue. */
function report(doorbells: unknown[], more: Record<string, unknown> = {}): HostReport {
  const virtqueues = doorbells.map((doorbell, index) => ({ index, group: 0, doorbell })) as Doorbell;
  return {
    host: { name: 'h', pageSize: 4096, kernelRelease: '6.12.107', architecture: 'x86_64' },
    devices: [
      {
        name: 'vp0',
        charDevice: { path: device0 },
        driver: 'vhost_vdpa',
        parentDriver: more['parent'] ?? 'nobody',
        managementDevice: no,
        pci: null,
        identity: {
          virtioId: 1,
          features: { bits: '0x20000', names: ['VIRTIO_NET_F_CTRL_VQ'] },
          backendFeatures: { bits: '0x8', names: ['VHOST_BACKEND_F_IOTLB_ASID'] },
          addressSpaceCount: 1,
          config: { class: 'net', maxVirtqueuePairs: 1 },
        },
        virtqueues,
        ...more,
      },
    ],
  } as unknown as HostReport;
}

const refused = { refused: 'ENOTSUPP' };

function first(observation: Observation, options: VerifyOptions = {}, index = 0) {
  const result = verifyVm(observation, options);
  expect(validate(result), JSON.stringify(validate.errors)).toBe(true);
  const one = result.devices[0]!.virtqueues[index]!;
  return { verdict: one.verdict, codes: one.reasons.map(({ code }) => code), one, result };
}

describe('a host notifier that is there', () => {
  const up = device({ virtqueues: queues(0, 1) });

  const modern = { vendor: 0x1af4, device: 0x1041, modernBar: 0xfe000000 };
  const memoryMap = [0, 1].map((index) => ({
    name: `vhost-vdpa/host-notifier@0x7f mmaps[${index}]`,
    virtqueue: index,
    start: '0x1',
    kvm: true,
  }));
  const disagreeing = (observation: Observation, index: number): [string, Observation, string, string] => [
    `QEMU should have taken it away (${index})`,
    observation,
    'unknown',
    'verify.witnesses-disagree',
  ];

  test('active, with every witness named', () => {
    const { verdict, one, result } = first(vm({ process: processView, memoryMap }, up));
    expect(verdict).toBe('active');
    expect(one.reasons[0]?.message).toMatch(/installed .* process has mapped .* memory map holds it; KVM/);
    expect(result.devices[0]).toMatchObject({ verdict: 'active', device: 'net0', driverReady: true });
  });

  test.each<[string, Observation, string, string]>([
    ['no witness', vm({}, up), 'active', 'verify.active'],
    ['features unknown, no legacy interface', vm({}, { ...up, guestFeatures: no }), 'active', 'verify.active'],
    [
      'features unknown, transitional',
      vm({}, { ...up, guestFeatures: no, pci: { ...modern, device: 0x1000 } }),
      'unknown',
      'verify.features-unknown',
    ],
    ['BAR 4 not placed', vm({}, { ...up, pci: { ...modern, modernBar: null } }), 'inactive', 'verify.bar-not-decoded'],
    ['BAR 4 not known', vm({}, { ...up, pci: no }), 'unknown', 'verify.bar-unknown'],
    ['BAR 4 not known, memory map', vm({ memoryMap }, { ...up, pci: no }), 'active', 'verify.active'],
    [
      'neither features nor PCI id known',
      vm({ memoryMap }, { ...up, pci: no, guestFeatures: no }),
      'unknown',
      'verify.features-unknown',
    ],
    [
      'legacy interface off',
      vm({ memoryMap }, { ...up, pci: no, guestFeatures: no, disableLegacy: 'on' }),
      'active',
      'verify.active',
    ],
    ...[vm({ runState: 'paused' }, up), vm({ runState: 'unknown' }, up)].map(disagreeing),
    ...[
      { status: [] },
      { vhostStarted: false },
      { pagePerVq: false },
      { disableModern: true },
      { shadowVirtqueues: true },
    ]
      .map((more) => vm({}, { ...up, ...more }))
      .map(disagreeing),
    ...['active', 'colo', 'postcopy-recover-setup']
      .map((status) => vm({ migration: { status, blockedReasons: [] } }, up))
      .map(disagreeing),
    [
      'migration not yet begun',
      vm({ migration: { status: 'setup', blockedReasons: [] } }, up),
      'active',
      'verify.active',
    ],
    ['the guest sleeps', vm({ runState: 'suspended' }, up), 'active', 'verify.active'],
    [
      'a doorbell in an I/O BAR stands first',
      vm({}, { ...up, properties: { 'modern-pio-notify': true } }),
      'unknown',
      'verify.pio-notify',
    ],
    ['legacy driver', vm({}, { ...up, guestFeatures: [] }), 'inactive', 'verify.legacy-driver'],
    ['not mapped', vm({ process: { ...processView, doorbells: [] } }, up), 'unknown', 'verify.witnesses-disagree'],
    ['mappings unknown', vm({ process: { ...processView, doorbells: no } }, up), 'active', 'verify.active'],
    ['not decoded', vm({ memoryMap: [] }, up), 'inactive', 'verify.bar-not-decoded'],
    ...[{ address: 4 }, { size: 8 }, { container: '/machine/else' }, { address: no }].map(
      (wrong): [string, Observation, string, string] => {
        const bad = queues(0, 1).map((one) => ({
          ...one,
          hostNotifier: one.hostNotifier && { ...one.hostNotifier, ...wrong },
        }));
        return [JSON.stringify(wrong), vm({}, { ...up, virtqueues: bad }), 'unknown', 'verify.region-misplaced'];
      },
    ),
  ])('%s', (_, observation, verdict, code) => {
    expect(first(observation)).toMatchObject({
      verdict,
      one: { reasons: expect.arrayContaining([expect.objectContaining({ code })]) as unknown },
    });
  });

  test('a vhost-user region that is only left over is not installed', () => {
    const left = queues(0).map((one) => ({
      ...one,
      hostNotifier: one.hostNotifier && { ...one.hostNotifier, container: null },
    }));
    expect(first(vm({}, device({ backend: 'vhost-user', virtqueues: left }))).verdict).toBe('inactive');
  });
});

describe('the ladder: the first obstacle is the reason', () => {
  test.each<[string, Observation, VerifyOptions, string, string]>([
    ['host block driver', vm({}, device({ attachment: 'blockdev' })), {}, 'inactive', 'verify.host-block-driver'],
    ['paused', vm({ runState: 'paused' }, device()), {}, 'not-yet', 'verify.vm-stopped'],
    ['suspended', vm({ runState: 'suspended' }, device({ status: [] })), {}, 'not-yet', 'verify.driver-not-up'],
    ['run state unknown', vm({ runState: 'unknown' }, device()), {}, 'inactive', 'verify.reason-unknown'],
    ['no driver', vm({}, device({ status: [] })), {}, 'not-yet', 'verify.driver-not-up'],
    ['half a driver', vm({}, device({ status: ['DRIVER'] })), {}, 'not-yet', 'verify.driver-not-up'],
    [
      'migration',
      vm({ migration: { status: 'active', blockedReasons: [] } }, device()),
      {},
      'inactive',
      'verify.migrating',
    ],
    [
      'migration over',
      vm({ migration: { status: 'completed', blockedReasons: [] } }, device()),
      {},
      'inactive',
      'verify.reason-unknown',
    ],
    [
      'migration unknown',
      vm({ migration: { status: no, blockedReasons: [] } }, device()),
      {},
      'inactive',
      'verify.reason-unknown',
    ],
    ['x-svq', vm({}, device({ shadowVirtqueues: true })), {}, 'inactive', 'verify.shadow-virtqueues'],
    ['x-svq unknown', vm({}, device({ shadowVirtqueues: no })), {}, 'inactive', 'verify.reason-unknown'],
    ['page-per-vq off', vm({}, device({ pagePerVq: false })), {}, 'inactive', 'verify.page-per-vq-off'],
    [
      'page-per-vq unknown',
      vm({}, device({ pagePerVq: no, disableModern: no })),
      {},
      'inactive',
      'verify.reason-unknown',
    ],
    [
      '64K host',
      vm({ process: { ...processView, doorbells: [], pageSize: 65536 } }, device()),
      {},
      'inactive',
      'verify.host-page-size',
    ],
    ['modern off', vm({}, device({ disableModern: true })), {}, 'inactive', 'verify.modern-off'],
    ['not PCI', vm({}, device({ frontend: 'virtio-net-device' })), {}, 'inactive', 'verify.not-pci'],
    ['QEMU 6.0', vm({ qemu: { version: '6.0.0', package: '' } }, device()), {}, 'inactive', 'verify.qemu-too-old'],
    ['QEMU 6.1', vm({ qemu: { version: '6.1.0', package: '' } }, device()), {}, 'inactive', 'verify.reason-unknown'],
    [
      'kernel refuses',
      vm({}, device()),
      { report: report([refused, refused, refused]) },
      'inactive',
      'verify.kernel-refuses',
    ],
    [
      'neighbour refused',
      vm({}, device()),
      { report: report(['mapped', refused, 'mapped']) },
      'inactive',
      'verify.dropped-with-neighbour',
    ],
    [
      'all mapped',
      vm({}, device()),
      { report: report(['mapped', 'mapped', 'mapped']) },
      'inactive',
      'verify.reason-unknown',
    ],
    [
      'simulator, not opened',
      vm({}, device()),
      { report: report([no, no, no], { parentDriver: 'vdpasim_net', managementDevice: 'vdpasim_net' }) },
      'inactive',
      'verify.kernel-refuses',
    ],
    ['mapped, no region', vm({ process: processView }, device()), {}, 'unknown', 'verify.witnesses-disagree'],
    [
      'the vDPA device is not started',
      vm({}, device({ vhostStarted: false })),
      {},
      'inactive',
      'verify.vhost-not-started',
    ],
    ['driver unknown', vm({}, device({ status: no })), {}, 'unknown', 'verify.driver-unknown'],
    ['vhost-user', vm({}, device({ backend: 'vhost-user' })), {}, 'inactive', 'verify.vhost-user-gave-none'],
  ])('%s', (_, observation, options, verdict, code) => {
    const found = first(observation, options);
    expect([found.verdict, found.codes[0]]).toEqual([verdict, code]);
  });

  test('the control virtqueue of a guest without MQ is not what the report has at its number', () => {
    const pairs = report([...Array.from({ length: 16 }, () => 'mapped'), refused]);
    const features = { bits: '0x420000', names: ['VIRTIO_NET_F_CTRL_VQ', 'VIRTIO_NET_F_MQ'] };
    Object.assign(pairs.devices[0]!.identity, { features, config: { class: 'net', maxVirtqueuePairs: 8 } });
    const { one } = first(vm({}, device()), { report: pairs }, 2);
    expect(one.reasons.map(({ code }) => code)).toEqual(['verify.kernel-refuses']);
    expect(one.ruledOut).not.toContain('the kernel was seen to map this doorbell');
  });

  test('what stands in the way as well is told after it, and what was ruled out', () => {
    const { codes, one } = first(vm({}, device({ status: [], pagePerVq: false })));
    expect(codes).toEqual(['verify.driver-not-up', 'verify.page-per-vq-off']);
    expect(one.ruledOut).toEqual([
      'the VM is running',
      'no migration is under way',
      'x-svq is off',
      'the modern interface is on',
    ]);
  });

  test('what could not be looked at is told apart from what was ruled out, and the reason names it', () => {
    const dark = device({ shadowVirtqueues: no, pagePerVq: no, disableModern: no, vhostStarted: no });
    const { one, codes } = first(vm({ runState: 'unknown', migration: { status: no, blockedReasons: [] } }, dark));
    expect(codes).toEqual(['verify.reason-unknown']);
    expect(one.ruledOut).toEqual(['the guest driver is up (DRIVER_OK)']);
    expect(one.notKnown.map((text) => text.replace(`: ${no.detail}`, ' -'))).toEqual([
      'whether the VM is running (query-status)',
      'whether a migration is under way -',
      'x-svq -',
      'page-per-vq -',
      "the size of the host's pages (the process, or a host report, tells)",
      'disable-modern -',
      'what the kernel says to the mapping (a host report, made while the device is idle, tells)',
    ]);
    expect(one.reasons[0]?.message).toContain(`not known: ${one.notKnown.join('; ')}`);
  });

  test('where all is known and nothing is in the way, the reason says so', () => {
    const process = { ...processView, doorbells: [] };
    const { one } = first(vm({ process }, device()), { report: report(['mapped', 'mapped', 'mapped']) });
    expect([one.notKnown, one.reasons[0]?.code]).toEqual([[], 'verify.reason-unknown']);
    expect(one.reasons[0]?.message).toContain('nothing that is known is in the way');
  });

  test('65,536 virtqueues of one device are judged in a moment', () => {
    const virtqueues = Array.from({ length: 65_536 }, (_, index) => vq(index, 'vq', false));
    const many = device({ attachment: 'device', frontend: 'vhost-vdpa-device-pci', virtqueues });
    const begin = performance.now();
    const [said] = verifyVm(vm({}, many)).devices;
    expect(said?.virtqueues.at(-1)?.reasons[0]?.code).toBe('verify.reason-unknown');
    expect(performance.now() - begin).toBeLessThan(5000);
  });

  test('the whole of a vhost-vdpa-device is dropped with one virtqueue', () => {
    const generic = device({ attachment: 'device', frontend: 'vhost-vdpa-device-pci' });
    const { codes } = first(vm({}, generic), { report: report(['mapped', 'mapped', refused]) });
    expect(codes).toEqual(['verify.dropped-with-neighbour']);
  });
});

describe('the control virtqueue', () => {
  const isolated = report(['mapped', 'mapped', 'mapped']);
  const identity = isolated.devices[0]!.identity as unknown as Record<string, unknown>;
  identity['addressSpaceCount'] = 2;
  (isolated.devices[0]!.virtqueues as { group: number }[])[2]!.group = 1;

  test.each<[string, Partial<ObservedDevice>, VerifyOptions, string, RegExp]>([
    ['not negotiated', { guestFeatures: ['VIRTIO_F_VERSION_1'] }, {}, 'verify.control-virtqueue', /not negotiate/],
    ['nothing known', {}, {}, 'verify.control-virtqueue', /vhost_dev of its own/],
    ['features unknown', { guestFeatures: no }, {}, 'verify.control-virtqueue', /vhost_dev of its own/],
    ['isolated', {}, { report: isolated }, 'verify.control-virtqueue', /isolated/],
    ['refused', {}, { report: report(['mapped', 'mapped', refused]) }, 'verify.kernel-refuses', /refuses/],
  ])('%s', (_, more, options, code, words) => {
    const { one, result } = first(vm({}, device({ virtqueues: queues(0, 1), ...more })), options, 2);
    expect(one.reasons[0]?.code).toBe(code);
    expect(one.reasons[0]?.message).toMatch(words);
    expect(result.devices[0]?.verdict).toBe('active');
  });
});

describe('the device', () => {
  const four = (...installed: number[]) =>
    ['rx0', 'tx0', 'rx1', 'tx1', 'control'].map((role, index) => vq(index, role, installed.includes(index)));
  test.each<[string, Partial<ObservedDevice>, string, RegExp]>([
    ['all', { virtqueues: four(0, 1, 2, 3) }, 'active', /all 4 data virtqueues/],
    ['one pair', { virtqueues: four(2, 3) }, 'partial', /^2 of 4 data virtqueues/],
    ['none', { virtqueues: four() }, 'inactive', /through eventfds/],
    ['not yet', { status: [], virtqueues: four() }, 'not-yet', /not running yet/],
    ['status unknown', { status: no, virtqueues: four() }, 'unknown', /could not be told/],
    ['no virtqueues', { virtqueues: [] }, 'unknown', /no virtqueue was seen/],
    ['virtqueues unknown', { virtqueues: no, pagePerVq: no, status: no }, 'unknown', /virtqueues are not known/],
  ])('%s', (_, more, verdict, words) => {
    const result = verifyVm(vm({}, device(more)));
    expect(result.devices[0]).toMatchObject({ verdict, summary: expect.stringMatching(words) as string });
    const text = renderVerification(result, uncoloured, true);
    expect(text).toContain(`: ${verdict}\n`);
    expect(renderVerification(result, inColour)).toContain('\u001b[');
  });

  test('a VM without one', () => {
    expect(renderVerification(verifyVm(vm({ machine: no })), uncoloured)).toBe(
      'QEMU 10.0.13, machine type unknown, running\nno vDPA device\n',
    );
  });

  test('whether the drivers are up', () => {
    expect(driversReady(vm({}, device()))).toBe(true);
    expect(driversReady(vm({}, device({ status: [] })))).toBe(false);
    expect(driversReady(vm({}, device({ status: no, virtqueues: queues(0) })))).toBe(true);
    expect(driversReady(vm({}, device({ status: no, virtqueues: no })))).toBe(false);
    expect(driversReady(vm({}, device({ status: [], attachment: 'blockdev' })))).toBe(true);
  });
});

describe('what blocks', () => {
  const codes = (observation: Observation, options: VerifyOptions) =>
    verifyVm(observation, options).findings.map(({ code, severity }) => `${severity} ${code}`);
  const inactive = vm({}, device({ pagePerVq: false }));

  test('a required notifier that is not active', () => {
    expect(codes(inactive, {})).toEqual([]);
    expect(codes(inactive, { require: 'all' })).toEqual(['error verify.required-not-active']);
    expect(codes(inactive, { require: ['net0'] })).toEqual(['error verify.required-not-active']);
    expect(codes(inactive, { require: ['net1'] })).toEqual(['error verify.required-not-active']);
    expect(codes(vm({}, device({ virtqueues: queues(0, 1) })), { require: 'all' })).toEqual([]);
    expect(codes(vm(), { require: 'all' })).toEqual(['error verify.required-not-active']);
    const disk = device({ id: 'disk0', attachment: 'blockdev' });
    expect(codes(vm({}, disk), { require: 'all' })).toEqual(['error verify.required-not-active']);
    expect(codes(vm({}, disk), { require: ['disk0'] })).toEqual(['error verify.required-not-active']);
    expect(codes(vm({}, device({ virtqueues: queues(0, 1) }), disk), { require: 'all' })).toEqual([]);
    expect(codes(vm({}, device({ id: null, pagePerVq: false })), { require: [path] })).toHaveLength(1);
  });

  test('a vDPA device that QEMU could not start is told, with its rings where they are the cause', () => {
    const large = queues().map((one) => ({ ...one, size: 1024 }));
    const stopped = vm({}, device({ vhostStarted: false, virtqueues: large }));
    expect(codes(stopped, {})).toEqual(['warning verify.vhost-not-started']);
    const summary = (options: VerifyOptions): string => verifyVm(stopped, options).devices[0]!.summary;
    expect(summary({})).toContain('its log says why, unless the link is down');
    const known = report(['mapped', 'mapped', 'mapped']);
    known.devices[0]!.identity.vqSizeMax = 256;
    expect(summary({ report: known })).toContain('rings have 1024 descriptors, and the device takes at most 256');
    expect(codes(vm({ runState: 'paused' }, device({ vhostStarted: false, status: [] })), {})).toEqual([]);
  });

  function plan(net: Record<string, unknown> = {}, expected: number[] = [0, 1]): VmPlan {
    const abi = {
      id: 'net0',
      rootPort: 1,
      mac: '52:54:00:0d:0a:00',
      vectors: 4,
      pagePerVq: true,
      mtu: null,
      bootIndex: null,
    };
    return {
      guestAbi: {
        ...{ machine: 'pc-q35-10.0', memoryBytes: 2 ** 28, cpu: { count: 1 }, uuid: 'a', disks: [] },
        interfaces: [{ ...abi, ...net }],
        vdpaDevices: [],
      },
      binding: {
        interfaces: [{ id: 'net0', vdpa: 'vp0', charDevice: device0, expectedHostNotifiers: expected }],
        disks: [],
        vdpaDevices: [],
      },
    } as unknown as VmPlan;
  }
  const good = vm({}, device({ virtqueues: queues(0, 1), charDevice: no }));
  const blocking = (observation: Observation, options: VerifyOptions) =>
    verifyVm(observation, options)
      .findings.filter(({ severity }) => severity !== 'info')
      .map(({ code, path: at }) => `${code} ${at}`);

  test('nothing, where the VM is as planned; libvirt’s alias is the same device', () => {
    expect(blocking(good, { plan: plan() })).toEqual([]);
    expect(blocking(vm({}, device({ id: 'ua-net0', virtqueues: queues(0, 1) })), { plan: plan() })).toEqual([]);
  });

  test('every property that differs', () => {
    expect(blocking(good, { plan: plan({ mac: 'x', vectors: 6, pagePerVq: false, rootPort: 2 }, []) })).toEqual([
      'verify.drift /interfaces/0/mac',
      'verify.drift /interfaces/0/pagePerVq',
      'verify.drift /interfaces/0/rootPort',
      'verify.drift /interfaces/0/vectors',
      'verify.active-unexpectedly /devices/0',
    ]);
    expect(blocking(good, { plan: plan({ pagePerVq: false }), pagePerVqUndecided: ['net0'] })).toEqual([]);
    expect(
      blocking(vm({ machine: 'pc-q35-9.2', board: { memoryBytes: 1, cpus: 2, uuid: no } }, device()), {
        plan: plan({}, []),
      }),
    ).toEqual(['verify.drift /cpu/count', 'verify.drift /machine', 'verify.drift /memoryBytes']);
  });

  test('devices that are missing, or too many, and notifiers that were expected', () => {
    expect(blocking(vm(), { plan: plan() })).toEqual(['verify.device-missing /interfaces/0']);
    const other = device({ id: 'net9', path: '/machine/peripheral/net9' });
    expect(blocking(vm({}, device({ virtqueues: queues(0, 1) }), other), { plan: plan() })).toEqual([
      'verify.device-unplanned ',
    ]);
    expect(blocking(vm({}, device({ pagePerVq: true })), { plan: plan() })).toEqual([
      'verify.expected-not-active /devices/0',
    ]);
    const anonymous = device({ id: null });
    expect(blocking(vm({}, anonymous), {})).toEqual([]);
    const generic = {
      ...plan(),
      guestAbi: {
        ...plan().guestAbi,
        interfaces: [],
        vdpaDevices: [
          { id: 'net0', rootPort: 1, pagePerVq: false, iommuPlatform: true, queueSize: null, bootIndex: 3 },
        ],
      },
    };
    expect(blocking(good, { plan: generic })).toEqual(['verify.drift /vdpaDevices/0/pagePerVq']);
    expect(blocking(good, { plan: generic, pagePerVqUndecided: ['net0'] })).toEqual([]);
  });
});
