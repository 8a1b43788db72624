import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { ReadDevice } from './assemble-device.ts';
import type { Inventory } from './inventory.ts';

export interface VirtqueueCount {
  readonly total: Fact<number>;
  /** as many as are known to be there: all, or up to the last one that has a host notifier */
  readonly seen: number;
}

/** How many virtqueues a device has: host notifiers show only some of them. */
export function countVirtqueues(read: ReadDevice, inventory: Inventory): VirtqueueCount {
  const { device, notifiers } = read;
  const shown = notifiers.reduce((most, { index }) => Math.max(most, index + 1), 0);
  const total = device.frontend.startsWith('vhost-vdpa-device') ? ofVdpaDevice(read, shown) : ofVirtio(read, inventory);
  if (isKnown(total) && total >= shown) return { total, seen: total };
  const why = isUnknown(total) ? total : unknown('not-present', `${total} are named, and ${shown} are there`);
  return { total: why, seen: shown };
}

/**
 * A vhost-vdpa-device is one vhost_dev, of which QEMU maps all doorbells or none (hw/virtio/vhost-vdpa.c:
 * vhost_vdpa_host_notifiers_init()). Without them: it has one MSI-X vector per virtqueue and one more
 * (hw/virtio/vdpa-dev-pci.c), of 16 bytes each.
 */
function ofVdpaDevice({ status, tableSize }: ReadDevice, shown: number): Fact<number> {
  if (shown > 0) return shown;
  return tableSize !== null && tableSize >= 32 ? Math.floor(tableSize / 16) - 1 : status.virtqueues;
}

function ofVirtio({ device, status, facts, notifiers }: ReadDevice, { netdevs }: Inventory): Fact<number> {
  const queues = facts.properties['num-queues'];
  if (isKnown(status.virtqueues)) return status.virtqueues;
  if (device.frontend.startsWith('vhost-user-blk') && typeof queues === 'number') return queues;
  if (device.netdev === null) return status.virtqueues;
  const clients = isUnknown(netdevs) ? undefined : netdevs.get(device.netdev)?.queues;
  // A pair and the control virtqueue, which virtio-net always has: also where the guest is not offered VIRTIO_NET_F_MQ
  // (hw/net/virtio-net.c: virtio_net_set_multiqueue()).
  if (clients === 1 || facts.properties['mq'] === false) return 3;
  if (clients === undefined) return status.virtqueues;
  if (device.backend === 'vhost-user') return 2 * clients + 1;
  // With vhost-vdpa the last client is that of the control virtqueue, or of another pair, which is mapped as a whole.
  const last = 2 * clients - 2;
  const has = (index: number): boolean => notifiers.some((one) => one.index === index);
  if (has(last + 1)) return 2 * clients + 1;
  return has(last) ? last + 1 : status.virtqueues;
}
