/**
 * The cells of the migration truth table: two sides each, on devices of one L1, and what was seen to become of the guest.
 * A word that a side leaves out is the same on both sides (migrate.ts has the usual values).
 */
import type { LabDevice } from './devices.ts';
import type { Cell, Outcome } from './migrate.ts';
import type { Side } from './migration-side.ts';

const mac = ['mac', '52:54:00:0d:0a:02'] as const;

/**
 * vdpasim_net offers 0x308830028: MTU, MAC, STATUS, CTRL_VQ, CTRL_MAC_ADDR, ANY_LAYOUT, VERSION_1, ACCESS_PLATFORM.
 * What vp_vdpa has of L0's card, QEMU's shadow virtqueues take only in part: 0x300878020 is MAC, MRG_RXBUF, STATUS,
 * CTRL_VQ, CTRL_RX, CTRL_MAC_ADDR, VERSION_1, ACCESS_PLATFORM; 0x300c78020 has MQ besides.
 */
export const cellDevices: readonly LabDevice[] = [
  { kind: 'sim-net', name: 's0', add: [...mac, 'mtu', '1500'] },
  { kind: 'sim-net', name: 's1', add: [...mac, 'mtu', '1500'] },
  { kind: 'sim-net', name: 's-mtu1400', add: [...mac, 'mtu', '1400'] },
  { kind: 'sim-net', name: 's-no-mtu', add: [...mac, 'device_features', '0x308830020'] },
  { kind: 'sim-net', name: 's-no-status', add: [...mac, 'device_features', '0x308820028', 'mtu', '1500'] },
  { kind: 'sim-net', name: 's-no-mac', add: ['device_features', '0x308830008', 'mtu', '1500'] },
  { kind: 'sim-net', name: 's-no-ctrl', add: [...mac, 'device_features', '0x308010028', 'mtu', '1500'] },
  { kind: 'sim-net', name: 's-no-ctrlmac', add: [...mac, 'device_features', '0x308030028', 'mtu', '1500'] },
  { kind: 'sim-net', name: 's-mac', add: ['mac', '52:54:00:0d:0a:0b', 'mtu', '1500'] },
  { kind: 'sim-net', name: 'z0', add: [...mac, 'mtu', '1500'], zoo: 'page' },
  { kind: 'sim-net', name: 'z1', add: [...mac, 'mtu', '1500'], zoo: 'page' },
  { kind: 'sim-blk', name: 'b0' },
  { kind: 'sim-blk', name: 'b1' },
  { kind: 'vp', name: 'v-all', mac: '52:54:00:0d:0a:02', pagePerVq: true },
  { kind: 'vp', name: 'v0', mac: '52:54:00:0d:0a:02', pagePerVq: true, add: ['device_features', '0x300878020'] },
  { kind: 'vp', name: 'v1', mac: '52:54:00:0d:0a:02', pagePerVq: true, add: ['device_features', '0x300878020'] },
  { kind: 'vp', name: 'v-4byte', mac: '52:54:00:0d:0a:02', pagePerVq: false, add: ['device_features', '0x300878020'] },
  { kind: 'vp', name: 'v-less', mac: '52:54:00:0d:0a:02', pagePerVq: true, add: ['device_features', '0x300010020'] },
  { kind: 'vp', name: 'v-mac', mac: '52:54:00:0d:0a:0b', pagePerVq: true, add: ['device_features', '0x300878020'] },
  {
    kind: 'vp',
    name: 'v-indirect',
    mac: '52:54:00:0d:0a:02',
    pagePerVq: true,
    add: ['device_features', '0x310878020'],
  },
  {
    ...{ kind: 'vp', name: 'v-packed', mac: '52:54:00:0d:0a:02', pagePerVq: true, card: 'packed=on' },
    add: ['device_features', '0x700878020'],
  },
  ...(['m2', 'm2b'] as const).map((name): LabDevice => ({
    ...{ kind: 'vp', name, mac: '52:54:00:0d:0a:02', pagePerVq: true, queuePairs: 2 },
    add: ['device_features', '0x300c78020'],
  })),
  {
    ...{ kind: 'vp', name: 'm3', mac: '52:54:00:0d:0a:02', pagePerVq: true, queuePairs: 3 },
    add: ['device_features', '0x300c78020'],
  },
];

const s0: Side = { device: 's0' };
const s1: Side = { device: 's1' };
const on = { 'page-per-vq': 'on' };
const two = { mq: 'on', vectors: '6' };
/** A further device behind a root port of its own. */
const onPort = (device: string) => ['-device', 'pcie-root-port,id=port1,chassis=2,addr=0x5', '-device', device];
const rng = onPort('virtio-rng-pci,bus=port1');
const igb = onPort('igb,id=nic1,bus=port1');
const returnPath = { capabilities: ['return-path'] };
const old = { machine: 'pc-q35-7.2' };

/** One property of the front device on each side. */
function nic(name: string, values: readonly [string | null, string | null], devices = ['s0', 's1']): Cell {
  const words = values.map((value) => (value === null ? 'absent' : value === '' ? 'none' : value));
  return {
    name: `${name} ${words.join(' -> ')}${devices.join() === 's0,s1' ? '' : `, ${devices.join(' -> ')}`}`,
    source: { device: devices[0] ?? '', nic: { [name]: values[0] } },
    destination: { device: devices[1] ?? '', nic: { [name]: values[1] } },
  };
}

/** Devices differ and nothing else. */
function devices(from: string, to: string, guest?: string): Cell {
  const want = guest === undefined ? {} : { guest };
  return {
    name: `${from} -> ${to}${guest === undefined ? '' : `, guest ${guest}`}`,
    source: { device: from },
    destination: { device: to },
    ...want,
  };
}

export const cells: readonly Cell[] = [
  { name: 'identical', source: s0, destination: s1 },
  { name: 'identical, return-path', source: s0, destination: s1, ...returnPath },
  { name: 'identical, page-per-vq on', source: { ...s0, nic: on }, destination: { ...s1, nic: on } },
  nic('page-per-vq', ['on', 'off']),
  nic('page-per-vq', ['off', 'on']),
  { ...nic('page-per-vq', ['on', 'off']), name: 'page-per-vq on -> off, return-path', ...returnPath },
  { ...nic('page-per-vq', ['off', 'on']), name: 'page-per-vq off -> on, return-path', ...returnPath },

  // features that the device offers
  devices('s-no-ctrl', 's0'),
  devices('s0', 's-no-ctrl'),
  devices('s0', 's-no-ctrl', 'want=308010028'),
  devices('s-no-ctrlmac', 's0'),
  devices('s0', 's-no-ctrlmac'),
  devices('s0', 's-no-ctrlmac', 'mac=52540000beef'),
  devices('s-no-mtu', 's-no-ctrl'),
  devices('s0', 's-no-status'),
  devices('s-no-status', 's0'),
  devices('s0', 's-no-mac'),
  devices('s-no-mac', 's0'),
  // features that QEMU's device offers
  nic('ctrl_vq', ['off', 'off']),
  nic('ctrl_vq', ['off', 'on']),
  nic('ctrl_vq', ['on', 'off']),
  nic('mrg_rxbuf', ['on', 'off']),
  nic('mrg_rxbuf', ['on', 'off'], ['v0', 'v1']),
  nic('event_idx', ['on', 'off']),
  nic('packed', ['off', 'on']),
  nic('packed', ['on', 'on']),
  nic('packed', ['on', 'off']),
  nic('iommu_platform', ['on', 'on']),
  nic('iommu_platform', ['off', 'on']),
  nic('iommu_platform', ['on', 'off']),
  // MTU is offered to a guest only where QEMU is told host_mtu, whatever the device offers
  nic('host_mtu', ['1500', '1500']),
  nic('host_mtu', ['1500', '1500'], ['s0', 's-mtu1400']),
  nic('host_mtu', ['1500', '1500'], ['s0', 's-no-mtu']),
  nic('host_mtu', ['1500', '1400']),
  nic('host_mtu', ['1500', null]),
  nic('host_mtu', [null, '1500']),

  // configuration
  devices('s0', 's-mtu1400'),
  devices('s-mtu1400', 's0'),
  devices('s0', 's-no-mtu'),
  devices('s0', 's-no-mtu', 'want=308830020'),
  devices('s-no-mtu', 's0'),
  { name: 'device of another MAC, same -device mac', source: s0, destination: { device: 's-mac' } },
  nic('mac', ['52:54:00:0d:0a:02', '52:54:00:0d:0a:0b']),
  {
    name: 'device and -device of another MAC',
    source: s0,
    destination: { device: 's-mac', nic: { mac: '52:54:00:0d:0a:0b' } },
  },
  { name: 'guest sets its MAC', source: s0, destination: s1, guest: 'mac=52540000beef' },
  // without a control virtqueue QEMU has no way to set the MAC of a device that is at work
  {
    ...nic('mac', ['52:54:00:0d:0a:02', '52:54:00:0d:0a:0b']),
    name: 'another -device mac, guest without control virtqueue',
    guest: 'want=308010028',
  },
  {
    name: 'device and -device of another MAC, guest without control virtqueue',
    source: s0,
    destination: { device: 's-mac', nic: { mac: '52:54:00:0d:0a:0b' } },
    guest: 'want=308010028',
  },
  {
    name: 'device of another MAC, same -device mac, guest without control virtqueue',
    source: s0,
    destination: { device: 's-mac' },
    guest: 'want=308010028',
  },
  { name: 'vp_vdpa of another MAC', source: { device: 'v0' }, destination: { device: 'v-mac' } },

  // queues
  nic('rx_queue_size', ['256', '512']),
  nic('rx_queue_size', ['512', '256']),
  nic('rx_queue_size', ['1024', '1024']),
  nic('tx_queue_size', ['256', '512']),
  nic('tx_queue_size', ['512', '256']),
  // QEMU 10.0.13 offers every ring with 1024 descriptors, whatever its size is set to (hw/virtio/virtio.c:
  // virtio_add_queue()), so that what guests take differs here, and what an older QEMU offers
  { name: 'guest takes rings of 256, 1024 are offered', source: s0, destination: s1, rings: true },
  { name: 'guest takes rings of 128, 1024 are offered', source: s0, destination: s1, guest: 'size=80', rings: true },
  {
    name: 'guest takes rings of 1024, the device has 256: no network',
    source: s0,
    destination: s1,
    guest: 'size=400',
    rings: true,
  },
  nic('vectors', ['4', '6']),
  nic('vectors', ['6', '4']),
  { ...nic('vectors', ['4', '6']), name: 'vectors 4 -> 6, return-path', ...returnPath },
  nic('mq', ['off', 'on']),
  nic('mq', ['on', 'off']),
  {
    name: '2 queue pairs -> 2',
    source: { device: 'm2', nic: two },
    destination: { device: 'm2b', nic: two },
    guest: 'pairs=2',
  },
  {
    name: '2 queue pairs -> 3',
    source: { device: 'm2', nic: two },
    destination: { device: 'm3', nic: two },
    guest: 'pairs=2',
  },
  {
    name: '3 queue pairs -> 2',
    source: { device: 'm3', nic: { ...two, vectors: '8' } },
    destination: { device: 'm2', nic: { ...two, vectors: '8' } },
    guest: 'pairs=2',
  },
  {
    name: '2 queue pairs -> 1',
    source: { device: 'm2', nic: two },
    destination: { device: 'v0', nic: two },
    guest: 'pairs=2',
  },
  { name: '1 queue pair -> 2, mq on', source: { device: 'v0', nic: two }, destination: { device: 'm2', nic: two } },
  { name: '1 queue pair -> 2, mq off', source: { device: 'v0' }, destination: { device: 'm2' } },
  {
    name: '2 queue pairs -> 2, mq on -> off',
    source: { device: 'm2', nic: two },
    destination: { device: 'm2b', nic: { ...two, mq: 'off' } },
  },

  // machine
  { name: 'machine pc-q35-10.0 -> q35', source: s0, destination: { ...s1, machine: 'q35' } },
  { name: 'machine q35 -> q35', source: { ...s0, machine: 'q35' }, destination: { ...s1, machine: 'q35' } },
  { name: 'machine pc-q35-9.2 -> pc-q35-10.0', source: { ...s0, machine: 'pc-q35-9.2' }, destination: s1 },
  { name: 'machine pc-q35-10.0 -> pc-q35-9.2', source: s0, destination: { ...s1, machine: 'pc-q35-9.2' } },
  {
    name: 'machine pc-q35-9.2 -> pc-q35-9.2',
    source: { ...s0, machine: 'pc-q35-9.2' },
    destination: { ...s1, machine: 'pc-q35-9.2' },
  },
  { name: 'machine of no destination QEMU', source: s0, destination: { ...s1, machine: 'pc-q35-99.0' } },
  { name: 'memory 64 -> 128 MiB', source: s0, destination: { ...s1, memoryMiB: 128 } },
  { name: 'memory 128 -> 64 MiB', source: { ...s0, memoryMiB: 128 }, destination: s1 },
  {
    name: 'memory share off -> off',
    source: { ...s0, sharedMemory: false },
    destination: { ...s1, sharedMemory: false },
  },
  { name: 'memory share on -> off', source: s0, destination: { ...s1, sharedMemory: false } },
  { name: 'cpu qemu64 -> Nehalem', source: s0, destination: { ...s1, cpu: 'Nehalem' } },
  { name: 'cpu qemu64 -> max', source: s0, destination: { ...s1, cpu: 'max' } },
  { name: 'one CPU more at the destination', source: s0, destination: { ...s1, extra: ['-smp', '2'] } },
  { name: 'one CPU less at the destination', source: { ...s0, extra: ['-smp', '2'] }, destination: s1 },
  {
    name: 'UUID differs',
    source: s0,
    destination: { ...s1, extra: ['-uuid', '11111111-2222-4333-8444-555555555555'] },
  },

  // PCI
  nic('romfile', ['', null]),
  nic('romfile', [null, '']),
  nic('romfile', [null, null]),
  {
    name: 'romsize 262144 -> 524288',
    source: { ...s0, nic: { romfile: null, romsize: '262144' } },
    destination: { ...s1, nic: { romfile: null, romsize: '524288' } },
  },
  { name: 'root port in another slot', source: s0, destination: { ...s1, rootPort: '0x3' } },
  nic('disable-legacy', [null, 'off']),
  nic('ats', ['off', 'on']),
  nic('id', ['net0', 'ua-net0']),
  { name: 'one device more at the destination', source: s0, destination: { ...s1, extra: rng } },
  { name: 'one device less at the destination', source: { ...s0, extra: rng }, destination: s1 },

  // vp_vdpa: no SUSPEND, no virtqueue state
  { name: 'vp_vdpa as it is', source: { device: 'v-all' }, destination: { device: 'v1' } },
  { name: 'vp_vdpa that offers INDIRECT_DESC', source: { device: 'v-indirect' }, destination: { device: 'v1' } },
  { name: 'vp_vdpa that offers RING_PACKED', source: { device: 'v-packed' }, destination: { device: 'v1' } },
  {
    name: 'vp_vdpa -> vp_vdpa that offers INDIRECT_DESC, idle guest',
    source: { device: 'v0' },
    destination: { device: 'v-indirect' },
    guest: 'silent=1',
  },
  { name: 'vp_vdpa -> vp_vdpa', source: { device: 'v0' }, destination: { device: 'v1' } },
  {
    name: 'vp_vdpa -> vp_vdpa, page-per-vq on',
    source: { device: 'v0', nic: on },
    destination: { device: 'v1', nic: on },
  },
  {
    name: 'vp_vdpa -> vp_vdpa of 4-byte doorbells, page-per-vq on',
    source: { device: 'v0', nic: on },
    destination: { device: 'v-4byte', nic: on },
  },
  {
    name: 'vp_vdpa of 4-byte doorbells -> vp_vdpa, page-per-vq on',
    source: { device: 'v-4byte', nic: on },
    destination: { device: 'v1', nic: on },
  },
  { name: 'vp_vdpa -> vp_vdpa that offers less', source: { device: 'v0' }, destination: { device: 'v-less' } },
  { name: 'vp_vdpa that offers less -> vp_vdpa', source: { device: 'v-less' }, destination: { device: 'v1' } },
  {
    name: 'vp_vdpa -> vp_vdpa, guest sets its MAC',
    source: { device: 'v0' },
    destination: { device: 'v1' },
    guest: 'mac=52540000beef',
  },
  { name: 'simulator -> vp_vdpa', source: { device: 's-no-mtu' }, destination: { device: 'v1' } },
  { name: 'simulator with MTU -> vp_vdpa', source: s0, destination: { device: 'v1' } },
  { name: 'vp_vdpa -> simulator', source: { device: 'v0' }, destination: { device: 's-no-mtu' } },
  { name: 'vp_vdpa -> simulator, features of both', source: { device: 'v-less' }, destination: { device: 's-no-mtu' } },

  // v0 and a simulator have these features in common
  {
    name: 'vp_vdpa -> simulator, features of both, control virtqueue',
    source: { device: 'v0' },
    destination: s0,
    guest: 'want=300830020',
  },
  {
    name: 'vp_vdpa -> simulator, guest sets its MAC',
    source: { device: 'v0' },
    destination: s0,
    guest: 'want=300830020,mac=52540000beef',
  },
  {
    name: 'simulator -> vp_vdpa, features of both, control virtqueue',
    source: s0,
    destination: { device: 'v0' },
    guest: 'want=300830020',
  },

  // host notifiers
  { name: 'notifiers -> notifiers', source: { device: 'z0', nic: on }, destination: { device: 'z1', nic: on } },
  { name: 'notifiers -> none', source: { device: 'z0', nic: on }, destination: { ...s1, nic: on } },
  { name: 'none -> notifiers', source: { ...s0, nic: on }, destination: { device: 'z1', nic: on } },
  { name: 'notifiers -> page-per-vq off', source: { device: 'z0', nic: on }, destination: { device: 'z1' } },

  // the destination host
  { name: 'no such device', source: s0, destination: { device: '/dev/vhost-vdpa-99' } },
  { name: 'device busy', source: s0, destination: { ...s1, busy: true } },
  { name: 'locked memory too low, vp_vdpa', source: s0, destination: { device: 'v1', memlock: 8 << 20 } },
  {
    name: 'locked memory too low, vp_vdpa -> vp_vdpa',
    source: { device: 'v0' },
    destination: { device: 'v1', memlock: 8 << 20 },
  },
  { name: 'locked memory too low, simulator', source: s0, destination: { ...s1, memlock: 8 << 20 } },

  // a card whose virtqueues have not moved has no state to lose
  {
    name: 'vp_vdpa -> vp_vdpa, idle guest',
    source: { device: 'v0', nic: on },
    destination: { device: 'v1', nic: on },
    guest: 'silent=1',
  },
  {
    name: 'locked memory too low, vp_vdpa -> vp_vdpa, idle guest',
    source: { device: 'v0', nic: on },
    destination: { device: 'v1', nic: on, memlock: 8 << 20 },
    guest: 'silent=1',
  },

  // shadow virtqueues all the time
  {
    name: 'x-svq on -> on',
    source: { ...s0, netdev: { 'x-svq': 'on' } },
    destination: { ...s1, netdev: { 'x-svq': 'on' } },
  },
  { name: 'x-svq on -> off', source: { ...s0, netdev: { 'x-svq': 'on' } }, destination: s1 },
  { name: 'x-svq off -> on', source: s0, destination: { ...s1, netdev: { 'x-svq': 'on' } } },
  {
    name: 'x-svq on, vp_vdpa as it is',
    source: { device: 'v-all', netdev: { 'x-svq': 'on' } },
    destination: { device: 'v1' },
  },

  // other classes
  { name: 'network card -> disk', source: s0, destination: { device: 'b0', front: 'block' } },
  { name: 'network card on a block device', source: s0, destination: { device: 'b0' } },
  { name: 'disk -> disk', source: { device: 'b0', front: 'block' }, destination: { device: 'b1', front: 'block' } },
  {
    name: 'vhost-vdpa-device-pci',
    source: { device: 's0', front: 'generic', nic: { mac: null, vectors: null } },
    destination: { device: 's1', front: 'generic', nic: { mac: null, vectors: null } },
  },

  // an older QEMU
  {
    name: 'QEMU 7.2 -> 7.2',
    source: { ...s0, ...old, emulator: 'qemu-7.2' },
    destination: { ...s1, ...old, emulator: 'qemu-7.2' },
  },
  { name: 'QEMU 7.2 -> 10.0', source: { ...s0, ...old, emulator: 'qemu-7.2' }, destination: { ...s1, ...old } },
  {
    name: 'QEMU 10.0 -> 7.2',
    source: { ...s0, ...old },
    destination: { ...s1, ...old, emulator: 'qemu-7.2' },
    rings: true,
  },
  {
    name: 'QEMU 10.0 -> 7.2, guest takes rings of 128',
    source: { ...s0, ...old },
    destination: { ...s1, ...old, emulator: 'qemu-7.2' },
    guest: 'size=80',
    rings: true,
  },
  {
    name: 'QEMU 10.0 -> 7.2, which has no igb',
    source: { ...s0, ...old, extra: igb },
    destination: { ...s1, ...old, extra: igb, emulator: 'qemu-7.2' },
  },
  {
    name: 'QEMU 10.0 -> 7.2, which has no CPU model SierraForest',
    source: { ...s0, ...old, cpu: 'SierraForest' },
    destination: { ...s1, ...old, cpu: 'SierraForest', emulator: 'qemu-7.2' },
  },
];

/**
 * The destination ends while it loads the state of a device. Without return-path the source has often let go of the guest
 * before it learns of that; with it, or if it is slower, the guest goes on there, but QEMU 10.0 cannot start its vhost
 * device again: `vhost_set_log_base failed`.
 */
const destinationFails: readonly Outcome[] = ['guest-lost', 'failed-source-broken'];

const seen: readonly (readonly [readonly Outcome[], readonly string[]])[] = [
  [
    ['refused'],
    [
      'vp_vdpa as it is',
      'vhost-vdpa-device-pci',
      'QEMU 7.2 -> 7.2',
      'QEMU 7.2 -> 10.0',
      'vp_vdpa that offers INDIRECT_DESC',
      'vp_vdpa that offers RING_PACKED',
    ],
  ],
  [['source-did-not-start'], ['x-svq on, vp_vdpa as it is']],
  [
    ['destination-did-not-start'],
    [
      'machine of no destination QEMU',
      'QEMU 10.0 -> 7.2, which has no igb',
      'QEMU 10.0 -> 7.2, which has no CPU model SierraForest',
      'no such device',
      'device busy',
      'network card on a block device',
    ],
  ],
  [
    ['failed-source-alive'],
    [
      'machine pc-q35-9.2 -> pc-q35-10.0',
      'machine pc-q35-10.0 -> pc-q35-9.2',
      'memory 64 -> 128 MiB',
      'memory 128 -> 64 MiB',
      'romsize 262144 -> 524288',
      'romfile absent -> none',
    ],
  ],
  [
    destinationFails,
    [
      'page-per-vq on -> off',
      'page-per-vq off -> on',
      'page-per-vq on -> off, return-path',
      'page-per-vq off -> on, return-path',
      's0 -> s-no-ctrl',
      's0 -> s-no-ctrlmac',
      's0 -> s-no-ctrlmac, guest mac=52540000beef',
      's-no-mtu -> s-no-ctrl',
      's0 -> s-no-status',
      'ctrl_vq on -> off',
      'mrg_rxbuf on -> off, v0 -> v1',
      'iommu_platform on -> off',
      'vectors 4 -> 6',
      'vectors 6 -> 4',
      'vectors 4 -> 6, return-path',
      '2 queue pairs -> 3',
      '3 queue pairs -> 2',
      '2 queue pairs -> 1',
      '1 queue pair -> 2, mq on',
      '1 queue pair -> 2, mq off',
      '2 queue pairs -> 2, mq on -> off',
      'one CPU less at the destination',
      'root port in another slot',
      'disable-legacy absent -> off',
      'ats off -> on',
      'one device less at the destination',
      'vp_vdpa -> vp_vdpa that offers less',
      'vp_vdpa -> simulator',
      'network card -> disk',
      'host_mtu 1500 -> absent',
      'notifiers -> page-per-vq off',
    ],
  ],
  [
    ['completed'],
    [
      'identical',
      'identical, return-path',
      'identical, page-per-vq on',
      's-no-ctrl -> s0',
      's0 -> s-no-ctrl, guest want=308010028',
      's-no-ctrlmac -> s0',
      's-no-status -> s0',
      's0 -> s-no-mac',
      's-no-mac -> s0',
      'ctrl_vq off -> off',
      'ctrl_vq off -> on',
      'mrg_rxbuf on -> off',
      'event_idx on -> off',
      'packed off -> on',
      'packed on -> on',
      'packed on -> off',
      'iommu_platform on -> on',
      'iommu_platform off -> on',
      'host_mtu 1500 -> 1400',
      's0 -> s-mtu1400',
      's-mtu1400 -> s0',
      's0 -> s-no-mtu',
      's0 -> s-no-mtu, guest want=308830020',
      's-no-mtu -> s0',
      'device of another MAC, same -device mac',
      'mac 52:54:00:0d:0a:02 -> 52:54:00:0d:0a:0b',
      'device and -device of another MAC',
      'guest sets its MAC',
      'rx_queue_size 256 -> 512',
      'rx_queue_size 512 -> 256',
      'rx_queue_size 1024 -> 1024',
      'tx_queue_size 256 -> 512',
      'tx_queue_size 512 -> 256',
      'machine pc-q35-10.0 -> q35',
      'machine q35 -> q35',
      'machine pc-q35-9.2 -> pc-q35-9.2',
      'UUID differs',
      'id net0 -> ua-net0',
      'one device more at the destination',
      'vp_vdpa -> simulator, features of both',
      'locked memory too low, simulator',
      'x-svq on -> on',
      'x-svq on -> off',
      'x-svq off -> on',
      'host_mtu 1500 -> 1500',
      'host_mtu 1500 -> 1500, s0 -> s-no-mtu',
      'host_mtu absent -> 1500',
      'device of another MAC, same -device mac, guest without control virtqueue',
      'mq off -> on',
      'mq on -> off',
      'romfile none -> absent',
      'romfile absent -> absent',
      'vp_vdpa -> simulator, features of both, control virtqueue',
      'notifiers -> notifiers',
      'notifiers -> none',
      'none -> notifiers',
      'QEMU 10.0 -> 7.2',
      'memory share off -> off',
      'vp_vdpa -> vp_vdpa, idle guest',
      'vp_vdpa -> vp_vdpa that offers INDIRECT_DESC, idle guest',
      'guest takes rings of 256, 1024 are offered',
      'guest takes rings of 1024, the device has 256: no network',
      'guest takes rings of 128, 1024 are offered',
      'QEMU 10.0 -> 7.2, guest takes rings of 128',
    ],
  ],
  [
    ['completed-state-lost'],
    [
      'vp_vdpa of another MAC',
      '2 queue pairs -> 2',
      'memory share on -> off',
      'cpu qemu64 -> Nehalem',
      'cpu qemu64 -> max',
      'one CPU more at the destination',
      'vp_vdpa -> vp_vdpa',
      'vp_vdpa -> vp_vdpa, page-per-vq on',
      'vp_vdpa -> vp_vdpa of 4-byte doorbells, page-per-vq on',
      'vp_vdpa of 4-byte doorbells -> vp_vdpa, page-per-vq on',
      'vp_vdpa that offers less -> vp_vdpa',
      'vp_vdpa -> vp_vdpa, guest sets its MAC',
      'simulator -> vp_vdpa',
      'simulator with MTU -> vp_vdpa',
      'locked memory too low, vp_vdpa',
      'locked memory too low, vp_vdpa -> vp_vdpa',
      'disk -> disk',
      'host_mtu 1500 -> 1500, s0 -> s-mtu1400',
      'another -device mac, guest without control virtqueue',
      'device and -device of another MAC, guest without control virtqueue',
      'vp_vdpa -> simulator, guest sets its MAC',
      'simulator -> vp_vdpa, features of both, control virtqueue',
      'locked memory too low, vp_vdpa -> vp_vdpa, idle guest',
    ],
  ],
];

/** What became of the guest when the cell was run before: several where it depends on who is faster. */
export function seenBefore(name: string): readonly Outcome[] {
  return seen.find(([, names]) => names.includes(name))?.[0] ?? [];
}
