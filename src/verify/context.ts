import { assessDevice } from '../doorbell/assess.ts';
import { withoutAliasPrefix } from '../model/device-id.ts';
import { isKnown, isUnknown } from '../model/fact.ts';
import type { DeviceAssessment, VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { HostReport, VdpaDevice } from '../model/generated/host-report.ts';
import type { ObservedDevice, ObservedVirtqueue, Observation } from '../model/generated/observation.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import { charDeviceOf } from '../plan/host.ts';

type VdpaBinding = VmPlan['binding']['interfaces'][number];

/** What else is known of one device of the VM: from its host's report, its plan, and its process. */
export interface DeviceContext {
  readonly charDevice: string | null;
  readonly binding: VdpaBinding | undefined;
  readonly facts: VdpaDevice | undefined;
  readonly assessment: DeviceAssessment | undefined;
  readonly hostPageSize: number | undefined;
  /** descriptors of the largest ring of its virtqueues; 0: none is known */
  readonly largestRing: number;
  /** by virtqueue */
  readonly assessed: ReadonlyMap<number, VirtqueueAssessment>;
  /** virtqueues whose doorbell page the process has mapped; undefined: not known */
  readonly mapped: ReadonlySet<number> | undefined;
  /** virtqueues in the flat view of the guest's memory; undefined: not asked */
  readonly inMemoryMap: ReadonlyMap<number, { readonly kvm: boolean }> | undefined;
}

export interface Evidence {
  readonly plan?: VmPlan | undefined;
  readonly report?: HostReport | undefined;
  /** the operator's own rows on parent drivers, as for assessHost() */
  readonly parents?: readonly ParentRow[] | undefined;
}

export function idOf({ id }: Pick<ObservedDevice, 'id'>): string | undefined {
  return id === null ? undefined : withoutAliasPrefix(id);
}

export function contextOf(
  device: ObservedDevice,
  observation: Observation,
  { plan, report, parents }: Evidence,
): DeviceContext {
  const binding = bindingOf(device, plan);
  const seen = isKnown(device.charDevice) ? device.charDevice : undefined;
  const charDevice = seen ?? binding?.charDevice ?? null;
  const facts =
    charDevice === null ? undefined : report?.devices.find((candidate) => charDeviceOf(candidate) === charDevice);
  const assessment = facts && report ? assessDevice(report.host, facts, { parents }) : undefined;
  return {
    charDevice,
    binding,
    facts,
    assessment,
    largestRing: largestRingOf(device),
    assessed: new Map(assessment?.virtqueues.map((virtqueue) => [virtqueue.index, virtqueue])),
    hostPageSize: pageSizeOf(observation, report),
    mapped: mappedBy(observation, charDevice),
    inMemoryMap: memoryMapOf(device, observation),
  };
}

/**
 * What the assessment says of one virtqueue. The control virtqueue is not found by its number: a guest that does not
 * take VIRTIO_NET_F_MQ has it where others have the second pair (virtio 1.3, 5.1.2).
 */
export function assessed(
  context: DeviceContext,
  { index, role }: Pick<ObservedVirtqueue, 'index' | 'role'>,
): VirtqueueAssessment | undefined {
  if (role === 'control') return context.assessment?.virtqueues.find((one) => one.role === 'control');
  const row = context.assessed.get(index);
  return row?.role === 'control' ? undefined : row;
}

function largestRingOf({ virtqueues }: ObservedDevice): number {
  if (isUnknown(virtqueues)) return 0;
  return virtqueues.reduce((most, { size }) => (isKnown(size) ? Math.max(most, size) : most), 0);
}

function bindingOf(device: ObservedDevice, plan: VmPlan | undefined): VdpaBinding | undefined {
  if (!plan) return undefined;
  const { interfaces, disks, vdpaDevices } = plan.binding;
  const all = [...interfaces, ...vdpaDevices, ...disks.filter((disk) => 'charDevice' in disk)];
  return all.find(({ id }) => id === idOf(device));
}

function pageSizeOf({ process }: Observation, report: HostReport | undefined): number | undefined {
  if (process && isKnown(process.pageSize)) return process.pageSize;
  return report && isKnown(report.host.pageSize) ? report.host.pageSize : undefined;
}

function mappedBy({ process }: Observation, charDevice: string | null): Set<number> | undefined {
  if (process === null || isUnknown(process.doorbells) || charDevice === null) return undefined;
  return new Set(process.doorbells.filter(({ device }) => device === charDevice).map(({ virtqueue }) => virtqueue));
}

function memoryMapOf(device: ObservedDevice, { memoryMap }: Observation): Map<number, { kvm: boolean }> | undefined {
  if (memoryMap === null || isUnknown(device.virtqueues)) return undefined;
  const regions = new Map(memoryMap.map((region) => [region.name, region]));
  const found = new Map<number, { kvm: boolean }>();
  for (const { index, hostNotifier } of device.virtqueues) {
    const region = hostNotifier ? regions.get(hostNotifier.name) : undefined;
    if (region) found.set(index, { kvm: region.kvm });
  }
  return found;
}
