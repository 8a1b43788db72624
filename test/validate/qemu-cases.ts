/** What QEMU must refuse for the rules that find it to be right. */
import type { Json } from '../../src/host/qmp-value.ts';
import { args, rootPort } from './samples.ts';

export const board = '-M q35 -nodefaults -no-user-config -display none -S -accel tcg -m 64'.split(' ');
export const backends =
  '-netdev hubport,hubid=0,id=n0 -netdev hubport,hubid=0,id=n1 -blockdev null-co,node-name=b0,size=1048576,read-zeroes=on'.split(
    ' ',
  );
export const port = (number: number): string[] => [
  '-device',
  `pcie-root-port,id=rp${number},bus=pcie.0,chassis=${number},addr=0x${(number + 1).toString(16)}`,
];

export type Command = readonly [command: 'device_add' | 'netdev_add', given: Record<string, Json>];
export const nic = (more: Record<string, Json>, bus = 'rp1'): Command => [
  'device_add',
  { driver: 'virtio-net-pci', netdev: 'n0', bus, ...more },
];
const disk = (more: Record<string, Json>): Command => [
  'device_add',
  { driver: 'virtio-blk-pci', drive: 'b0', bus: 'rp2', ...more },
];
const netdev = (more: Record<string, Json>): Command => ['netdev_add', { type: 'vhost-vdpa', ...more }];
export const nicArgs = (more: string): string => args(more);
const vdpaArgs = (netdev: string): string => args().replace('id=n0,vhostdev=/dev/vhost-vdpa-0', netdev);
export const diskArgs = (more: string): string =>
  `qemu-system-x86_64 -M pc-q35-7.2 -nodefaults\n${rootPort}\n-blockdev driver=virtio-blk-vhost-vdpa,node-name=b,path=/dev/vhost-vdpa-3,cache.direct=on\n-device virtio-blk-pci,drive=b,bus=rp1,${more}`;

/** [code, what QEMU says, what it is asked, a command line with the same in it] */
export const refused: readonly (readonly [string, RegExp, Command, string])[] = [
  [
    'validate.property-unknown',
    /Property '.*page_per_vq' not found/,
    nic({ page_per_vq: true }),
    nicArgs('page_per_vq=on'),
  ],
  ['validate.property-unknown', /Property '.*iommu' not found/, nic({ iommu: true }), nicArgs('iommu=on')],
  [
    'validate.ring-size',
    /Invalid rx_queue_size \(= 300\), must be a power of 2 between 256/,
    nic({ rx_queue_size: 300 }),
    nicArgs('rx_queue_size=300'),
  ],
  ['validate.ring-size', /Invalid rx_queue_size \(= 128\)/, nic({ rx_queue_size: 128 }), nicArgs('rx_queue_size=128')],
  [
    'validate.ring-size',
    /Invalid tx_queue_size \(= 2048\)/,
    nic({ tx_queue_size: 2048 }),
    nicArgs('tx_queue_size=2048'),
  ],
  [
    'validate.ring-size',
    /invalid queue-size property \(300\), must be a power of 2 \(max 1024\)/,
    disk({ 'queue-size': 300 }),
    diskArgs('queue-size=300'),
  ],
  [
    'validate.ring-size',
    /invalid queue-size property \(2\), must be > 2/,
    disk({ 'queue-size': 2 }),
    diskArgs('queue-size=2'),
  ],
  [
    'validate.on-off-auto',
    /'disable-legacy' does not accept value 'yes'/,
    nic({ 'disable-legacy': 'yes' }),
    nicArgs('disable-legacy=yes'),
  ],
  [
    'validate.transitional',
    /VIRTIO_F_IOMMU_PLATFORM was supported by neither legacy nor transitional/,
    nic({ 'disable-legacy': 'off', iommu_platform: true }),
    nicArgs('disable-legacy=off,iommu_platform=on'),
  ],
  [
    'validate.netdev-link',
    /can't find value 'nowhere'/,
    nic({ netdev: 'nowhere' }),
    args('', '-device virtio-net-pci,netdev=nowhere,bus=rp1'),
  ],
  ['validate.netdev-device', /neither vhostdev= nor vhostfd= was specified/, netdev({ id: 'x' }), vdpaArgs('id=n0')],
  [
    'validate.netdev-device',
    /mutually exclusive/,
    netdev({ id: 'x', vhostdev: '/dev/null', vhostfd: '0' }),
    vdpaArgs('id=n0,vhostdev=/dev/null,vhostfd=0'),
  ],
  [
    'validate.netdev-link',
    /Parameter 'id' is missing/,
    netdev({ vhostdev: '/dev/null' }),
    vdpaArgs('vhostdev=/dev/vhost-vdpa-0'),
  ],
  [
    'validate.vhost-user-option',
    /Parameter 'chardev' is unexpected/,
    netdev({ id: 'x', chardev: 'c' }),
    vdpaArgs('id=n0,vhostdev=/dev/vhost-vdpa-0,chardev=c'),
  ],
  [
    'validate.device-path',
    /Could not open 'vhost-vdpa-0'/,
    netdev({ id: 'x', vhostdev: 'vhost-vdpa-0' }),
    vdpaArgs('id=n0,vhostdev=vhost-vdpa-0'),
  ],
  [
    'validate.device-path',
    /Could not open '\/dev\/vhost-vdpa-N'/,
    netdev({ id: 'x', vhostdev: '/dev/vhost-vdpa-N' }),
    vdpaArgs('id=n0,vhostdev=/dev/vhost-vdpa-N'),
  ],
  [
    'validate.fdset-missing',
    /fdset/,
    netdev({ id: 'x', vhostdev: '/dev/fdset/7' }),
    vdpaArgs('id=n0,vhostdev=/dev/fdset/7'),
  ],
];
