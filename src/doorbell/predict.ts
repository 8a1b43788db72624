import { isKnown } from '../model/fact.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';
import { areaWitness, type KnownParent } from './known-parent.ts';
import { doorbellPageOf } from './pci-layout.ts';
import { controlVirtqueueOf } from './virtqueue-role.ts';

/** What the kernel is expected to answer to the mapping of one doorbell, and from what it follows. */
export interface Prediction {
  readonly answer: 'mapped' | 'EINVAL' | 'ENOTSUPP';
  readonly by: 'pci-config' | 'table' | 'operator';
  /** end of a sentence: what lets expect it */
  readonly because: string;
}

/**
 * Follows vhost_vdpa_mmap() (drivers/vhost/vdpa.c): no area or none of the driver: 524; an address that is no multiple
 * of the page size: EINVAL; a size that is not one page: 524. The address comes from PCI config space, the size is the
 * one that the parent driver's get_vq_notification() reports. undefined: it cannot be foretold.
 */
export function predictMapping(
  device: VdpaDevice,
  known: KnownParent,
  index: number,
  pageSize: number,
): Prediction | undefined {
  const { area: row } = known;
  if (row?.area === undefined || row.area === 'unknown') return undefined;
  const by = areaWitness(known);
  if (row.area === 'none') {
    return { answer: 'ENOTSUPP', by, because: `parent driver ${row.driver} has no notification area (${row.source})` };
  }
  if (row.controlArea === 'none' && index === controlVirtqueueOf(device)) {
    return { answer: 'ENOTSUPP', by, because: `${row.driver} has none for the control virtqueue (${row.source})` };
  }
  if (row.area !== 'virtio-notify-capability') {
    // of larger pages the row does not speak
    if (pageSize !== 4096) return undefined;
    const what = row.area === 'shared-page' ? 'one page for all' : 'a page for each';
    return { answer: 'mapped', by, because: `${row.driver} reports ${what} (${row.source})` };
  }
  const { pci } = device;
  if (!isKnown(pci) || pci === null || row.size === undefined) return undefined;
  const page = doorbellPageOf(pci, index, pageSize);
  if (typeof page === 'string') return undefined;
  const where = `BAR ${page.bar} + 0x${page.offset.toString(16)}, ${page.multiplier} bytes per virtqueue`;
  const because = `PCI config space puts the doorbell at ${where}`;
  if (!page.aligned) return { answer: 'EINVAL', by: 'pci-config', because };
  const fits = sizeOf(row.size, page.multiplier, pageSize) === pageSize;
  return { answer: fits ? 'mapped' : 'ENOTSUPP', by: 'pci-config', because };
}

function sizeOf(
  rule: 'multiplier' | 'multiplier-or-host-page' | 'multiplier-or-4096' | 'host-page',
  multiplier: number,
  pageSize: number,
): number {
  if (rule === 'host-page') return pageSize;
  if (multiplier !== 0) return multiplier;
  return rule === 'multiplier-or-host-page' ? pageSize : rule === 'multiplier-or-4096' ? 4096 : 0;
}
