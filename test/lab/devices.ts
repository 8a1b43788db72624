/**
 * The vDPA devices of L1, and what each of them takes: a PCI function that L0's QEMU emulates, or a simulator.
 *
 * virtio-net-pci of L0 is the hardware here: with page-per-vq=on it gives L1 one doorbell page per virtqueue, without it
 * four bytes per virtqueue. vp_vdpa in L1 turns the function into a vDPA device with exactly that doorbell layout.
 */
export type LabDevice = PciDevice | SimDevice;

export interface PciDevice {
  readonly kind: 'vp';
  readonly name: string;
  readonly mac: string;
  readonly pagePerVq: boolean;
  /** More than one makes the function offer VIRTIO_NET_F_MQ; needs /dev/net/tun on L0 (see l1-args.ts). */
  readonly queuePairs?: number;
  /** Further properties of L0's card, such as `packed=on`. */
  readonly card?: string;
  /** Further arguments of `vdpa dev add`. */
  readonly add?: readonly string[];
}

export interface SimDevice {
  readonly kind: 'sim-net' | 'sim-blk';
  readonly name: string;
  readonly add?: readonly string[];
  /** A doorbell layout of the zoo; without it a simulator has no doorbells. */
  readonly zoo?: ZooLayout;
}

/** The layouts of zoo/doorbell-zoo.c, described there. */
export type ZooLayout = (typeof zooLayouts)[number];

export const zooLayouts = [
  'none',
  'page',
  'page-data',
  '2byte',
  '4byte',
  '4k',
  'shared',
  'registers',
  'bar-end',
  'big',
  'mixed',
] as const;

/** vhost_vdpa gives the numbers of /dev/vhost-vdpa-N in this order: 0, 1, 2, 3. */
export const usualDevices: readonly LabDevice[] = [
  { kind: 'vp', name: 'vp0', mac: '52:54:00:0d:0a:00', pagePerVq: true },
  { kind: 'vp', name: 'vp1', mac: '52:54:00:0d:0a:01', pagePerVq: false },
  { kind: 'sim-net', name: 'sim0', add: ['mac', '52:54:00:0d:0a:02'] },
  { kind: 'sim-blk', name: 'blk0' },
];

export interface PciSlot {
  readonly device: PciDevice;
  readonly slot: number;
}

/** PCI devices sit on L1's root bus from slot 4 on, in the order given. */
export function pciSlots(devices: readonly LabDevice[]): readonly PciSlot[] {
  return devices.filter((device) => device.kind === 'vp').map((device, index) => ({ device, slot: 4 + index }));
}

/** The argument list of l1/add-device.sh. */
export function addDeviceArgs(device: LabDevice, devices: readonly LabDevice[]): string[] {
  return [device.name, managementDevice(device, devices), ...(device.add ?? [])];
}

function managementDevice(device: LabDevice, devices: readonly LabDevice[]): string {
  if (device.kind === 'sim-net') return 'vdpasim_net';
  if (device.kind === 'sim-blk') return 'vdpasim_blk';
  const slot = pciSlots(devices).find((entry) => entry.device === device)?.slot ?? 0;
  return `pci/0000:00:${slot.toString(16).padStart(2, '0')}.0`;
}
