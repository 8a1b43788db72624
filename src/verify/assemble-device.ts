import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { HostNotifier, ObservedDevice, ObservedProcess } from '../model/generated/observation.ts';
import type { FoundDevice } from './find-devices.ts';
import type { Inventory } from './inventory.ts';
import type { VirtqueueCount } from './count-virtqueues.ts';
import type { QueueFacts } from './read-queues.ts';
import type { VirtioStatus } from './virtio-status.ts';

/** What QEMU answered about one device. */
export interface ReadDevice {
  readonly device: FoundDevice;
  /** virtio-net, virtio-blk .. */
  readonly name: string | undefined;
  readonly status: VirtioStatus;
  readonly notifiers: readonly (HostNotifier & { readonly index: number })[];
  readonly vhostdev: string | null;
  /** bytes of its MSI-X table */
  readonly tableSize: number | null;
  readonly facts: Pick<ObservedDevice, 'pagePerVq' | 'disableModern' | 'disableLegacy' | 'properties'>;
}

/** What was read of one device after that. */
export interface ReadLast {
  readonly count: VirtqueueCount;
  readonly queues: readonly QueueFacts[];
  readonly pci: ObservedDevice['pci'];
}

/** What is known around a device. */
export interface Surroundings {
  /** the devices of the VM */
  readonly all: readonly ReadDevice[];
  readonly inventory: Inventory;
  readonly process: ObservedProcess | null;
}

/** Puts together what was read of one device. */
export function assembleDevice(
  read: ReadDevice,
  { count, queues, pci }: ReadLast,
  { all, inventory, process }: Surroundings,
): ObservedDevice {
  const { path, frontend, backend, attachment, netdev } = read.device;
  const deviceClass = classOf(read.name, frontend);
  return {
    path,
    id: /^\/machine\/peripheral\/([^/]+)$/.exec(path)?.[1] ?? null,
    frontend,
    backend,
    attachment,
    deviceClass,
    netdev,
    netdevQueues: netdevQueuesOf(netdev, inventory),
    charDevice: charDeviceOf(read, all, process),
    ...read.facts,
    pci,
    status: read.status.status,
    guestFeatures: read.status.guestFeatures,
    hostFeatures: read.status.hostFeatures,
    vhostStarted: read.status.vhostStarted,
    shadowVirtqueues: shadowOf(read, inventory, process),
    virtqueueCount: count.total,
    virtqueues:
      isUnknown(count.total) && count.seen === 0
        ? count.total
        : queues.map(({ size, ready }, index) => ({
            index,
            role: roleIn(deviceClass, count.total, index),
            size,
            ready,
            hostNotifier: withoutIndex(read.notifiers.find((notifier) => notifier.index === index)),
          })),
  };
}

function netdevQueuesOf(netdev: string | null, { netdevs }: Inventory): Fact<number | null> {
  if (netdev === null) return null;
  if (isUnknown(netdevs)) return netdevs;
  return netdevs.get(netdev)?.queues ?? unknown('not-present', `info network does not show ${netdev}`);
}

function classOf(name: string | undefined, frontend: string): Fact<string> {
  const word = name ?? (frontend.startsWith('vhost-vdpa-device') ? undefined : frontend);
  const found = /^(?:virtio|vhost-user)-([a-z0-9]+)/.exec(word ?? '')?.[1];
  if (found === undefined) return unknown('not-supported', 'x-query-virtio, which tells it, is in QEMU 7.2 and newer');
  return found === 'blk' ? 'block' : found;
}

/** virtio-net always has its control virtqueue, as the last one (hw/net/virtio-net.c: virtio_net_device_realize()). */
function roleIn(deviceClass: Fact<string>, count: Fact<number>, index: number): string {
  if (deviceClass === 'net') {
    if (isKnown(count) && count % 2 === 1 && index === count - 1) return 'control';
    return `${index % 2 === 0 ? 'rx' : 'tx'}${Math.floor(index / 2)}`;
  }
  return deviceClass === 'block' ? `request${index}` : `vq${index}`;
}

/** The command line names it; else the only device of the VM has the only file that the process has open. */
function charDeviceOf(read: ReadDevice, all: readonly ReadDevice[], process: ObservedProcess | null): Fact<string> {
  if (read.vhostdev?.startsWith('/dev/vhost-vdpa-') === true) return read.vhostdev;
  if (read.device.backend === 'vhost-user') return unknown('not-present', 'vhost-user has none');
  if (process === null) return unknown('not-asked', 'the QEMU process was not looked at (--pid)');
  const netdev = isKnown(process.netdevs) ? process.netdevs.find(({ id }) => id === read.device.netdev) : undefined;
  if (typeof netdev?.charDevice === 'string') return netdev.charDevice;
  if (isUnknown(process.devices)) return process.devices;
  const [only] = process.devices;
  if (all.length === 1 && process.devices.length === 1 && only !== undefined) return only;
  return unknown('not-present', 'neither the command line nor the open files of the process name it');
}

/**
 * x-svq is a property of the netdev, which no QMP command shows. QEMU before 8.0 offers VHOST_F_LOG_ALL on vhost-vdpa
 * with x-svq=on only (hw/virtio/vhost-vdpa.c: vhost_vdpa_get_features()).
 */
function shadowOf(read: ReadDevice, { vm }: Inventory, process: ObservedProcess | null): Fact<boolean> {
  const { device, status } = read;
  if (device.backend !== 'vhost-vdpa' || device.attachment !== 'netdev') return false;
  const netdev = process && isKnown(process.netdevs) ? process.netdevs.find(({ id }) => id === device.netdev) : null;
  if (netdev) return netdev.shadowVirtqueues;
  if (parseInt(vm.qemu.version, 10) < 8 && isKnown(status.vhostFeatures)) {
    return status.vhostFeatures.includes('VHOST_F_LOG_ALL');
  }
  return unknown('not-asked', 'no QMP command shows x-svq; the command line that made the netdev does (--pid)');
}

function withoutIndex(notifier: ReadDevice['notifiers'][number] | undefined): HostNotifier | null {
  if (!notifier) return null;
  const { name, address, size, container } = notifier;
  return { name, address, size, container };
}
