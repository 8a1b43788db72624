import { VdpaQemuError } from '../model/error.ts';
import { isKnown } from '../model/fact.ts';
import type { VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';

/**
 * A device is judged by all of its virtqueues: QEMU maps those, too, of which a report is silent. Where some are
 * missing, none counts as judged, but for one that is known to be unsafe.
 * @throws VdpaQemuError bad-input where a virtqueue is listed twice: the report contradicts itself
 */
export function withoutGaps(device: VdpaDevice, virtqueues: readonly VirtqueueAssessment[]): VirtqueueAssessment[] {
  const gap = gapOf(device, virtqueues);
  if (gap === undefined) return [...virtqueues];
  const reason = { code: 'doorbell.virtqueues-incomplete', by: 'kernel' as const, message: gap };
  return virtqueues.map((virtqueue) =>
    virtqueue.verdict === 'unsafe'
      ? virtqueue
      : { ...virtqueue, verdict: 'unknown', exclusivity: 'none', reasons: [reason, ...virtqueue.reasons] },
  );
}

/** In words; undefined: the report lists virtqueues 0 to the last one that the device has. */
function gapOf({ name, identity }: VdpaDevice, virtqueues: readonly VirtqueueAssessment[]): string | undefined {
  const listed = new Set<number>();
  for (const { index } of virtqueues) {
    if (listed.has(index)) throw new VdpaQemuError('bad-input', `device ${name}: virtqueue ${index} is listed twice`);
    listed.add(index);
  }
  if (virtqueues.length === 0) return undefined; // nothing was judged
  const { vqCount } = identity;
  if (!isKnown(vqCount)) return `how many virtqueues the device has is not known: ${vqCount.detail}`;
  for (let index = 0; index < vqCount; index++) {
    if (!listed.has(index)) return `the report has no answer for virtqueue ${index} of ${vqCount}`;
  }
  return listed.size > vqCount ? `the report lists ${listed.size} virtqueues of a device with ${vqCount}` : undefined;
}
