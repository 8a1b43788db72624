import { isKnown } from '../model/fact.ts';
import type { PciFunction, VirtioPciCapability } from '../model/generated/host-report.ts';

/** Where a virtqueue's doorbell lies, and what else is in its page. Addresses are bytes. */
export interface DoorbellPage {
  readonly bar: number;
  /** offset of the doorbell in the BAR */
  readonly offset: bigint;
  /** physical address of the doorbell is a multiple of the page size */
  readonly aligned: boolean;
  /** bytes from one doorbell to the next; 0: one doorbell for all */
  readonly multiplier: number;
  /** other things in the page, in words: `device configuration registers at BAR 4 + 0x2000` */
  readonly neighbours: readonly string[];
  /** the page reaches beyond the BAR: it may hold another BAR or another function */
  readonly beyondBar: boolean;
  /** the page is inside the notify capability's range to its end */
  readonly declared: boolean;
}

const names: Record<VirtioPciCapability['type'], string> = {
  common: 'common configuration registers',
  notify: 'another notification area',
  isr: 'the ISR status register',
  device: 'device configuration registers',
  pci: 'the PCI configuration access window',
  'shared-memory': 'a shared memory region',
  vendor: 'vendor registers',
  unknown: 'registers of an unknown virtio capability',
};

/**
 * Computes the page of a virtqueue's doorbell from PCI config space alone, without touching the BAR:
 * BAR + notify capability offset + queue_notify_off * notify_off_multiplier (virtio 1.3, 4.1.4.4.1), with
 * queue_notify_off taken to be the virtqueue's index, as the kernel's mmap answer has to bear out (the register
 * itself can only be read by writing queue_select in the BAR, which would disturb a live device).
 * Returns the reason in words where the layout cannot be computed.
 * Source: drivers/virtio/virtio_pci_modern_dev.c: vp_modern_map_vq_notify(), virtio_pci_find_capability().
 */
export function doorbellPageOf(pci: PciFunction, index: number, pageSize: number): DoorbellPage | string {
  if (pageSize === 0) return 'pages of 0 bytes are none';
  if (!isKnown(pci.capabilities)) return pci.capabilities.detail;
  if (!isKnown(pci.bars)) return pci.bars.detail;
  const { bars } = pci;
  const { virtio, msix } = pci.capabilities;
  const notify = virtio.find((cap) => cap.type === 'notify' && bars.some((bar) => bar.index === cap.bar));
  if (!notify) return 'the PCI function has no virtio notify capability';
  const bar = bars.find((candidate) => candidate.index === notify.bar);
  if (!bar || notify.notifyOffMultiplier === undefined) return 'the notify capability is incomplete';
  if (bar.kind === 'io') return `the notify capability is in BAR ${bar.index}, whose addresses are I/O ports`;

  const size = BigInt(pageSize);
  const start = BigInt(bar.start);
  const offset = BigInt(notify.offset) + BigInt(index) * BigInt(notify.notifyOffMultiplier);
  const address = start + offset;
  const page = address - (address % size) - start; // offset of the page in the BAR; negative where the BAR is not aligned
  const end = page + size;
  const overlaps = (from: number | bigint, length: number | bigint): boolean =>
    BigInt(from) < end && BigInt(from) + BigInt(length) > page;

  const neighbours: string[] = [];
  for (const cap of virtio) {
    if (cap === notify || cap.bar !== bar.index || cap.type === 'pci' || !overlaps(cap.offset, cap.length)) continue;
    neighbours.push(`${names[cap.type]} at BAR ${bar.index} + 0x${cap.offset.toString(16)}`);
  }
  if (msix) {
    if (msix.tableBar === bar.index && overlaps(msix.tableOffset, 16 * msix.vectors)) {
      neighbours.push(`the MSI-X table at BAR ${bar.index} + 0x${msix.tableOffset.toString(16)}`);
    }
    if (msix.pbaBar === bar.index && overlaps(msix.pbaOffset, 8 * Math.ceil(msix.vectors / 64))) {
      neighbours.push(`the MSI-X pending bits at BAR ${bar.index} + 0x${msix.pbaOffset.toString(16)}`);
    }
  }
  const notifyEnd = BigInt(notify.offset) + BigInt(notify.length);
  return {
    bar: bar.index,
    offset,
    aligned: address % size === 0n,
    multiplier: notify.notifyOffMultiplier,
    neighbours,
    beyondBar: page < 0n || end > BigInt(bar.size),
    declared: page >= BigInt(notify.offset) && end <= notifyEnd,
  };
}
