import { isKnown } from '../model/fact.ts';
import { sortFindings, type Finding } from '../model/finding.ts';
import type { Assessment, DeviceAssessment, Verdict, VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { Host, HostReport, VdpaDevice } from '../model/generated/host-report.ts';
import { hasFeature } from '../model/virtio-features.ts';
import { assessVirtqueue, qemuNotifyStride } from './assess-virtqueue.ts';
import { isOpenToIndexOverrun } from './kernel-hazards.ts';
import { layoutOf } from './layout.ts';
import { parentDriverOf } from './parent-driver.ts';
import { adviceOn, summaryOf } from './summary.ts';
import { classOf, controlVirtqueueOf, queuePairsOf } from './virtqueue-role.ts';

/**
 * Judges every doorbell of a host. Pure: it only reads the report.
 * @returns the verdict per device and virtqueue; findings has one warning per unsafe or unknown device
 */
export function assessHost(report: HostReport): Assessment {
  const devices = report.devices.map((device) => assessDevice(report.host, device));
  const findings: Finding[] = devices.flatMap((device, index) => findingsOn(device, index));
  if (isOpenToIndexOverrun(report.host) === true && report.devices.length > 0) {
    findings.push({
      code: 'host.kernel-index-overrun',
      severity: 'warning',
      path: '/host/kernelRelease',
      message: `kernel ${report.host.kernelRelease} does not check the virtqueue index of a doorbell mapping (CVE-2026-74312): whoever may open /dev/vhost-vdpa-N can read out of bounds`,
      fix: 'update the kernel (fixed in 5.10.261, 5.15.212, 6.1.178, 6.6.145, 6.12.97, 6.18.40, 7.1.5)',
    });
  }
  return { schemaVersion: 1, kind: 'Assessment', host: report.host.name, devices, findings: sortFindings(findings) };
}

/** Judges the doorbells of one device. */
export function assessDevice(host: Host, device: VdpaDevice): DeviceAssessment {
  const virtqueues = isKnown(device.virtqueues)
    ? device.virtqueues.map((virtqueue) => assessVirtqueue(host, device, virtqueue))
    : [];
  const base = {
    name: device.name,
    class: classOf(device),
    parentDriver: parentDriverOf(device),
    layout: layoutOf(host, device),
    verdict: worst(dataVirtqueues(device, virtqueues)),
    virtqueues,
    expectedHostNotifiers: { netdev: mappedPairs(host, device, virtqueues), device: mappedDevice(host, virtqueues) },
  };
  return { ...base, summary: summaryOf(base, device), advice: adviceOn(base, device) };
}

/** The virtqueues that carry data: all but the control virtqueue of a net device. */
export function dataVirtqueues(device: VdpaDevice, virtqueues: readonly VirtqueueAssessment[]): VirtqueueAssessment[] {
  const control = controlVirtqueueOf(device);
  return virtqueues.filter(({ index }) => index !== control);
}

/** unsafe, then unknown, unavailable, safe; unknown where there is no virtqueue to speak of. */
function worst(virtqueues: readonly VirtqueueAssessment[]): Verdict {
  for (const verdict of ['unsafe', 'unknown', 'unavailable'] as const) {
    if (virtqueues.some((virtqueue) => virtqueue.verdict === verdict)) return verdict;
  }
  return virtqueues.length > 0 ? 'safe' : 'unknown';
}

/**
 * QEMU maps all or none of one vhost_dev (hw/virtio/vhost-vdpa.c: vhost_vdpa_host_notifiers_init()); -netdev vhost-vdpa
 * has one per queue pair and one for the control virtqueue. It maps whatever the kernel lets it, safe or not. An
 * isolated control virtqueue is always shadowed (QEMU 8.0 and newer) and so has no host notifier.
 */
function mappedPairs(host: Host, device: VdpaDevice, virtqueues: readonly VirtqueueAssessment[]): number[] {
  const pairs = queuePairsOf(device);
  if (pairs === undefined || host.pageSize !== qemuNotifyStride) return [];
  const mapped = new Set(virtqueues.filter(({ kernel }) => kernel === 'mapped').map(({ index }) => index));
  const indices: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    if (mapped.has(2 * pair) && mapped.has(2 * pair + 1)) indices.push(2 * pair, 2 * pair + 1);
  }
  const control = controlVirtqueueOf(device);
  if (control !== undefined && mapped.has(control) && !isControlIsolated(device, control)) indices.push(control);
  return indices;
}

function mappedDevice(host: Host, virtqueues: readonly VirtqueueAssessment[]): number[] {
  if (host.pageSize !== qemuNotifyStride) return [];
  return virtqueues.every(({ kernel }) => kernel === 'mapped') ? virtqueues.map(({ index }) => index) : [];
}

/** Whether QEMU can put the control virtqueue into an address space of its own (net/vhost-vdpa.c). */
function isControlIsolated(device: VdpaDevice, control: number): boolean {
  const { addressSpaceCount, backendFeatures } = device.identity;
  if (!isKnown(addressSpaceCount) || addressSpaceCount < 2 || !isKnown(device.virtqueues)) return false;
  if (!isKnown(backendFeatures) || !hasFeature(backendFeatures, 'VHOST_BACKEND_F_IOTLB_ASID')) return false;
  const own = device.virtqueues.find(({ index }) => index === control)?.group;
  return (
    typeof own === 'number' &&
    device.virtqueues.every(({ index, group }) => index === control || (typeof group === 'number' && group !== own))
  );
}

function findingsOn(device: DeviceAssessment, index: number): Finding[] {
  if (device.verdict !== 'unsafe' && device.verdict !== 'unknown') return [];
  const reason = device.virtqueues.find(({ verdict }) => verdict === device.verdict)?.reasons[0];
  const fix = device.advice[0];
  return [
    {
      code: `assess.${device.verdict}`,
      severity: device.verdict === 'unsafe' ? 'error' : 'warning',
      path: `/devices/${index}`,
      message: `${device.name}: ${reason?.message ?? device.summary}`,
      ...(fix === undefined ? {} : { fix }),
    },
  ];
}
