import { isKnown } from '../model/fact.ts';
import type { VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { Host, VdpaDevice, Virtqueue } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import { contradictionOf } from './contradiction.ts';
import { cachingHazard } from './kernel-hazards.ts';
import { knownParentOf, type KnownParent } from './known-parent.ts';
import { locationOf, pageSizesFor } from './location.ts';
import { doorbellPageOf, type DoorbellPage } from './pci-layout.ts';
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
  const { index, doorbell } = virtqueue;
  const location = locationOf(device, index, pageSizesFor(host));
  const base = { index, role: roleOf(device, index), ...(location === undefined ? {} : { location }) };
  if (typeof doorbell === 'object' && 'unknown' in doorbell) {
    const message = `the kernel was not asked for this doorbell: ${doorbell.detail}`;
    return { ...base, kernel: doorbell.unknown, ...verdict('unknown', 'doorbell.not-tested', 'kernel', message) };
  }
  const pageSize = isKnown(host.pageSize) ? host.pageSize : undefined;
  const judgement =
    doorbell === 'mapped'
      ? judgeMapped(host, device, index, known)
      : judgeRefused(device, index, doorbell.refused, pageSize, known);
  return {
    ...base,
    kernel: doorbell === 'mapped' ? doorbell : doorbell.refused,
    ...withContradiction(judgement, contradictionOf(device, virtqueue, known, pageSize)),
  };
}

function withContradiction(judgement: Judgement, contradiction: Reason | undefined): Judgement {
  if (!contradiction || judgement.reasons.some(({ code }) => code === contradiction.code)) return judgement;
  return { ...judgement, reasons: [...judgement.reasons, contradiction] };
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
  if (table?.exclusive === 'no') {
    return verdict(
      'unsafe',
      'doorbell.parent-hazard',
      'table',
      `${table.driver}: ${hazardIn(table)} (${table.source})`,
    );
  }
  if (operator?.exclusive === 'no') {
    const message = `${operator.driver}: ${hazardIn(operator)} (your own row: ${operator.source})`;
    return verdict('unsafe', 'doorbell.parent-hazard', 'operator', message);
  }
  return undefined;
}

function hazardIn({ hazard }: ParentRow): string {
  return hazard ?? 'the page also holds something else';
}

/** PCI config space has the first word; where it shows nothing against it, the operator's or the parent driver's. */
function judgeByWitness(device: VdpaDevice, index: number, pageSize: number, known: KnownParent): Judgement {
  const { table, operator } = known;
  const { pci } = device;
  let silence = 'the parent is no PCI function';
  if (!isKnown(pci)) silence = pci.detail;
  else if (pci !== null && table?.area !== 'shared-page') {
    const page = doorbellPageOf(pci, index, pageSize);
    if (typeof page !== 'string') {
      const judgement = judgePage(page, pageSize);
      const undeclared = judgement.reasons.some(({ code }) => code === 'doorbell.page-undeclared');
      return undeclared && operator?.exclusive === 'yes' ? byOperator(operator, judgement.reasons) : judgement;
    }
    silence = page;
  }
  if (operator?.exclusive === 'yes') {
    // what could not be read might say otherwise
    if (isRead(device)) return byOperator(operator, []);
    return verdict(
      'unknown',
      'doorbell.page-not-verified',
      'pci-config',
      `your own row vouches for the page, but PCI config space could not be read and might show otherwise: ${silence}`,
    );
  }
  if (table?.area === 'shared-page' && table.exclusive === 'yes') {
    const message = `that the page holds nothing else is the parent driver's word (${table.source})`;
    const word = reason('doorbell.parent-word', 'table', message);
    return { verdict: 'safe', exclusivity: 'parent-driver', reasons: [sharedPage('table'), word] };
  }
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

function isRead({ pci }: VdpaDevice): boolean {
  return isKnown(pci) && (pci === null || (isKnown(pci.capabilities) && isKnown(pci.bars)));
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
    const message = `the page at ${where} also holds ${page.neighbours.join(' and ')}`;
    return verdict('unsafe', 'doorbell.page-holds-registers', by, message);
  }
  if (page.beyondBar) {
    return verdict('unsafe', 'doorbell.page-beyond-bar', by, `the page at ${where} reaches beyond the BAR`);
  }
  if (!page.declared) {
    return verdict(
      'unknown',
      'doorbell.page-undeclared',
      by,
      `the page at ${where} reaches beyond the notify capability, and nothing declares what its other bytes are`,
    );
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
  { table, operator }: KnownParent,
): Judgement {
  const page =
    isKnown(device.pci) && device.pci !== null && pageSize !== undefined
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
