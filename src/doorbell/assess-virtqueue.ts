import { isKnown } from '../model/fact.ts';
import type { VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { Host, VdpaDevice, Virtqueue } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import { contradictionsOf } from './contradiction.ts';
import { cachingHazard } from './kernel-hazards.ts';
import { isBad, knownParentOf, pciMayTell, type KnownParent } from './known-parent.ts';
import { locationOf, pageSizesFor } from './location.ts';
import { reason, verdict, type Judgement, type Reason } from './judgement.ts';
import { doorbellPageOf } from './pci-layout.ts';
import { hearPci, isRead } from './pci-witness.ts';
import { controlVirtqueueOf, roleOf } from './virtqueue-role.ts';

/** QEMU places host notifiers 4096 bytes apart, whatever the host's page size (hw/virtio/virtio-pci.c). */
export const qemuNotifyStride = 4096;

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
