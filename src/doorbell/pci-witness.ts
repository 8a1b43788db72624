import { isKnown } from '../model/fact.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';
import { reason, verdict, type Judgement } from './judgement.ts';
import { pciMayTell, type KnownParent } from './known-parent.ts';
import { doorbellPageOf, notifyAreaOf, severalAreas, type DoorbellPage } from './pci-layout.ts';

/** What PCI config space says; `silent` where another's word may still count. A text: why it says nothing. */
export type Heard =
  { judgement: Judgement; silent: false } | { judgement: Judgement; silent: true; silence: string } | string;

export function hearPci({ pci }: VdpaDevice, index: number, pageSize: number, known: KnownParent): Heard {
  if (!isKnown(pci)) return pci.detail;
  if (pci === null) return 'the parent is no PCI function';
  if (!pciMayTell(known)) return 'the parent driver does not take its area from PCI config space';
  const page = doorbellPageOf(pci, index, pageSize);
  if (typeof page === 'string') return page;
  const judgement = judgePage(page, pageSize);
  if (judgement.verdict === 'safe') {
    if (takesAreaFromPci(known)) return { judgement, silent: false };
    const silence = 'nothing says that the driver takes its area from PCI config space';
    return { judgement: { ...judgement, reasons: [] }, silent: true, silence };
  }
  if (judgement.reasons.some(({ code }) => code === 'doorbell.page-undeclared')) {
    return { judgement, silent: true, silence: judgement.reasons[0]?.message ?? '' };
  }
  return { judgement, silent: false };
}

/** A row that ties the driver's area to the capability, and leaves the page to it or vouches for it. */
function takesAreaFromPci({ table, operator }: KnownParent): boolean {
  return [table, operator].some((row) => row?.area === 'virtio-notify-capability' && row.exclusive !== 'unknown');
}

/** Read to the end, and of one meaning. */
export function isRead({ pci }: VdpaDevice): boolean {
  if (!isKnown(pci)) return false;
  return pci === null || (isKnown(pci.capabilities) && isKnown(pci.bars) && notifyAreaOf(pci) !== severalAreas);
}

/** What PCI config space says of a page that the kernel maps. */
function judgePage(page: DoorbellPage, pageSize: number): Judgement {
  const where = `BAR ${page.bar} + 0x${page.offset.toString(16)}`;
  const by = 'pci-config';
  if (!page.aligned || (page.multiplier !== 0 && page.multiplier !== pageSize)) {
    return verdict(
      'unknown',
      'doorbell.contradiction',
      by,
      `the kernel maps it, but PCI config space puts the doorbell at ${where} with ${page.multiplier} bytes per virtqueue: not a page of its own`,
    );
  }
  if (page.neighbours.length > 0) {
    const message = `the page at ${where} also holds ${some(page.neighbours)}`;
    return verdict('unsafe', 'doorbell.page-holds-registers', by, message);
  }
  if (page.beyondBar) {
    return verdict('unsafe', 'doorbell.page-beyond-bar', by, `the page at ${where} reaches beyond the BAR`);
  }
  if (page.elsewhere.length > 0) {
    const what = some(page.elsewhere);
    const message = `the page at ${where} is one of the notify capability, and other pages of it hold ${what}; which is this virtqueue's is only assumed (queue_notify_off cannot be read)`;
    return verdict('unknown', 'doorbell.assumed-notify-off', by, message);
  }
  if (!page.declared) {
    return verdict(
      'unknown',
      'doorbell.page-undeclared',
      by,
      `the page at ${where} reaches beyond the notify capability, and nothing declares what its other bytes are`,
    );
  }
  if (page.raggedEnd) {
    const message = `the notify capability ends in the middle of a page, nothing declares the rest of that page, and that the page at ${where} is this virtqueue's is only assumed (queue_notify_off cannot be read)`;
    return verdict('unknown', 'doorbell.page-undeclared', by, message);
  }
  const reasons = [
    reason(
      'doorbell.exclusive',
      by,
      `PCI config space: the page at ${where} is inside the notify capability and holds nothing else`,
    ),
  ];
  if (page.multiplier === 0) {
    const message = 'one doorbell for all virtqueues of this device: one guest owns them all';
    reasons.push(reason('doorbell.shared-by-own-virtqueues', by, message));
  }
  return { verdict: 'safe', exclusivity: 'pci-config', reasons };
}

/** The first of many things: a hostile report may have thousands, for each of thousands of virtqueues. */
function some(things: readonly string[]): string {
  const more = things.length > 4 ? [`${things.length - 4} more`] : [];
  return [...things.slice(0, 4), ...more].join(' and ');
}
