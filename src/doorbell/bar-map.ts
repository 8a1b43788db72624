import { isKnown } from '../model/fact.ts';
import type { DeviceAssessment, VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';
import { pciMayTell } from './known-parent.ts';
import { hex, virtqueueCountOf } from './location.ts';
import { knowledgeOf } from './parents.ts';
import { notifyAreaOf, virtqueuesIn, type NotifyArea } from './pci-layout.ts';

/**
 * What a page with a doorbell is, by PCI config space; `hazard`: a row says that it holds more; `unsafe`: what PCI shows
 * is harmless, the kernel is not; `unverified`: nothing vouches for what PCI shows; `none`: no doorbell in it.
 */
export type PageState =
  | 'exclusive'
  | 'own-virtqueues'
  | 'other-registers'
  | 'beyond-bar'
  | 'undeclared'
  | 'hazard'
  | 'unsafe'
  | 'unverified'
  | 'none';

/** Something in a 4096-byte page. `from` and `to` are bytes from the page's start. */
export interface PageItem {
  readonly kind: 'doorbell' | 'registers' | 'msix' | 'bar' | 'notify' | 'beyond';
  readonly from: number;
  readonly to: number;
  /** empty: it needs no words */
  readonly label: string;
}

/** One 4096-byte page, and the 65536-byte page around it. */
export interface PageRow {
  readonly kind: 'page';
  /** from the start of the BAR */
  readonly offset: string;
  readonly state: PageState;
  readonly items: readonly PageItem[];
  readonly large: { readonly offset: string; readonly state: PageState };
}

/** Pages that are left out, in words. `large` where all of them are in the same 65536-byte page as their neighbours. */
export interface GapRow {
  readonly kind: 'gap';
  readonly label: string;
  readonly large: PageRow['large'] | undefined;
}

/** The notify capability's BAR as pages, those that matter. */
export interface BarMap {
  readonly bar: number;
  readonly start: string;
  /** bytes */
  readonly size: bigint;
  readonly rows: readonly (PageRow | GapRow)[];
}

const small = 4096n;
const large = 65536n;
/** Doorbell pages that are shown one by one before the rest is left out. */
const shownDoorbells = 6;
const maxPages = 40;

/** Lays the notify capability's BAR out as pages; the reason in words where PCI config space does not tell. */
export function barMapOf(device: VdpaDevice, judged: DeviceAssessment): BarMap | string {
  const { pci } = device;
  if (!isKnown(pci)) return pci.detail;
  if (pci === null) return 'the parent is no PCI function';
  const table = knowledgeOf(judged.parentDriver);
  if (!pciMayTell({ table })) {
    return `the notification area of parent driver ${judged.parentDriver ?? ''} is not in its PCI config space`;
  }
  const area = notifyAreaOf(pci);
  if (typeof area === 'string') return area;
  const view = new View(area, virtqueueCountOf(device), judged);
  const pages = view.interestingPages();
  const rows: (PageRow | GapRow)[] = [];
  for (const [position, page] of pages.entries()) {
    const before = pages[position - 1];
    if (before !== undefined && page - before > small) rows.push(view.gap(before + small, page));
    rows.push(view.page(page));
  }
  return { bar: area.bar.index, start: area.bar.start, size: BigInt(area.bar.size), rows };
}

class View {
  private readonly area: NotifyArea;
  private readonly count: number;
  private readonly judged: DeviceAssessment;
  private readonly start: bigint;
  private readonly byIndex: ReadonlyMap<number, VirtqueueAssessment>;
  private readonly isHazard: boolean;

  constructor(area: NotifyArea, count: number, judged: DeviceAssessment) {
    this.area = area;
    this.count = count;
    this.judged = judged;
    this.start = BigInt(area.bar.start);
    this.byIndex = new Map(judged.virtqueues.map((virtqueue) => [virtqueue.index, virtqueue]));
    // also of a device that could not be asked, and where QEMU would not install the page
    this.isHazard = judged.pageSizes.some(({ reasons }) =>
      reasons.some(({ code }) => code === 'doorbell.parent-hazard'),
    );
  }

  /** Offsets of the pages in which something begins or ends, in order. */
  interestingPages(): bigint[] {
    const { notify, multiplier, bar, regions } = this.area;
    const pages = new Set<bigint>();
    const add = (offset: bigint): void => {
      if (pages.size < maxPages) pages.add(this.pageAround(offset, small));
    };
    const doorbell = (index: number): bigint => BigInt(notify.offset) + BigInt(index) * BigInt(multiplier);
    for (let index = 0; index < this.count && pages.size < shownDoorbells; index++) add(doorbell(index));
    if (this.count > 0) add(doorbell(this.count - 1));
    if (this.count === 0) add(BigInt(notify.offset));
    for (const { kind, from, to } of regions) {
      // of what is around the BAR only what is in one large page with it matters
      if (kind === 'bar' && !this.isAtEdge(from, to)) continue;
      add(from < 0n && kind === 'bar' ? to - 1n : from);
      if (kind !== 'bar') add(to - 1n);
    }
    const last = BigInt(bar.size) - 1n;
    if (last >= 0n && last < 16n * large) add(last);
    return [...pages].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  page(offset: bigint): PageRow {
    const around = this.pageAround(offset, large);
    return {
      kind: 'page',
      offset: hex(offset),
      state: this.stateOf(offset, small),
      items: this.itemsIn(offset),
      large: { offset: hex(around), state: this.stateOf(around, large) },
    };
  }

  gap(from: bigint, to: bigint): GapRow {
    const around = this.pageAround(from - small, large);
    const inside = around === this.pageAround(to, large);
    const inPages = virtqueuesIn(this.area, from, Number(to - from), this.count);
    const what = inPages ? `doorbells of ${nameOf(inPages)}` : 'no doorbell';
    return {
      kind: 'gap',
      label: `${hex(from)} to ${hex(to - 1n)}: ${what}`,
      large: inside ? { offset: hex(around), state: this.stateOf(around, large) } : undefined,
    };
  }

  private pageAround(offset: bigint, size: bigint): bigint {
    const address = this.start + offset;
    const remainder = ((address % size) + size) % size;
    return offset - remainder;
  }

  private isAtEdge(from: bigint, to: bigint): boolean {
    const first = this.pageAround(0n, large);
    const end = this.pageAround(BigInt(this.area.bar.size) - 1n, large) + large;
    return from < end && to > first;
  }

  private stateOf(offset: bigint, size: bigint): PageState {
    const { notify, bar, regions } = this.area;
    const inPage = virtqueuesIn(this.area, offset, Number(size), this.count);
    if (!inPage) return 'none';
    const end = offset + size;
    if (regions.some(({ from, to }) => from < end && to > offset)) return 'other-registers';
    if (offset < 0n || end > BigInt(bar.size)) return 'beyond-bar';
    if (this.isHazard) return 'hazard';
    if (offset < BigInt(notify.offset) || end > BigInt(notify.offset) + BigInt(notify.length)) return 'undeclared';
    const verdicts = this.verdictsOf(inPage);
    if (verdicts.has('unsafe')) return 'unsafe';
    if (verdicts.has('unknown')) return 'unverified';
    return inPage.last > inPage.first ? 'own-virtqueues' : 'exclusive';
  }

  /** Of the first virtqueues of a page, as the others are judged alike; of one that was not asked the device's. */
  private verdictsOf({ first, last }: { first: number; last: number }): Set<DeviceAssessment['verdict']> {
    const count = Math.min(last - first, 64) + 1;
    return new Set(
      Array.from({ length: count }, (_, more) => this.byIndex.get(first + more)?.verdict ?? this.judged.verdict),
    );
  }

  private itemsIn(offset: bigint): PageItem[] {
    const { notify, bar, regions } = this.area;
    const items: PageItem[] = [];
    const add = (kind: PageItem['kind'], from: bigint, to: bigint, label: string): void => {
      const begin = from > offset ? from - offset : 0n;
      const end = to < offset + small ? to - offset : small;
      if (end > begin) items.push({ kind, from: Number(begin), to: Number(end), label });
    };
    const barEnd = BigInt(bar.size);
    add('beyond', offset, 0n, 'before the BAR');
    add('beyond', barEnd, offset + small, 'beyond the BAR');
    add('notify', BigInt(notify.offset), BigInt(notify.offset) + BigInt(notify.length), '');
    for (const { kind, name, from, to } of regions) add(kind, from, to, name.replace(/^(the|a) /, ''));
    const inPage = virtqueuesIn(this.area, offset, Number(small), this.count);
    if (inPage) this.addDoorbells(inPage, add);
    return items;
  }

  private addDoorbells(
    inPage: { first: number; last: number },
    add: (kind: PageItem['kind'], from: bigint, to: bigint, label: string) => void,
  ): void {
    const { notify, multiplier } = this.area;
    const at = (index: number): bigint => BigInt(notify.offset) + BigInt(index) * BigInt(multiplier);
    // a doorbell is written as two bytes, or four with VIRTIO_F_NOTIFICATION_DATA (virtio 1.3, 4.1.5.2)
    const width = multiplier > 0 && multiplier < 4 ? BigInt(multiplier) : 4n;
    if (multiplier < 512 && inPage.last > inPage.first) {
      add('doorbell', at(inPage.first), at(inPage.last) + width, nameOf(inPage));
      return;
    }
    for (let index = inPage.first; index <= inPage.last; index++) {
      add('doorbell', at(index), at(index) + width, this.describe(index));
    }
  }

  private describe(index: number): string {
    const found = this.byIndex.get(index);
    return found ? `vq ${index} ${found.role}: ${found.verdict}` : `vq ${index}`;
  }
}

function nameOf({ first, last }: { first: number; last: number }): string {
  return first === last ? `vq ${first}` : `vq ${first} to ${last}`;
}
