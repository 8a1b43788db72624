/** What the guest is told must be what every device really has. */
import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import {
  busy,
  host,
  doorbells,
  identity,
  netConfig,
  qemu,
  queuePairs,
  reportWith,
  withFeature,
  withoutFeature,
  type Edit,
} from '../report-builder.ts';
import { findingsOf, planOf, sameMac, soundPlan, twoHosts } from './planning.ts';

const nic = (more = '', vdpa = 'vp0'): string => `interfaces: [{id: net0, vdpa: ${vdpa}${more}}]`;
const onL1 = (body: string, ...edits: Edit[]): string[] => findingsOf(body, [reportWith(...edits)]);
/** vp_vdpa takes device_features alone (drivers/vdpa/virtio_pci/vp_vdpa.c: vp_vdpa_probe()). */
const refused = (attribute: string): string =>
  `\`vdpa dev add\` takes no ${attribute} for parent driver vp-vdpa: set it where the parent device itself is made, or take what vp0 has into the spec`;

test('a NIC on the captured device', () => {
  expect(soundPlan(nic(), [reportWith()]).guestAbi.interfaces).toEqual([
    {
      id: 'net0',
      rootPort: 1,
      mac: '52:54:00:0d:0a:00',
      queuePairs: 1,
      mq: false,
      vectors: 4,
      pagePerVq: true,
      iommuPlatform: true,
      packed: false,
      rxQueueSize: 256,
      txQueueSize: 256,
      mtu: null,
      optionRom: false,
      bootIndex: null,
    },
  ]);
});

describe('queue pairs', () => {
  test.each([
    [1, false, 4],
    [2, true, 6],
    [4, true, 10],
    [256, true, 514],
  ])('%i pairs: mq %s, %i vectors', (pairs, mq, vectors) => {
    const report = reportWith(queuePairs('vp0', pairs));
    expect(
      soundPlan(nic(`, queuePairs: ${pairs}, hostNotifier: "off"`), [report]).guestAbi.interfaces[0],
    ).toMatchObject({ queuePairs: pairs, mq, vectors });
    expect(soundPlan(nic(), [report]).guestAbi.interfaces[0]).toMatchObject({ queuePairs: pairs });
  });

  test('more than the device has: the command that provisions them', () => {
    expect(onL1(nic(', queuePairs: 2'))).toEqual([
      `error plan.queue-pairs-differ /interfaces/0/queuePairs: the spec says 2, but vp0 on l1 has 1 queue pairs, and QEMU takes what the device has => ${refused('max_vqp')}`,
    ]);
  });

  test('fewer than the device has', () => {
    expect(onL1(nic(', queuePairs: 1'), queuePairs('vp0', 4))).toEqual([
      `error plan.queue-pairs-differ /interfaces/0/queuePairs: the spec says 1, but vp0 on l1 has 4 queue pairs, and QEMU takes what the device has => ${refused('max_vqp')}`,
    ]);
  });

  test('another number on the second host', () => {
    const reports = twoHosts([queuePairs('vp0', 4)], [queuePairs('vp0', 2)]);
    expect(findingsOf(nic(), reports, 'hostA')).toEqual([
      `error plan.queue-pairs-differ /interfaces/0/queuePairs: vp0 on hostA has 4, but vp0 on hostB has 2 queue pairs, and QEMU takes what the device has => ${refused('max_vqp')}`,
    ]);
  });

  test('not known on the only host', () => {
    expect(onL1(nic(), queuePairs('vp0', 2), netConfig('vp0', { maxVirtqueuePairs: undefined }))).toContain(
      'error plan.queue-pairs-unknown /interfaces/0/queuePairs: the queue pairs of vp0 on l1 could not be read',
    );
  });

  test('said in the spec, not known on the host', () => {
    expect(
      onL1(nic(', queuePairs: 2'), queuePairs('vp0', 2), identity('vp0', { config: unknown('EBUSY', 'in use') })),
    ).toContain(
      `error plan.queue-pairs-differ /interfaces/0/queuePairs: the spec says 2, but vp0 on l1 has an unknown number of queue pairs, and QEMU takes what the device has => ${refused('max_vqp')}`,
    );
  });

  test('more pairs than there are virtqueues: QEMU would crash', () => {
    const five = Array.from({ length: 5 }, () => 'mapped' as const);
    const lying: Edit[] = [queuePairs('vp0', 4), doorbells('vp0', ...five)];
    expect(onL1(nic(), ...lying)).toEqual([
      `error plan.virtqueues-missing /interfaces/0/vdpa: vp0 on l1 says it has 4 queue pairs, but it has only 5 virtqueues: QEMU would crash on it => ${refused('max_vqp')}`,
    ]);
    const blind = identity('vp0', { vqCount: unknown('EIO', 'x') });
    expect(onL1(nic(), queuePairs('vp0', 4), blind).filter((text) => text.startsWith('error'))).toEqual([]);
  });
});

describe('MAC address', () => {
  const differs = (found: string, label: string, wanted: string, fix: string): string =>
    `error plan.mac-differs /interfaces/0/mac: ${found} has MAC ${wanted}, but ${label}, and the guest would see that => ${fix}`;

  test.each<[what: string, more: string, edits: Edit[], mac: string]>([
    ["the device's own", '', [], '52:54:00:0d:0a:00'],
    ['the same in the spec', ', mac: "52:54:00:0D:0A:00"', [], '52:54:00:0d:0a:00'],
    [
      'of a device without one, the one in the spec',
      ', mac: "52:54:00:00:00:01"',
      [netConfig('vp0', { mac: undefined })],
      '52:54:00:00:00:01',
    ],
    [
      'of a device with zeros, too',
      ', mac: "52:54:00:00:00:01"',
      [netConfig('vp0', { mac: '00:00:00:00:00:00' })],
      '52:54:00:00:00:01',
    ],
  ])('%s', (_, more, edits, mac) => {
    expect(soundPlan(nic(more), [reportWith(...edits)]).guestAbi.interfaces[0]!.mac).toBe(mac);
  });

  test('another than in the spec', () => {
    expect(onL1(nic(', mac: "52:54:00:00:00:01"'))).toEqual([
      differs('the spec', 'vp0 on l1 has 52:54:00:0d:0a:00', '52:54:00:00:00:01', refused('mac')),
    ]);
  });

  test('two hosts with one each', () => {
    const reports = twoHosts([], [netConfig('vp0', { mac: '52:54:00:0d:0a:ff' })]);
    expect(findingsOf(nic(), reports, 'hostA')).toEqual([
      differs('another host', 'vp0 on hostB has 52:54:00:0d:0a:ff', '52:54:00:0d:0a:00', refused('mac')),
    ]);
  });

  test('one host with one, the other without', () => {
    const reports = twoHosts([netConfig('vp0', { mac: undefined })], []);
    expect(soundPlan(nic(), reports, 'hostA').guestAbi.interfaces[0]!.mac).toBe('52:54:00:0d:0a:00');
  });

  test('none anywhere', () => {
    expect(onL1(nic(), netConfig('vp0', { mac: undefined }))).toEqual([
      'error plan.mac-unknown /interfaces/0/mac: no MAC address is given, and vp0 on l1 has none of its own',
    ]);
  });
});

describe('MTU', () => {
  test.each<[what: string, more: string, edits: Edit[], mtu: number | null]>([
    ['not offered', '', [], null],
    ["not offered, whatever the device's", '', [netConfig('vp0', { mtu: 9000 })], null],
    ["the device's", ', mtu: 9000', [netConfig('vp0', { mtu: 9000 })], 9000],
  ])('%s', (_, more, edits, mtu) => {
    expect(soundPlan(nic(more), [reportWith(...edits)]).guestAbi.interfaces[0]!.mtu).toBe(mtu);
  });

  test.each<[what: string, edits: Edit[], said: string, fix: string]>([
    ['another', [netConfig('vp0', { mtu: 1500 })], 'has 1500', refused('mtu')],
    ['none', [], 'offers none', refused('mtu')],
    ['not known', [identity('vp0', { config: unknown('EBUSY', 'x') })], 'offers none', refused('mtu')],
    ['another, and four pairs', [netConfig('vp0', { mtu: 1500 }), queuePairs('vp0', 4)], 'has 1500', refused('mtu')],
  ])('%s', (_, edits, said, fix) => {
    expect(onL1(nic(', mtu: 9000'), ...edits)).toContain(
      `error plan.mtu-differs /interfaces/0/mtu: the spec says MTU 9000, but vp0 on l1 ${said} => ${fix}`,
    );
  });
});

describe('rings', () => {
  test('no larger than the device has', () => {
    expect(onL1(nic(', rxQueueSize: 512, txQueueSize: 1024'))).toEqual([
      'error plan.ring-too-large /interfaces/0/rxQueueSize: rxQueueSize is 512, but the rings of vp0 on l1 have at most 256 descriptors',
      'error plan.ring-too-large /interfaces/0/txQueueSize: txQueueSize is 1024, but the rings of vp0 on l1 have at most 256 descriptors',
    ]);
  });

  test.each<[what: string, edits: Edit[]]>([
    ['as large as the device has', [identity('vp0', { vqSizeMax: 1024 })]],
    ['of a size that is not known', [identity('vp0', { vqSizeMax: unknown('ENOTTY', 'x') })]],
  ])('%s', (_, edits) => {
    const plan = soundPlan(nic(', rxQueueSize: 1024, txQueueSize: 512'), [reportWith(...edits)]);
    expect(plan.guestAbi.interfaces[0]).toMatchObject({ rxQueueSize: 1024, txQueueSize: 512 });
  });

  test('rings that QEMU 10.0.13 offers whatever is set, on a kernel that refuses them', () => {
    const strict = host({ kernelRelease: '6.12.117', kernelVersion: '#1 SMP' });
    expect(onL1(nic(), strict)).toEqual([
      'warning plan.rings-offered-too-large /interfaces/0/vdpa: QEMU 10.0.13 offers rings of 1024 descriptors whatever their size is set to, and kernel 6.12.117 refuses more than the 256 of vp0 on l1: a guest driver that takes them all has no network => another QEMU or kernel version; vdpa-qemu verify shows it as verify.vhost-not-started',
    ]);
    expect(onL1(nic(), strict, identity('vp0', { vqSizeMax: 1024 }))).toEqual([]);
    expect(onL1(nic(), strict, qemu({ version: '7.2.22' }))).toEqual([]);
  });

  test('packed, where it is not offered', () => {
    expect(onL1(nic(', packed: true'))).toEqual([
      'error plan.packed-not-offered /interfaces/0/packed: packed is true, but vp0 on l1 does not offer VIRTIO_F_RING_PACKED',
    ]);
  });

  test.each<[what: string, edits: Edit[]]>([
    ['offered', [withFeature('vp0', 'VIRTIO_F_RING_PACKED')]],
    ['not known', [identity('vp0', { features: unknown('EBUSY', 'x') })]],
  ])('packed, %s', (_, edits) => {
    expect(soundPlan(nic(', packed: true'), [reportWith(...edits)]).guestAbi.interfaces[0]!.packed).toBe(true);
  });
});

describe('the class of the device', () => {
  test('a disk', () => {
    expect(onL1(nic('', 'blk0'))).toEqual([
      'error plan.device-class /interfaces/0/vdpa: an interface needs a net device, but blk0 on host l1 is a block device => list it under disks',
    ]);
  });

  test('another', () => {
    expect(onL1(nic(), identity('vp0', { virtioId: 26 }))).toEqual([
      'error plan.device-class /interfaces/0/vdpa: an interface needs a net device, but vp0 on host l1 is a fs device => list it under vdpaDevices',
    ]);
  });

  test('not known', () => {
    expect(onL1(nic(), identity('vp0', { virtioId: unknown('EACCES', 'may not be opened') }))).toEqual([
      'error plan.device-class-unknown /interfaces/0/vdpa: what vDPA device vp0 on host l1 is could not be read: may not be opened',
    ]);
  });

  test('right on one host, wrong on the other', () => {
    const body = nic('', '{hostA: vp0, hostB: blk0}');
    expect(planOf(body, twoHosts(), 'hostA').plan).toBeUndefined();
    expect(findingsOf(body, twoHosts(), 'hostA')).toEqual([
      'error plan.device-class /interfaces/0/vdpa: an interface needs a net device, but blk0 on host hostB is a block device => list it under disks',
    ]);
  });
});

test('everything that is wrong with a NIC is told in one run', () => {
  const codes = onL1(
    nic(', queuePairs: 4, mac: "52:54:00:00:00:01", mtu: 9000, rxQueueSize: 1024, packed: true, hostNotifier: require'),
    withoutFeature('vp0', 'VIRTIO_F_RING_RESET'),
    busy('vp0'),
    host({ name: 'l1' }),
    sameMac,
  ).map((line) => line.split(' ')[1]);
  expect(codes).toEqual([
    'plan.queue-pairs-differ',
    'plan.mac-differs',
    'plan.mtu-differs',
    'plan.ring-too-large',
    'plan.packed-not-offered',
    'plan.host-notifier-required',
  ]);
});
