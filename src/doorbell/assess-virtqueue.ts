import { isKnown } from '../model/fact.ts';
import type { VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { Host, VdpaDevice, Virtqueue } from '../model/generated/host-report.ts';
import { cachingHazard } from './kernel-hazards.ts';
import { parentDriverOf } from './parent-driver.ts';
import { knowledgeOf } from './parents.ts';
import { doorbellPageOf, type DoorbellPage } from './pci-layout.ts';
import { controlVirtqueueOf, roleOf } from './virtqueue-role.ts';

/** QEMU places host notifiers 4096 bytes apart, whatever the host's page size (hw/virtio/virtio-pci.c). */
export const qemuNotifyStride = 4096;

type Judgement = Pick<VirtqueueAssessment, 'verdict' | 'exclusivity' | 'reasons'>;

/** The doorbell verdict of one virtqueue, with every reason that led to it. */
export function assessVirtqueue(host: Host, device: VdpaDevice, virtqueue: Virtqueue): VirtqueueAssessment {
  const { index, doorbell } = virtqueue;
  const base = { index, role: roleOf(device, index) };
  if (typeof doorbell === 'object' && 'unknown' in doorbell) {
    const message = `the kernel was not asked for this doorbell: ${doorbell.detail}`;
    return { ...base, kernel: doorbell.unknown, ...verdict('unknown', 'doorbell.not-tested', message) };
  }
  if (doorbell === 'mapped') return { ...base, kernel: 'mapped', ...judgeMapped(host, device, index) };
  return { ...base, kernel: doorbell.refused, ...judgeRefused(host, device, index, doorbell.refused) };
}

/** The kernel maps the page. It has checked alignment and size, not what else is in the page. */
function judgeMapped(host: Host, device: VdpaDevice, index: number): Judgement {
  if (!isKnown(host.pageSize)) {
    return verdict('unknown', 'doorbell.page-size-unknown', `host page size: ${host.pageSize.detail}`);
  }
  if (host.pageSize !== qemuNotifyStride) {
    return verdict(
      'unavailable',
      'doorbell.host-page-not-4096',
      `the kernel maps it, but QEMU installs only doorbell pages of ${qemuNotifyStride} bytes and this host's pages have ${host.pageSize}`,
    );
  }
  const kernel = cachingHazard(host);
  if (kernel) return verdict(kernel.verdict, kernel.code, kernel.message);
  const parent = knowledgeOf(parentDriverOf(device));
  if (parent?.hazard !== undefined) {
    return verdict('unsafe', 'doorbell.parent-hazard', `${parent.driver}: ${parent.hazard} (${parent.source})`);
  }
  const { pci } = device;
  if (isKnown(pci) && pci !== null && parent?.area !== 'shared-page') {
    const page = doorbellPageOf(pci, index, host.pageSize);
    if (typeof page !== 'string') return judgePage(page, host.pageSize);
    return verdict('unknown', 'doorbell.page-not-verified', `nothing vouches for what else the page holds: ${page}`);
  }
  if (parent?.area === 'shared-page') {
    return {
      verdict: 'safe',
      exclusivity: 'parent-driver',
      reasons: [
        reason(
          'doorbell.shared-by-own-virtqueues',
          'one page for all data virtqueues of this device: one guest owns them all',
        ),
        reason(
          'doorbell.parent-word',
          `that the page holds nothing else is the parent driver's word (${parent.source})`,
        ),
      ],
    };
  }
  const why = isKnown(pci) ? 'the parent is no PCI function' : pci.detail;
  const table = parent ? '' : `, and parent driver ${parentDriverOf(device) ?? '(unknown)'} is not in our table`;
  return verdict(
    'unknown',
    'doorbell.page-not-verified',
    `nothing vouches for what else the page holds: ${why}${table}`,
  );
}

/** What PCI config space says of a page that the kernel maps. */
function judgePage(page: DoorbellPage, pageSize: number): Judgement {
  const where = `BAR ${page.bar} + 0x${page.offset.toString(16)}`;
  if (!page.aligned || (page.multiplier !== 0 && page.multiplier !== pageSize)) {
    return verdict(
      'unknown',
      'doorbell.contradiction',
      `the kernel maps it, but PCI config space puts the doorbell at ${where} with ${page.multiplier} bytes per virtqueue: not a page of its own`,
    );
  }
  if (page.neighbours.length > 0) {
    return verdict(
      'unsafe',
      'doorbell.page-holds-registers',
      `the page at ${where} also holds ${page.neighbours.join(' and ')}`,
    );
  }
  if (page.beyondBar) {
    return verdict('unsafe', 'doorbell.page-beyond-bar', `the page at ${where} reaches beyond the BAR`);
  }
  if (!page.declared) {
    return verdict(
      'unknown',
      'doorbell.page-undeclared',
      `the page at ${where} reaches beyond the notify capability, and nothing declares what its other bytes are`,
    );
  }
  const reasons = [
    reason(
      'doorbell.exclusive',
      `PCI config space: the page at ${where} is inside the notify capability and holds nothing else`,
    ),
  ];
  if (page.multiplier === 0) {
    reasons.push(
      reason(
        'doorbell.shared-by-own-virtqueues',
        'one doorbell for all virtqueues of this device: one guest owns them all',
      ),
    );
  }
  return { verdict: 'safe', exclusivity: 'pci-config', reasons };
}

/** The kernel's no. Source of the errnos: drivers/vhost/vdpa.c: vhost_vdpa_mmap(). */
function judgeRefused(host: Host, device: VdpaDevice, index: number, errno: string): Judgement {
  const pageSize = isKnown(host.pageSize) ? host.pageSize : undefined;
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
      `the doorbell's address is not a multiple of the host's page size${pageSize === undefined ? '' : ` of ${pageSize}`}${layout}`,
    );
  }
  if (errno !== 'ENOTSUPP') {
    return verdict('unknown', 'doorbell.mmap-failed', `mmap failed with ${errno}, which says nothing of the doorbell`);
  }
  const parent = knowledgeOf(parentDriverOf(device));
  if (parent?.area === 'none') {
    return verdict(
      'unavailable',
      'doorbell.no-area',
      `parent driver ${parent.driver} has no notification area (${parent.source})`,
    );
  }
  if (layout !== '') {
    return verdict('unavailable', 'doorbell.size-not-page', `the doorbell area is not exactly one host page${layout}`);
  }
  if (index === controlVirtqueueOf(device)) {
    return verdict(
      'unavailable',
      'doorbell.control-without-area',
      'the control virtqueue has no notification area of one page',
    );
  }
  return verdict(
    'unavailable',
    'doorbell.no-page-sized-area',
    'the parent driver has no notification area, or one that is not exactly one host page: the kernel says the same (524) for both',
  );
}

function reason(code: string, message: string): { code: string; message: string } {
  return { code, message };
}

function verdict(word: Judgement['verdict'], code: string, message: string): Judgement {
  return { verdict: word, exclusivity: 'none', reasons: [reason(code, message)] };
}
