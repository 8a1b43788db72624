import { isBefore, kernelVersionOf } from '../doorbell/kernel-version.ts';
import { isKnown } from '../model/fact.ts';
import type { Host } from '../model/generated/host-report.ts';
import { isSince } from '../model/qemu-version.ts';
import type { Pair } from './migration.ts';

/** The largest ring of a guest device, in descriptors. */
export interface Ring {
  readonly size: number;
  /** false: the guest may take it, and whether it does is not known */
  readonly inUse: boolean;
}

/**
 * What a running guest uses, else what it is offered: its size as it is set, but by QEMU 10.0.13 always 1024.
 * @param qemu version of the QEMU that the guest started with
 */
export function largestRing({ kind, running, guest }: Pair, qemu: string | undefined): Ring | undefined {
  const virtqueues = running && isKnown(running.virtqueues) ? running.virtqueues : [];
  const used = virtqueues.flatMap(({ enabled, size }) => (enabled === true && isKnown(size) ? [size] : []));
  if (used.length > 0) return { size: Math.max(...used), inUse: true };
  if (qemu !== undefined && offersOneSizeOnly(qemu)) return { size: 1024, inUse: false };
  const set = kind === 'net' ? [guest.rxQueueSize, guest.txQueueSize].filter((size) => isKnown(size)) : [];
  return set.length > 0 ? { size: Math.max(...set), inUse: false } : undefined;
}

/**
 * QEMU hw/virtio/virtio.c: virtio_add_queue() of 10.0.13 makes every ring VIRTQUEUE_MAX_SIZE, which rx_queue_size and
 * the like do not change; 7.2.22 does not. Of other versions it is not known.
 */
function offersOneSizeOnly(qemu: string): boolean {
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
