import { isKnown } from '../model/fact.ts';
import type { DeviceAssessment, VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';

/** The first reason of a virtqueue's verdict. */
export function reasonOf({ reasons }: VirtqueueAssessment): string {
  return reasons[0]?.message ?? 'no reason is known';
}

type Judged = Omit<DeviceAssessment, 'summary' | 'advice'>;

/**
 * A virtqueue that speaks against page-per-vq though the device's verdict, that of its data virtqueues, does not: the
 * control virtqueue, whose doorbell QEMU maps as well.
 */
export function worseThanDevice({
  verdict: word,
  virtqueues,
}: Pick<Judged, 'verdict' | 'virtqueues'>): VirtqueueAssessment | undefined {
  if (word === 'unsafe') return undefined;
  const unsafe = virtqueues.find(({ verdict }) => verdict === 'unsafe');
  return unsafe ?? (word === 'unknown' ? undefined : virtqueues.find(({ verdict }) => verdict === 'unknown'));
}

/** One plain sentence on a device. */
export function summaryOf(judged: Pick<Judged, 'virtqueues' | 'verdict'>, device: VdpaDevice): string {
  const beside = worseThanDevice(judged);
  if (beside) {
    const which = `the data virtqueues are ${judged.verdict}, but virtqueue ${beside.index} (${beside.role}) is ${beside.verdict}`;
    return `do not set page-per-vq=on: ${which}: ${reasonOf(beside)}`;
  }
  const first = judged.virtqueues.find(({ verdict }) => verdict === judged.verdict)?.reasons[0]?.message;
  switch (judged.verdict) {
    case 'safe':
      return `the guest's kick may go straight to the device: ${first ?? ''}`;
    case 'unavailable':
      return `kicks go through eventfd, which is safe and slower: ${first ?? ''}`;
    case 'unsafe':
      return `do not set page-per-vq=on: ${first ?? ''}`;
    case 'unknown':
      return `not known, so not to be trusted: ${first ?? whyNoVirtqueues(device)}`;
  }
}

/**
 * What the operator can do about it, most useful first.
 * @param kernel what to do about a kernel that maps doorbells cacheable
 */
export function adviceOn(judged: Judged, device: VdpaDevice, kernel?: string): string[] {
  const codes = new Set(judged.virtqueues.flatMap(({ reasons }) => reasons.map(({ code }) => code)));
  const advice: string[] = [];
  const unsafe = judged.virtqueues.some(({ verdict }) => verdict === 'unsafe');
  const beside = worseThanDevice(judged);
  if (judged.verdict === 'safe' && !beside) advice.push('hostNotifier: auto (or require) gives page-per-vq=on');
  if (judged.verdict === 'unavailable' && !beside) {
    advice.push(
      'page-per-vq=on does no harm here and has no effect; use it only where another host of the migration domain gains by it',
    );
  }
  // QEMU would map the control virtqueue's doorbell too
  if (unsafe) {
    advice.push('hostNotifier: off for every VM that may run here, or keep this host out of the migration domain');
  }
  if (codes.has('doorbell.kernel-caching') && kernel !== undefined) advice.push(kernel);
  if (!isKnown(device.open) && judged.verdict === 'unknown') {
    switch (device.open.unknown) {
      case 'EBUSY':
        advice.push('a VM uses the device: probe it while it is idle, or ask the running QEMU with `vdpa-qemu verify`');
        break;
      case 'EACCES':
      case 'EPERM':
        advice.push('run `vdpa-qemu probe` as root');
        break;
      case 'ENOTSUPP':
        advice.push('the parent needs a cache-coherent IOMMU: enable it in firmware and on the kernel command line');
        break;
      case 'not-asked':
        advice.push('probe without --no-open while the device is idle');
        break;
      default:
        break;
    }
  }
  const { pci } = device;
  if (codes.has('doorbell.page-not-verified') && isKnown(pci)) {
    const unread = pci === null || isKnown(pci.capabilities) ? undefined : pci.capabilities.unknown;
    // whatever could not be read might speak against the vendor's word
    if (unread === undefined) {
      advice.push("if the device's vendor vouches for the page, say so in a file for --parents (see docs/doorbell.md)");
    } else if (unread !== 'malformed') {
      advice.push('run `vdpa-qemu probe` as root, so that PCI config space can be read');
    }
  }
  return advice;
}

function whyNoVirtqueues(device: VdpaDevice): string {
  if (!isKnown(device.virtqueues)) return device.virtqueues.detail;
  return 'the device has no data virtqueues';
}
