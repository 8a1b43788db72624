import { isKnown } from '../model/fact.ts';
import type { PageSizeOutlook, Verdict, VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { Host, VdpaDevice } from '../model/generated/host-report.ts';
import { qemuNotifyStride } from './assess-virtqueue.ts';
import { areaWitness, isBad, pciMayTell, type KnownParent } from './known-parent.ts';
import { locationOf, pageSizesFor, virtqueueCountOf } from './location.ts';
import { predictMapping } from './predict.ts';
import { controlVirtqueueOf, roleOf } from './virtqueue-role.ts';

type Page = PageSizeOutlook['page'];
type Reason = PageSizeOutlook['reasons'][number];

/** One virtqueue's page at a page size, and who says so. */
interface PageView {
  readonly page: Page;
  readonly reason: Reason;
}

interface DataVirtqueue extends Pick<VirtqueueAssessment, 'index' | 'role'> {
  readonly location?: VirtqueueAssessment['location'] | undefined;
}

/** Worst first: one virtqueue whose page holds other registers speaks for the device. */
const order: readonly Page[] = ['other-registers', 'unknown', 'none', 'own-virtqueues', 'exclusive'];

/**
 * What the device's doorbells would be on hosts with other page sizes. QEMU's stride is 4096 bytes whatever the host
 * (hw/virtio/virtio-pci.c: virtio_pci_set_host_notifier_mr()), so on 16K and 64K hosts it never installs one, even where
 * the kernel would map a page that is exclusive.
 * @param judged the data virtqueues; of a device that could not be asked those that it says it has are looked at
 * @param verdict of the device on this host
 */
export function pageSizesOf(
  host: Host,
  device: VdpaDevice,
  known: KnownParent,
  judged: readonly VirtqueueAssessment[],
  verdict: Verdict,
): PageSizeOutlook[] {
  const sizes = pageSizesFor(host);
  const data = judged.length > 0 ? judged : presumed(device, known, sizes);
  return sizes.map((pageSize) => {
    const ofThisHost = host.pageSize === pageSize;
    const view = worstPage(data.map((virtqueue) => pageOf(device, known, virtqueue, pageSize, ofThisHost)));
    const { kernel, by } = ofThisHost ? answerOf(judged) : foretold(device, known, data, pageSize);
    const qemuInstalls = pageSize === qemuNotifyStride;
    return {
      pageSize,
      ofThisHost,
      verdict: ofThisHost ? verdict : outlook(view.page, kernel, qemuInstalls),
      page: view.page,
      kernel,
      qemuInstalls,
      reasons: [view.reason, kernelReason(kernel, by, ofThisHost), qemuReason(pageSize)],
    };
  });
}

/** The data virtqueues that a device says it has, where the kernel could not be asked for each. */
function presumed(device: VdpaDevice, known: KnownParent, sizes: readonly number[]): DataVirtqueue[] {
  const control = controlVirtqueueOf(device);
  // more of them lie in the same way
  const count = Math.min(virtqueueCountOf(device), 256);
  return Array.from({ length: count }, (_, index) => ({
    index,
    role: roleOf(device, index),
    location: pciMayTell(known) ? locationOf(device, index, sizes) : undefined,
  })).filter(({ index }) => index !== control);
}

/** Never `safe`: the kernel was not asked with pages of this size. */
function outlook(page: Page, kernel: PageSizeOutlook['kernel'], qemuInstalls: boolean): Verdict {
  if (!qemuInstalls || kernel === 'refuses' || page === 'none') return 'unavailable';
  return page === 'other-registers' && kernel === 'maps' ? 'unsafe' : 'unknown';
}

function worstPage(views: readonly PageView[]): PageView {
  for (const page of order) {
    const view = views.find((candidate) => candidate.page === page);
    if (view) return view;
  }
  return unknownPage('kernel', 'the virtqueues of the device are not known');
}

function pageOf(
  device: VdpaDevice,
  known: KnownParent,
  { index, role, location }: DataVirtqueue,
  pageSize: number,
  ofThisHost: boolean,
): PageView {
  const { table, operator, area } = known;
  const hazard = [table, operator].find((row) => row !== undefined && isBad(row));
  if (hazard) {
    const by = hazard === table ? 'table' : 'operator';
    const message = `${hazard.driver}: ${hazard.hazard ?? 'the page also holds something else'}`;
    return { page: 'other-registers', reason: { code: 'doorbell.parent-hazard', by, message } };
  }
  if (area?.area === 'none') {
    const message = `parent driver ${area.driver} has no notification area`;
    return { page: 'none', reason: { code: 'doorbell.no-area', by: areaWitness(known), message } };
  }
  const page = area?.area === 'shared-page' ? undefined : location?.pages.find((one) => one.pageSize === pageSize);
  if (page && location) {
    const label = `the page of virtqueue ${index} (${role}), BAR ${location.bar} + ${page.offset}`;
    if (page.registers.length > 0) {
      const message = `${label}, also holds ${page.registers.join(' and ')}`;
      return { page: 'other-registers', reason: pci('doorbell.page-holds-registers', message) };
    }
    if (page.beyondBar) {
      const message = `${label}, reaches beyond the BAR: another BAR or another function may be in it`;
      return { page: 'other-registers', reason: pci('doorbell.page-beyond-bar', message) };
    }
    if (!page.declared) {
      const message = `${label}, reaches beyond the notify capability, and nothing declares its other bytes`;
      return { page: 'unknown', reason: pci('doorbell.page-undeclared', message) };
    }
    return page.otherVirtqueues > 0
      ? {
          page: 'own-virtqueues',
          reason: pci(
            'doorbell.shared-by-own-virtqueues',
            `${label}, holds doorbells of ${page.otherVirtqueues + 1} virtqueues of this device and nothing else`,
          ),
        }
      : { page: 'exclusive', reason: pci('doorbell.exclusive', `${label}, holds nothing else`) };
  }
  return pageByWord(device, known, pageSize, ofThisHost);
}

/** A row speaks of the page that the driver exports, which is one of 4096 bytes, or one of this host's. */
function pageByWord(device: VdpaDevice, known: KnownParent, pageSize: number, ofThisHost: boolean): PageView {
  const { table, operator, area } = known;
  const witness = operator?.exclusive === 'yes' ? operator : table?.exclusive === 'yes' ? table : undefined;
  const why = isKnown(device.pci) ? 'PCI config space does not tell' : device.pci.detail;
  if (witness === undefined) return unknownPage('pci-config', `nothing says what else the page would hold: ${why}`);
  const by = witness === operator ? 'operator' : 'table';
  if (pageSize !== qemuNotifyStride && !ofThisHost) {
    const more = witness.pageSizes === undefined ? '' : ` (${witness.driver}: ${witness.pageSizes})`;
    return unknownPage(by, `what is known of ${witness.driver} does not speak of pages of this size${more}`);
  }
  const shared = (area ?? witness).area === 'shared-page';
  const code = by === 'operator' ? 'doorbell.operator-word' : 'doorbell.parent-word';
  const message = `${shared ? 'one page for all data virtqueues, and ' : ''}nothing else in it, by ${by === 'operator' ? 'your own word' : "the parent driver's word"} (${witness.source})`;
  return { page: shared ? 'own-virtqueues' : 'exclusive', reason: { code, by, message } };
}

interface Answer {
  readonly kernel: PageSizeOutlook['kernel'];
  readonly by: Reason['by'];
}

function answerOf(data: readonly VirtqueueAssessment[]): Answer {
  // an errno of mmap is in capitals as well where the device could not be opened at all
  if (data.length === 0 || data.some(({ reasons }) => reasons.some(({ code }) => code === 'doorbell.not-tested'))) {
    return { kernel: 'unknown', by: 'kernel' };
  }
  return { by: 'kernel', kernel: all(data.map(({ kernel }) => kernel === 'mapped')) };
}

function foretold(device: VdpaDevice, known: KnownParent, data: readonly DataVirtqueue[], pageSize: number): Answer {
  const foreseen = data.map(({ index }) => predictMapping(device, known, index, pageSize));
  const by = foreseen[0]?.by ?? 'table';
  if (foreseen.length === 0 || foreseen.includes(undefined)) return { kernel: 'unknown', by };
  return { kernel: all(foreseen.map((one) => one?.answer === 'mapped')), by };
}

function all(mapped: readonly boolean[]): 'maps' | 'refuses' | 'mixed' {
  return mapped.every(Boolean) ? 'maps' : mapped.some(Boolean) ? 'mixed' : 'refuses';
}

function kernelReason(kernel: PageSizeOutlook['kernel'], by: Reason['by'], ofThisHost: boolean): Reason {
  const words = {
    maps: ofThisHost ? 'the kernel maps the data virtqueues' : 'the kernel would map the data virtqueues',
    refuses: ofThisHost ? 'the kernel refuses the data virtqueues' : 'the kernel would refuse the data virtqueues',
    mixed: ofThisHost ? 'the kernel maps some data virtqueues' : 'the kernel would map some data virtqueues',
    unknown: ofThisHost ? 'the kernel gave no answer' : 'what the kernel would answer cannot be foretold',
  };
  return { code: 'doorbell.kernel-answer', by, message: words[kernel] };
}

function qemuReason(pageSize: number): Reason {
  return pageSize === qemuNotifyStride
    ? { code: 'doorbell.qemu-stride', by: 'qemu', message: 'QEMU installs pages of this size' }
    : {
        code: 'doorbell.host-page-not-4096',
        by: 'qemu',
        message: `QEMU installs only pages of ${qemuNotifyStride} bytes, so no host notifier`,
      };
}

function pci(code: string, message: string): Reason {
  return { code, by: 'pci-config', message };
}

function unknownPage(by: Reason['by'], message: string): PageView {
  return { page: 'unknown', reason: { code: 'doorbell.page-not-verified', by, message } };
}
