import { isKnown } from '../model/fact.ts';
import type { PciFunction, Unknown, VirtioPciCapability } from '../model/generated/host-report.ts';

/** Where a virtqueue's doorbell lies, and what else is in its page. Addresses are bytes. */
export interface DoorbellPage {
  readonly bar: number;
  /** offset of the doorbell in the BAR */
  readonly offset: bigint;
  /** offset of the page in the BAR; negative where the BAR begins inside of the page */
  readonly page: bigint;
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
  /**
   * other things in any page of the notify capability, in words; empty where all doorbells are in one page. Which page
   * is the virtqueue's is an assumption (doorbellPageOf), and the kernel's answer is the same for each.
   */
  readonly elsewhere: readonly string[];
  /** the notify capability ends in the middle of a page, and that may be the virtqueue's */
  readonly raggedEnd: boolean;
}

/** Which one counts is up to the driver: virtio's own code takes the first (vp_vdpa, pds), ifcvf_init_hw() the last. */
export const severalAreas = 'the PCI function has several notify capabilities, which describe different areas';

/** The notify capability that the kernel's drivers use, and the BAR that it is in. */
export interface NotifyArea {
  readonly notify: VirtioPciCapability;
  readonly multiplier: number;
  readonly bar: Bar;
  readonly regions: readonly Region[];
}

export type Bar = Exclude<PciFunction['bars'], Unknown>[number];

/** Something other than the doorbells that lies in the notify capability's BAR, or in a page of it. Bytes from the BAR's start. */
export interface Region {
  readonly kind: 'registers' | 'msix' | 'bar';
  readonly name: string;
  /** the name and where it is: `device configuration registers at BAR 4 + 0x2000` */
  readonly place: string;
  readonly from: bigint;
  /** first byte behind it */
  readonly to: bigint;
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
 * Finds where the doorbells are, and everything else that is declared around them.
 * Returns the reason in words where the layout cannot be computed.
 * Source: virtio 1.3, 4.1.4: a function may offer several structures of one type; a capability of type pci is a window,
 * not a register.
 */
export function notifyAreaOf(pci: PciFunction): NotifyArea | string {
  const known = areas.get(pci);
  if (known !== undefined) return known;
  const found = findNotifyArea(pci);
  areas.set(pci, found);
  return found;
}

/** A function is asked about once per virtqueue and page size. */
const areas = new WeakMap<PciFunction, NotifyArea | string>();

function findNotifyArea(pci: PciFunction): NotifyArea | string {
  if (!isKnown(pci.capabilities)) return pci.capabilities.detail;
  if (!isKnown(pci.bars)) return pci.bars.detail;
  const { bars } = pci;
  const { virtio, msix } = pci.capabilities;
  const [notify, ...others] = virtio.filter(({ type }) => type === 'notify');
  if (notify !== undefined && others.some((other) => !isSameArea(notify, other))) return severalAreas;
  const bar = bars.find((candidate) => candidate.index === notify?.bar);
  if (!notify || !bar) return 'the PCI function has no virtio notify capability';
  if (notify.notifyOffMultiplier === undefined) return 'the notify capability is incomplete';
  if (bar.kind === 'io') return `the notify capability is in BAR ${bar.index}, whose addresses are I/O ports`;

  const regions: Region[] = [];
  const add = (kind: Region['kind'], name: string, offset: number, length: number): void => {
    if (length === 0) return;
    const from = BigInt(offset);
    const place = `${name} at BAR ${bar.index} + 0x${offset.toString(16)}`;
    regions.push({ kind, name, place, from, to: from + BigInt(length) });
  };
  for (const cap of virtio) {
    if (cap.type === 'notify' || cap.bar !== bar.index || cap.type === 'pci') continue;
    add('registers', names[cap.type], cap.offset, cap.length);
  }
  if (msix?.tableBar === bar.index) add('msix', 'the MSI-X table', msix.tableOffset, 16 * msix.vectors);
  if (msix?.pbaBar === bar.index) {
    add('msix', 'the MSI-X pending bits', msix.pbaOffset, 8 * Math.ceil(msix.vectors / 64));
  }
  for (const other of bars) {
    if (other === bar || other.kind === 'io' || BigInt(other.size) === 0n) continue;
    const name = `BAR ${other.index} of the same function`;
    const from = BigInt(other.start) - BigInt(bar.start);
    regions.push({ kind: 'bar', name, place: name, from, to: from + BigInt(other.size) });
  }
  return { notify, multiplier: notify.notifyOffMultiplier, bar, regions };
}

function isSameArea(one: VirtioPciCapability, other: VirtioPciCapability): boolean {
  return (
    one.bar === other.bar &&
    one.offset === other.offset &&
    one.length === other.length &&
    one.notifyOffMultiplier === other.notifyOffMultiplier
  );
}

/**
 * Computes the page of a virtqueue's doorbell from PCI config space alone, without touching the BAR:
 * BAR + notify capability offset + queue_notify_off * notify_off_multiplier (virtio 1.3, 4.1.4.4.1), with
 * queue_notify_off taken to be the virtqueue's index (the register itself can only be read by writing queue_select in
 * the BAR, which would disturb a live device). The kernel's mmap answer cannot bear that out where the multiplier is the
 * page size, since each page of the capability passes its checks: hence `elsewhere`.
 * Returns the reason in words where the layout cannot be computed.
 * Source: drivers/virtio/virtio_pci_modern_dev.c: vp_modern_map_vq_notify().
 */
export function doorbellPageOf(pci: PciFunction, index: number, pageSize: number): DoorbellPage | string {
  if (pageSize === 0) return 'pages of 0 bytes are none';
  const area = notifyAreaOf(pci);
  if (typeof area === 'string') return area;
  const { notify, multiplier, bar, regions } = area;
  const size = BigInt(pageSize);
  const start = BigInt(bar.start);
  const offset = BigInt(notify.offset) + BigInt(index) * BigInt(multiplier);
  const address = start + offset;
  const page = address - (address % size) - start;
  const end = page + size;
  return {
    bar: bar.index,
    offset,
    page,
    aligned: address % size === 0n,
    multiplier,
    neighbours: regions.filter(({ from, to }) => from < end && to > page).map(({ place }) => place),
    beyondBar: page < 0n || end > BigInt(bar.size),
    declared: page >= BigInt(notify.offset) && end <= BigInt(notify.offset) + BigInt(notify.length),
    elsewhere: multiplier === 0 ? [] : thingsInPagesOf(area, size),
    raggedEnd: multiplier !== 0 && (start + BigInt(notify.offset) + BigInt(notify.length)) % size !== 0n,
  };
}

/** What other than doorbells lies in a page that the notify capability touches, or that such a page leaves the BAR. */
function thingsInPagesOf(area: NotifyArea, pageSize: bigint): readonly string[] {
  const known = things.get(area) ?? new Map<bigint, readonly string[]>();
  things.set(area, known);
  const found = known.get(pageSize) ?? findThings(area, pageSize);
  known.set(pageSize, found);
  return found;
}

/** The answer is the same for each virtqueue. */
const things = new WeakMap<NotifyArea, Map<bigint, readonly string[]>>();

function findThings(area: NotifyArea, pageSize: bigint): readonly string[] {
  const { notify, bar, regions } = area;
  const start = BigInt(bar.start);
  const down = (offset: bigint): bigint => offset - ((start + offset) % pageSize);
  const from = down(BigInt(notify.offset));
  const last = BigInt(notify.offset) + BigInt(notify.length) - 1n;
  const to = notify.length === 0 ? from + pageSize : down(last) + pageSize;
  const found = regions.filter((region) => region.from < to && region.to > from).map(({ place }) => place);
  if (from < 0n || to > BigInt(bar.size)) found.push('bytes beyond the BAR');
  return found;
}

/**
 * The virtqueues whose doorbell is in a page: a run of indices, since queue_notify_off is taken to be the index.
 * @param page offset of the page in the BAR
 * @param count of virtqueues of the device
 * @returns undefined: none
 */
export function virtqueuesIn(
  { notify, multiplier }: NotifyArea,
  page: bigint,
  pageSize: number,
  count: number,
): { first: number; last: number } | undefined {
  if (count === 0) return undefined;
  const from = page - BigInt(notify.offset);
  const to = from + BigInt(pageSize);
  if (multiplier === 0) return from <= 0n && to > 0n ? { first: 0, last: count - 1 } : undefined;
  const step = BigInt(multiplier);
  const first = from <= 0n ? 0n : (from + step - 1n) / step;
  const last = to <= 0n ? -1n : (to - 1n) / step;
  const bounded = last > BigInt(count - 1) ? BigInt(count - 1) : last;
  return bounded < first ? undefined : { first: Number(first), last: Number(bounded) };
}
