import { VdpaQemuError } from '../model/error.ts';
import { isKnown } from '../model/fact.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import { dataVirtqueues } from '../doorbell/assess.ts';
import { parentDriverOf } from '../doorbell/parent-driver.ts';
import { knowledgeOf } from '../doorbell/parents.ts';
import type { CompleteSpec } from '../spec/defaults.ts';
import type { PlanFindings } from './findings.ts';
import { charDeviceOf, type Host, type HostDevice } from './host.ts';
import { emulatorWith, type MachineType } from './machine-type.ts';

export type VdpaBinding = VmPlan['binding']['interfaces'][number];

/** Slack beside guest RAM for device memory and QEMU's own pinned pages: libvirt's figure (qemu_domain.c: qemuDomainGetMemLockLimitBytes()). */
const lockedMemorySlack = 2 ** 30;

/**
 * RLIMIT_MEMLOCK in bytes: each vDPA device pins the whole guest again, and there is no exemption for CAP_IPC_LOCK
 * (drivers/vhost/vdpa.c: vhost_vdpa_pa_map()). 0 without a vDPA device.
 */
export function lockedMemoryBytes(memoryBytes: number, vdpaDevices: number): number {
  return vdpaDevices === 0 ? 0 : vdpaDevices * memoryBytes + lockedMemorySlack;
}

/**
 * Binds one guest device to the vDPA device of a host.
 * @throws VdpaQemuError internal where that has no character device, which DevicePlanner looks after
 */
export function bindDevice(
  id: string,
  found: HostDevice,
  pagePerVq: boolean,
  granularity: 'netdev' | 'device',
): VdpaBinding {
  const data = new Set(dataVirtqueues(found.device, found.assessment.virtqueues).map(({ index }) => index));
  const expected = found.assessment.expectedHostNotifiers[granularity];
  const charDevice = charDeviceOf(found.device);
  if (charDevice === undefined) throw new VdpaQemuError('internal', `${found.device.name} has no character device`);
  return {
    id,
    vdpa: found.device.name,
    charDevice,
    expectedHostNotifiers: pagePerVq ? expected.filter((index) => data.has(index)) : [],
  };
}

/**
 * Whether guest RAM must be a shared mapping: parents that use virtual addresses skip memory that is not
 * (drivers/vhost/vdpa.c: vhost_vdpa_va_map()). A parent that we do not know might be one.
 */
export function needsSharedMemory(devices: readonly HostDevice[], overBlockDriver: boolean): boolean {
  return (
    overBlockDriver || devices.some(({ device }) => knowledgeOf(parentDriverOf(device))?.usesVirtualAddress ?? true)
  );
}

/** The QEMU binary to start on a host, and whether it is one that can do the job. */
export function chooseEmulator(spec: CompleteSpec, host: Host, machine: MachineType, findings: PlanFindings): string {
  if (spec.emulator !== null) return spec.emulator;
  const known = emulatorWith(machine.name, host);
  if (known) {
    if (spec.interfaces.length > 0 && known.capabilities.netdevVhostVdpa === null) {
      findings.error(
        'plan.qemu-lacks-vhost-vdpa',
        '/interfaces',
        `QEMU ${known.capabilities.version} on host ${host.name} has no -netdev vhost-vdpa (QEMU 5.1 and newer have)`,
      );
    }
    return known.path;
  }
  return `/usr/bin/qemu-system-${machine.architecture}`;
}

/** Whether the host lets a process lock as much memory as the VM needs. */
export function checkLockedMemoryLimit(need: number, host: Host, findings: PlanFindings): void {
  const { lockedMemoryLimit } = host.report.host;
  if (!isKnown(lockedMemoryLimit) || lockedMemoryLimit === 'unlimited' || lockedMemoryLimit >= need) return;
  findings.warning(
    'plan.locked-memory-limit',
    '/memory',
    `QEMU needs to lock ${need} bytes on host ${host.name}, but the limit of the process that probed it is ${lockedMemoryLimit}`,
    `prlimit --memlock=${need}:${need} as root; libvirt raises it by itself`,
  );
}
