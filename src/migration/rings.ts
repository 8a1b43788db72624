import { isKnown } from '../model/fact.ts';
import { largestRingOffered, offersLargestRings } from '../plan/rings.ts';
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
  if (qemu !== undefined && offersLargestRings(qemu)) return { size: largestRingOffered, inUse: false };
  const set = kind === 'net' ? [guest.rxQueueSize, guest.txQueueSize].filter((size) => isKnown(size)) : [];
  return set.length > 0 ? { size: Math.max(...set), inUse: false } : undefined;
}
