import type { VirtqueueAssessment } from '../model/generated/assessment.ts';
import { dataVirtqueues, type DeviceJudgement } from '../doorbell/assess.ts';
import { reasonOf } from '../doorbell/summary.ts';
import type { HostNotifierPolicy } from '../spec/defaults.ts';
import type { PlanFindings } from './findings.ts';
import type { HostDevice } from './host.ts';

/**
 * Decides page-per-vq of one guest device over all hosts of its migration domain. The value is guest ABI: it must be
 * the same everywhere. QEMU has no other switch: where it is on, QEMU maps whatever the kernel lets it map.
 * @param path JSON pointer of the device in the spec
 * @param granularity vhost-vdpa-device-pci maps all virtqueues or none, so there the control virtqueue counts as well
 */
export function decidePagePerVq(
  policy: HostNotifierPolicy,
  path: string,
  devices: readonly HostDevice[],
  granularity: 'netdev' | 'device',
  findings: PlanFindings,
): boolean {
  if (policy === 'off') return false;
  const place = `${path}/hostNotifier`;
  const views = devices.map((device) => obstaclesOf(device, granularity));
  if (policy === 'require') {
    for (const { label, obstacle, danger } of views) {
      const blocking = danger?.verdict === 'unsafe' ? danger : (obstacle ?? danger);
      if (blocking) {
        findings.error(
          'plan.host-notifier-required',
          place,
          `hostNotifier is require, but ${label} virtqueue ${blocking.index} (${blocking.role}) is ${blocking.verdict}: ${reasonOf(blocking)}`,
        );
      }
    }
    return true;
  }
  const barrier = views.find(({ danger }) => danger !== undefined);
  if (barrier?.danger) {
    const { danger, label } = barrier;
    findings.warning(
      danger.verdict === 'unsafe' ? 'plan.doorbell-unsafe' : 'plan.doorbell-unknown',
      place,
      `page-per-vq stays off: the doorbell of ${label} virtqueue ${danger.index} (${danger.role}) is ${danger.verdict}: ${reasonOf(danger)}`,
    );
    return false;
  }
  const usable = views.filter(({ obstacle }) => obstacle === undefined);
  if (usable.length === 0) return false;
  for (const { label, obstacle } of views) {
    if (!obstacle) continue;
    findings.warning(
      'plan.host-notifier-fallback',
      place,
      `page-per-vq is on for the sake of ${usable.map((view) => view.label).join(', ')}; on ${label} kicks will go through eventfd: ${reasonOf(obstacle)}`,
    );
  }
  return true;
}

/** What one device means for page-per-vq. */
export interface DoorbellObstacles {
  readonly label: string;
  /** a virtqueue without a safe doorbell: a data one; with vhost-vdpa-device-pci any */
  readonly obstacle: VirtqueueAssessment | undefined;
  /** a virtqueue, control included, whose doorbell must not be mapped */
  readonly danger: VirtqueueAssessment | undefined;
}

/** The virtqueues of a device that speak against page-per-vq, the worst of each kind. */
export function obstaclesOf(
  { host, device, assessment }: Pick<HostDevice, 'host' | 'device'> & { readonly assessment: DeviceJudgement },
  granularity: 'netdev' | 'device',
): DoorbellObstacles {
  const label = `${device.name} on ${host.name}`;
  const { virtqueues, verdict, summary } = assessment;
  const data = dataVirtqueues(device, virtqueues);
  if (data.length === 0) {
    const blank: VirtqueueAssessment = {
      index: 0,
      role: 'any',
      verdict,
      kernel: 'unknown',
      exclusivity: 'none',
      reasons: [{ code: 'doorbell.not-tested', by: 'kernel', message: summary }],
    };
    return { label, obstacle: blank, danger: blank };
  }
  return {
    label,
    obstacle: (granularity === 'device' ? virtqueues : data).find((virtqueue) => virtqueue.verdict !== 'safe'),
    danger: ['unsafe', 'unknown']
      .map((word) => virtqueues.find((virtqueue) => virtqueue.verdict === word))
      .find(Boolean),
  };
}
