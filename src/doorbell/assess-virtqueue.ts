import { isKnown } from '../model/fact.ts';
import type { VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { Host, VdpaDevice, Virtqueue } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import { contradictionsOf } from './contradiction.ts';
import { cachingHazard } from './kernel-hazards.ts';
import { isBad, knownParentOf, pciMayTell, type KnownParent } from './known-parent.ts';
import { locationOf, pageSizesFor } from './location.ts';
import { doorbellPageOf, notifyAreaOf, severalAreas, type DoorbellPage } from './pci-layout.ts';
import { controlVirtqueueOf, roleOf } from './virtqueue-role.ts';

/** QEMU places host notifiers 4096 bytes apart, whatever the host's page size (hw/virtio/virtio-pci.c). */
export const qemuNotifyStride = 4096;

type Judgement = Pick<VirtqueueAssessment, 'verdict' | 'exclusivity' | 'reasons'>;
type Reason = VirtqueueAssessment['reasons'][number];

/**
 * The doorbell verdict of one virtqueue, with every reason that led to it, and whose word each is.
 * @param known what is known of the parent; looked up in the table where left out
 */
export function assessVirtqueue(
  host: Host,
  device: VdpaDevice,
  virtqueue: Virtqueue,
  known: KnownParent = knownParentOf(host, device),
): VirtqueueAssessment {
  const { index } = virtqueue;
  const location = pciMayTell(known) ? locationOf(device, index, pageSizesFor(host)) : undefined;
  return { ...judgeVirtqueue(host, device, virtqueue, known), ...(location === undefined ? {} : { location }) };
}

/** The same verdict, without the places of the doorbell, which cost as much. */
export function judgeVirtqueue(
  host: Host,
  device: VdpaDevice,
  virtqueue: Virtqueue,
  known: KnownParent,
): VirtqueueAssessment {
  const { index, doorbell } = virtqueue;
  const base = { index, role: roleOf(device, index) };
  if (typeof doorbell === 'object' && 'unknown' in doorbell) {
    const message = `the kernel was not asked for this doorbell: ${doorbell.detail}`;
    return { ...base, kernel: doorbell.unknown, ...verdict('unknown', 'doorbell.not-tested', 'kernel', message) };
  }
  const kernel = doorbell === 'mapped' ? doorbell : doorbell.refused;
  const unheard = whyUnheard(device);
  if (unheard !== undefined) {
    return { ...base, kernel, ...verdict('unknown', 'doorbell.not-tested', 'kernel', unheard) };
  }
  const pageSize = isKnown(host.pageSize) ? host.pageSize : undefined;
  const judgement =
    doorbell === 'mapped'
      ? judgeMapped(host, device, index, known)
      : judgeRefused(device, index, doorbell.refused, pageSize, known);
  return {
    ...base,
    kernel,
    ...withContradictions(judgement, contradictionsOf(device, virtqueue, known, pageSize), known),
  };
}

/**
 * An answer counts only of a device that was opened and whose features were negotiated: before FEATURES_OK pds_vdpa
 * reports physical address 0, which the kernel maps, and mlx5 an area of two virtqueues only. `probe` does not ask then.
 */
function whyUnheard({ open, identity: { negotiation } }: VdpaDevice): string | undefined {
  if (!isKnown(open)) return `the report has an answer of the kernel though the device was not opened: ${open.detail}`;
  if (isKnown(negotiation)) return undefined;
  return `the kernel's answer is one from before feature negotiation, when drivers report other areas: ${negotiation.detail}`;
}

/** A witness that the kernel proves wrong vouches for nothing; an operator who only corrects a row that is wrong may. */
function withContradictions(judgement: Judgement, found: readonly Reason[], known: KnownParent): Judgement {
  const { verdict: word, exclusivity, reasons } = judgement;
  if (found.length === 0 || reasons.some(({ code }) => code === 'doorbell.contradiction')) return judgement;
  const correctsTable = exclusivity === 'operator' && known.disproved.length > 0;
  if (word === 'safe' && !(correctsTable && found.every(({ by }) => by === 'table'))) {
    return { verdict: 'unknown', exclusivity: 'none', reasons: [...found, ...reasons] };
  }
  return { ...judgement, reasons: [...reasons, ...found] };
}

/** The kernel maps the page. It has checked alignment and size, not what else is in the page. */
function judgeMapped(host: Host, device: VdpaDevice, index: number, known: KnownParent): Judgement {
  if (!isKnown(host.pageSize)) {
    return verdict('unknown', 'doorbell.page-size-unknown', 'kernel', `host page size: ${host.pageSize.detail}`);
  }
  if (host.pageSize !== qemuNotifyStride) {
    return verdict(
      'unavailable',
      'doorbell.host-page-not-4096',
      'qemu',
      `the kernel maps it, but QEMU installs only doorbell pages of ${qemuNotifyStride} bytes and this host's pages have ${host.pageSize}`,
    );
  }
  const kernel = cachingHazard(host);
  if (kernel) return verdict(kernel.verdict, kernel.code, 'table', kernel.message);
  const hazard = hazardOf(known);
  if (hazard) return hazard;
  return judgeByWitness(device, index, host.pageSize, known);
}

/** A row that says what else is in the page. The operator cannot take back what a kernel source shows. */
function hazardOf({ table, operator }: KnownParent): Judgement | undefined {
  if (table !== undefined && isBad(table)) {
    return verdict(
      'unsafe',
      'doorbell.parent-hazard',
      'table',
      `${table.driver}: ${hazardIn(table)} (${table.source})`,
    );
  }
  if (operator !== undefined && isBad(operator)) {
    const message = `${operator.driver}: ${hazardIn(operator)} (your own row: ${operator.source})`;
    return verdict('unsafe', 'doorbell.parent-hazard', 'operator', message);
  }
  return undefined;
}

function hazardIn({ hazard }: ParentRow): string {
  return hazard ?? 'the page also holds something else';
}

/**
 * PCI config space may object to any page but of a driver whose area is elsewhere, and vouches only where a row says that
 * the driver takes its area from there. Where it shows nothing against it, the operator's or the parent driver's word
 * counts.
 */
function judgeByWitness(device: VdpaDevice, index: number, pageSize: number, known: KnownParent): Judgement {
  const { table, operator } = known;
  const heard = hearPci(device, index, pageSize, known);
  if (typeof heard === 'object' && !heard.silent) return heard.judgement;
  const silence = typeof heard === 'string' ? heard : heard.silence;
  const beside = typeof heard === 'string' ? [] : heard.judgement.reasons;
  if (table?.area === 'shared-page' && table.exclusive === 'yes') {
    const message = `that the page holds nothing else is the parent driver's word (${table.source})`;
    const word = reason('doorbell.parent-word', 'table', message);
    return { verdict: 'safe', exclusivity: 'parent-driver', reasons: [sharedPage('table'), word] };
  }
  if (operator?.exclusive === 'yes') {
    // what could not be read might say otherwise
    if (isRead(device)) return byOperator(operator, beside);
    return verdict(
      'unknown',
      'doorbell.page-not-verified',
      'pci-config',
      `your own row vouches for the page, but PCI config space does not tell and might show otherwise: ${silence}`,
    );
  }
  if (typeof heard === 'object' && heard.judgement.verdict !== 'safe') return heard.judgement;
  const noRow =
    (table ?? operator ?? known.disproved[0])
      ? ''
      : `, and parent driver ${known.driver ?? '(unknown)'} is not in our table`;
  return verdict(
    'unknown',
    'doorbell.page-not-verified',
    'pci-config',
    `nothing vouches for what else the page holds: ${silence}${noRow}`,
  );
}

/** What PCI config space says; `silent` where another's word may still count. A text: why it says nothing. */
type Heard = { judgement: Judgement; silent: false } | { judgement: Judgement; silent: true; silence: string } | string;

function hearPci({ pci }: VdpaDevice, index: number, pageSize: number, known: KnownParent): Heard {
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

function byOperator(row: ParentRow, reasons: readonly Reason[]): Judgement {
  const message = `that the page holds nothing else is your own word (${row.source})`;
  return {
    verdict: 'safe',
    exclusivity: 'operator',
    reasons: [
      ...(row.area === 'shared-page' ? [sharedPage('operator')] : []),
      reason('doorbell.operator-word', 'operator', message),
      ...reasons,
    ],
  };
}

function sharedPage(by: Reason['by']): Reason {
  const message = 'one page for all data virtqueues of this device: one guest owns them all';
  return reason('doorbell.shared-by-own-virtqueues', by, message);
}

/** Read to the end, and of one meaning. */
function isRead({ pci }: VdpaDevice): boolean {
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

/** The kernel's no. Source of the errnos: drivers/vhost/vdpa.c: vhost_vdpa_mmap(). */
function judgeRefused(
  device: VdpaDevice,
  index: number,
  errno: string,
  pageSize: number | undefined,
  known: KnownParent,
): Judgement {
  const { table, operator } = known;
  const page =
    pciMayTell(known) && isKnown(device.pci) && device.pci !== null && pageSize !== undefined
      ? doorbellPageOf(device.pci, index, pageSize)
      : undefined;
  const layout =
    typeof page === 'object'
      ? ` (PCI: BAR ${page.bar} + 0x${page.offset.toString(16)}, ${page.multiplier} bytes per virtqueue)`
      : '';
  if (errno === 'EINVAL') {
    return verdict(
      'unavailable',
      'doorbell.not-page-aligned',
      'kernel',
      `the doorbell's address is not a multiple of the host's page size${pageSize === undefined ? '' : ` of ${pageSize}`}${layout}`,
    );
  }
  if (errno !== 'ENOTSUPP') {
    const message = `mmap failed with ${errno}, which says nothing of the doorbell`;
    return verdict('unknown', 'doorbell.mmap-failed', 'kernel', message);
  }
  const without = [table, operator].find((row) => row?.area === 'none');
  if (without) {
    return verdict(
      'unavailable',
      'doorbell.no-area',
      without === operator ? 'operator' : 'table',
      `parent driver ${without.driver} has no notification area (${without.source})`,
    );
  }
  if (layout !== '') {
    const message = `the doorbell area is not exactly one host page${layout}`;
    return verdict('unavailable', 'doorbell.size-not-page', 'kernel', message);
  }
  if (index === controlVirtqueueOf(device)) {
    const message = 'the control virtqueue has no notification area of one page';
    return verdict('unavailable', 'doorbell.control-without-area', 'kernel', message);
  }
  return verdict(
    'unavailable',
    'doorbell.no-page-sized-area',
    'kernel',
    'the parent driver has no notification area, or one that is not exactly one host page: the kernel says the same (524) for both',
  );
}

function reason(code: string, by: Reason['by'], message: string): Reason {
  return { code, by, message };
}

function verdict(word: Judgement['verdict'], code: string, by: Reason['by'], message: string): Judgement {
  return { verdict: word, exclusivity: 'none', reasons: [reason(code, by, message)] };
}

/** The first of many things: a hostile report may have thousands, for each of thousands of virtqueues. */
function some(things: readonly string[]): string {
  const more = things.length > 4 ? [`${things.length - 4} more`] : [];
  return [...things.slice(0, 4), ...more].join(' and ');
}
