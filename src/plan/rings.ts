import { isBefore, kernelVersionOf } from '../doorbell/kernel-version.ts';
import type { Host } from '../model/generated/host-report.ts';
import { isSince } from '../model/qemu-version.ts';

/** Descriptors (QEMU include/hw/virtio/virtio.h: VIRTQUEUE_MAX_SIZE). */
export const largestRingOffered = 1024;

/**
 * QEMU hw/virtio/virtio.c: virtio_add_queue() of 10.0.13 makes every ring VIRTQUEUE_MAX_SIZE, which rx_queue_size and
 * the like do not change; 7.2.22 does not. Of other versions it is not known.
 */
export function offersLargestRings(qemu: string): boolean {
  return isSince(qemu, '10.0.13') && !isSince(qemu, '10.1');
}

/**
 * Whether the kernel refuses a ring larger than the parent driver's largest: Linux drivers/vhost/vdpa.c:
 * vhost_vdpa_vring_ioctl() from 6.12.111 on. Before, the limit was left to the parent driver.
 * @returns undefined: not known
 */
export function refusesLargerRings(host: Host): boolean | undefined {
  const version = kernelVersionOf(host);
  if (!version || version.vendor || version.major !== 6 || version.minor !== 12) return undefined;
  return !isBefore(version, 6, 12, 111);
}
