import { isKnown } from '../model/fact.ts';
import type { DeviceAssessment } from '../model/generated/assessment.ts';
import type { HostReport, QemuCapabilities, VdpaDevice } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import type { VdpaReference } from '../model/generated/vm-spec.ts';
import { assessDevice } from '../doorbell/assess.ts';

/** A QEMU binary whose abilities are known. */
export interface KnownQemu {
  readonly path: string;
  readonly capabilities: QemuCapabilities;
}

/** One host of the migration domain, as the planner sees it. */
export interface Host {
  readonly name: string;
  readonly report: HostReport;
  readonly qemu: readonly KnownQemu[];
  /** the operator's own rows on parent drivers */
  readonly parents?: readonly ParentRow[] | undefined;
}

const noRows: readonly ParentRow[] = [];

export function hostOf(report: HostReport, parents?: readonly ParentRow[]): Host {
  const qemu = report.qemu.flatMap(({ path, capabilities }) => (isKnown(capabilities) ? [{ path, capabilities }] : []));
  return { name: report.host.name, report, qemu, parents };
}

/** A vDPA device of a host that a spec names, with the verdict on its doorbells. */
export interface HostDevice {
  readonly host: Host;
  readonly device: VdpaDevice;
  readonly assessment: DeviceAssessment;
}

/** What the spec's reference says for one host; undefined where it names none for it. */
export function nameOn(host: Host, reference: VdpaReference): string | undefined {
  return typeof reference === 'string'
    ? reference
    : Object.hasOwn(reference, host.name)
      ? reference[host.name]
      : undefined;
}

/** Finds a device by its name on the vdpa bus, or by its character device. */
export function findDevice(host: Host, name: string): HostDevice | undefined {
  const device = host.report.devices.find((candidate) =>
    name.startsWith('/') ? charDeviceOf(candidate) === name : candidate.name === name,
  );
  return device && { host, device, assessment: assessmentOf(host, device) };
}

const assessments = new WeakMap<readonly ParentRow[], WeakMap<VdpaDevice, DeviceAssessment>>();

/** The verdict follows from the report and the operator's rows, so planning many VMs on one report judges each device once. */
function assessmentOf({ report, parents = noRows }: Host, device: VdpaDevice): DeviceAssessment {
  const judged = assessments.get(parents) ?? new WeakMap<VdpaDevice, DeviceAssessment>();
  assessments.set(parents, judged);
  const known = judged.get(device);
  if (known) return known;
  const assessment = assessDevice(report.host, device, { parents });
  judged.set(device, assessment);
  return assessment;
}

/** `/dev/vhost-vdpa-N`; undefined where the device has none or it is not known. */
export function charDeviceOf(device: VdpaDevice): string | undefined {
  return isKnown(device.charDevice) ? device.charDevice?.path : undefined;
}
