import { isKnown } from '../model/fact.ts';
import type { VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { Host, VdpaDevice } from '../model/generated/host-report.ts';
import { doorbellPageOf, notifyAreaOf, virtqueuesIn } from './pci-layout.ts';

/** Page sizes that Linux hosts have (arm64 has all three), besides the one of the host itself. Bytes. */
const usualPageSizes = [4096, 16384, 65536];

/** The page sizes to look at, in order. Bytes. */
export function pageSizesFor(host: Host): number[] {
  const own = isKnown(host.pageSize) && host.pageSize > 0 ? [host.pageSize] : [];
  return [...new Set([...usualPageSizes, ...own])].sort((a, b) => a - b);
}

/** Where PCI config space puts a doorbell, and what its page holds for each page size; undefined where it does not tell. */
export function locationOf(
  device: VdpaDevice,
  index: number,
  pageSizes: readonly number[],
): VirtqueueAssessment['location'] {
  const { pci } = device;
  if (!isKnown(pci) || pci === null) return undefined;
  const area = notifyAreaOf(pci);
  if (typeof area === 'string') return undefined;
  const count = virtqueueCountOf(device);
  const offset = BigInt(area.notify.offset) + BigInt(index) * BigInt(area.multiplier);
  const pages = pageSizes.flatMap((pageSize) => {
    const page = doorbellPageOf(pci, index, pageSize);
    if (typeof page === 'string') return [];
    const inPage = virtqueuesIn(area, page.page, pageSize, count);
    return [
      {
        pageSize,
        offset: hex(page.page),
        aligned: page.aligned,
        declared: page.declared,
        beyondBar: page.beyondBar,
        registers: [...page.neighbours],
        otherVirtqueues: inPage ? inPage.last - inPage.first : 0,
      },
    ];
  });
  return { bar: area.bar.index, offset: hex(offset), bytesPerVirtqueue: area.multiplier, pages };
}

/** How many virtqueues the kernel was asked for, or the device says it has; 0 where neither is known. */
export function virtqueueCountOf({ virtqueues, identity: { vqCount } }: VdpaDevice): number {
  if (isKnown(virtqueues)) return virtqueues.length;
  return isKnown(vqCount) ? Math.min(vqCount, 65536) : 0;
}

/** `0x3000`, `-0x800`. */
export function hex(value: bigint): string {
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}
