import { isKnown } from '../model/fact.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';
import { deviceClassOf, hasFeature } from '../model/virtio-features.ts';

/**
 * Queue pairs of a net device as QEMU's -netdev vhost-vdpa sees them: the config space tells them only with
 * VIRTIO_NET_F_MQ (net/vhost-vdpa.c: vhost_vdpa_get_max_queue_pairs()).
 */
export function queuePairsOf(device: VdpaDevice): number | undefined {
  const { config, features } = device.identity;
  if (classOf(device) !== 'net') return undefined;
  if (isKnown(features) && !hasFeature(features, 'VIRTIO_NET_F_MQ')) return 1;
  // virtio 1.3, 5.1.4: 1 to 0x8000; of 0 the first virtqueue would be the control virtqueue
  const pairs = isKnown(config) && config.class === 'net' ? config.maxVirtqueuePairs : undefined;
  return pairs === 0 ? undefined : pairs;
}

export function classOf(device: VdpaDevice): string {
  return isKnown(device.identity.virtioId) ? deviceClassOf(device.identity.virtioId) : 'unknown';
}

/** Index of the control virtqueue of a net device (virtio 1.3, 5.1.2); undefined: it has none, or that is not known. */
export function controlVirtqueueOf(device: VdpaDevice): number | undefined {
  const { features } = device.identity;
  if (classOf(device) !== 'net' || !isKnown(features) || !hasFeature(features, 'VIRTIO_NET_F_CTRL_VQ'))
    return undefined;
  const pairs = queuePairsOf(device);
  return pairs === undefined ? undefined : 2 * pairs;
}

/** rx0, tx0, rx1 .. control; request0 .. on block; vq0 .. on everything else. */
export function roleOf(device: VdpaDevice, index: number): string {
  switch (classOf(device)) {
    case 'net':
      if (index === controlVirtqueueOf(device)) return 'control';
      return `${index % 2 === 0 ? 'rx' : 'tx'}${Math.floor(index / 2)}`;
    case 'block':
      return `request${index}`;
    default:
      return `vq${index}`;
  }
}
