import { isKnown } from '../model/fact.ts';
import { sortFindings, type Finding } from '../model/finding.ts';
import type { Assessment, DeviceAssessment, Verdict, VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { Host, HostReport, VdpaDevice, Virtqueue } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import { assessVirtqueue, judgeVirtqueue, qemuNotifyStride } from './assess-virtqueue.ts';
import { withoutGaps } from './complete.ts';
import { withoutDisproved } from './contradiction.ts';
import { controlIsolation } from './control-isolation.ts';
import { adviceOnCaching, isOpenToIndexOverrun } from './kernel-hazards.ts';
import { knownParentOf } from './known-parent.ts';
import { layoutOf } from './layout.ts';
import { pageSizesOf } from './page-sizes.ts';
import { kernels } from './parents.ts';
import { adviceOn, reasonOf, summaryOf, worseThanDevice } from './summary.ts';
import { classOf, controlVirtqueueOf, queuePairsOf } from './virtqueue-role.ts';

/** What the judge may use besides the report. */
export interface AssessOptions {
  /** rows of the operator's own on parent drivers (parseParents): they add to our table, and never lift what it or PCI config space proves */
  readonly parents?: readonly ParentRow[] | undefined;
}

/**
 * Judges every doorbell of a host. Pure: it only reads the report.
 * @returns the verdict per device and virtqueue; findings has one per unsafe or unknown device, and one per device whose
 * kernel contradicts what PCI config space or a table row lets expect
 */
export function assessHost(report: HostReport, options: AssessOptions = {}): Assessment {
  const devices = report.devices.map((device) => assessDevice(report.host, device, options));
  const findings: Finding[] = devices.flatMap((device, index) => findingsOn(device, index));
  if (report.devices.length > 0) findings.push(...indexOverrun(report.host));
  return { schemaVersion: 1, kind: 'Assessment', host: report.host.name, devices, findings: sortFindings(findings) };
}

/**
 * Judges the doorbells of one device.
 * @throws VdpaQemuError bad-input where the report lists a virtqueue twice
 */
export function assessDevice(host: Host, device: VdpaDevice, { parents }: AssessOptions = {}): DeviceAssessment {
  const known = knownParentOf(host, device, parents);
  const virtqueues = virtqueuesOf(device, (virtqueue) => assessVirtqueue(host, device, virtqueue, known));
  const data = dataVirtqueues(device, virtqueues);
  const verdict = worst(data);
  const base = {
    name: device.name,
    class: classOf(device),
    parentDriver: known.driver,
    layout: layoutOf(host, device, known),
    verdict,
    virtqueues,
    pageSizes: pageSizesOf(host, device, known, data, verdict),
    expectedHostNotifiers: { netdev: mappedPairs(host, device, virtqueues), device: mappedDevice(host, virtqueues) },
  };
  return { ...base, summary: summaryOf(base, device), advice: adviceOn(base, device, adviceOnCaching(host)) };
}

/**
 * The same verdicts as assessDevice(), without the places of the doorbells and what follows for other hosts.
 * @throws VdpaQemuError bad-input where the report lists a virtqueue twice
 */
export function judgeDevice(host: Host, device: VdpaDevice, { parents }: AssessOptions = {}): DeviceJudgement {
  const known = knownParentOf(host, device, parents);
  const virtqueues = virtqueuesOf(device, (virtqueue) => judgeVirtqueue(host, device, virtqueue, known));
  const verdict = worst(dataVirtqueues(device, virtqueues));
  return { virtqueues, verdict, summary: summaryOf({ virtqueues, verdict }, device) };
}

/** The part of an assessment that says whether doorbells may be used. */
export type DeviceJudgement = Pick<DeviceAssessment, 'virtqueues' | 'verdict' | 'summary'>;

function virtqueuesOf(device: VdpaDevice, judge: (virtqueue: Virtqueue) => VirtqueueAssessment): VirtqueueAssessment[] {
  const judged = isKnown(device.virtqueues) ? device.virtqueues.map(judge) : [];
  return withoutGaps(device, withoutDisproved(judged));
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
  if (control !== undefined && mapped.has(control) && controlIsolation(device) !== 'isolated') indices.push(control);
  return indices;
}

function mappedDevice(host: Host, virtqueues: readonly VirtqueueAssessment[]): number[] {
  if (host.pageSize !== qemuNotifyStride) return [];
  return virtqueues.every(({ kernel }) => kernel === 'mapped') ? virtqueues.map(({ index }) => index) : [];
}

function indexOverrun(host: Host): Finding[] {
  const open = isOpenToIndexOverrun(host);
  if (open === false) return [];
  const { fixedIn } = kernels['host.kernel-index-overrun'];
  const what = 'the virtqueue index of a doorbell mapping (CVE-2026-74312)';
  const path = '/host/kernelRelease';
  if (open === undefined) {
    return [
      {
        code: 'host.kernel-index-unknown',
        severity: 'info',
        path,
        message: `whether kernel ${host.kernelRelease} checks ${what} cannot be told from its version: ask its vendor`,
      },
    ];
  }
  return [
    {
      code: 'host.kernel-index-overrun',
      severity: 'warning',
      path,
      message: `kernel ${host.kernelRelease} does not check ${what}: whoever may open /dev/vhost-vdpa-N can read out of bounds`,
      fix: `update the kernel (fixed in ${fixedIn.join(', ')})`,
    },
  ];
}

function findingsOn(device: DeviceAssessment, index: number): Finding[] {
  return [...verdictFinding(device, index), ...contradictionFinding(device, index)];
}

/** One for the device, and one for a virtqueue that is worse: QEMU maps the control virtqueue's doorbell as well. */
function verdictFinding(device: DeviceAssessment, index: number): Finding[] {
  const beside = worseThanDevice(device);
  const words = [device.verdict, ...(beside === undefined ? [] : [beside.verdict])];
  return words.flatMap((word): Finding[] => {
    if (word !== 'unsafe' && word !== 'unknown') return [];
    const found = word === beside?.verdict ? beside : device.virtqueues.find(({ verdict }) => verdict === word);
    const which = found === beside && beside !== undefined ? `virtqueue ${beside.index} (${beside.role}): ` : '';
    const message = found === undefined ? device.summary : `${which}${reasonOf(found)}`;
    const fix = device.advice[0];
    return [
      {
        code: `assess.${word}`,
        severity: word === 'unsafe' ? 'error' : 'warning',
        path: `/devices/${index}`,
        message: `${device.name}: ${message}`,
        ...(fix === undefined ? {} : { fix }),
      },
    ];
  });
}

/** The kernel's answer counts, but one of the other witnesses is wrong. */
function contradictionFinding({ name, virtqueues }: DeviceAssessment, index: number): Finding[] {
  const found = virtqueues.flatMap(({ index: number, role, reasons }) =>
    reasons.filter(({ code }) => code === 'doorbell.contradiction').map(({ message }) => ({ number, role, message })),
  );
  const [first] = found;
  if (!first) return [];
  const more = found.length > 1 ? `; so do ${found.length - 1} more virtqueues of it` : '';
  return [
    {
      code: 'assess.contradiction',
      severity: 'warning',
      path: `/devices/${index}`,
      message: `${name}: virtqueue ${first.number} (${first.role}) contradicts what is known of it: ${first.message}${more}`,
    },
  ];
}
