import { VdpaQemuError } from '../model/error.ts';
import { hasErrors, type Finding } from '../model/finding.ts';
import type { HostReport, VdpaDevice } from '../model/generated/host-report.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import type { VdpaReference } from '../model/generated/vm-spec.ts';
import { pointerOf } from '../model/pointer.ts';
import type { CompleteSpec } from '../spec/defaults.ts';
import {
  bindDevice,
  checkLockedMemoryLimit,
  chooseAccelerator,
  chooseEmulator,
  lockedMemoryBytes,
  needsSharedMemory,
} from './binding.ts';
import { checkBlockdevPolicy, chooseAttachment } from './disk.ts';
import { domainOf } from './domain.ts';
import { PlanFindings } from './findings.ts';
import { planGenericDevice, type GenericDevice } from './generic-device.ts';
import type { HostDevice } from './host.ts';
import { locateDevices } from './locate-devices.ts';
import { resolveMachineType } from './machine-type.ts';
import { planInterface } from './net-device.ts';
import { planRootPorts } from './root-ports.ts';

/** A plan where nothing forbids it, and all that was found on the way. Paths of findings point into the spec. */
export interface PlanResult {
  readonly plan: VmPlan | undefined;
  readonly findings: readonly Finding[];
}

/**
 * Decides the guest ABI over all hosts of the migration domain, and the binding of one of them. Pure.
 * @param reports one per host
 * @param on name of the host whose binding is wanted; may be left out where there is one host
 * @throws VdpaQemuError usage where `on` names no host of the domain, or is missing
 */
export function planVm(spec: CompleteSpec, reports: readonly HostReport[], on?: string): PlanResult {
  const findings = new PlanFindings();
  const hosts = domainOf(spec, reports, findings);
  const target = on === undefined && hosts.length === 1 ? hosts[0] : hosts.find(({ name }) => name === on);
  if (!target) {
    if (findings.failed) return { plan: undefined, findings: findings.all };
    const names = hosts.map(({ name }) => name).join(', ');
    if (hosts.length === 0) throw new VdpaQemuError('usage', 'no host report is given');
    throw new VdpaQemuError(
      'usage',
      on === undefined
        ? `several hosts (${names}): say with --on which of them to bind to`
        : `no host ${on} in the migration domain (${names})`,
    );
  }
  const machine = resolveMachineType(spec.machine, hosts, findings);
  const { portOf, rootPorts } = planRootPorts(spec);
  const port = (id: string): number => portOf.get(id) ?? 0;

  const guest: Pick<VmPlan['guestAbi'], 'interfaces' | 'disks' | 'vdpaDevices'> = {
    interfaces: [],
    disks: [],
    vdpaDevices: [],
  };
  const binding: Pick<VmPlan['binding'], 'interfaces' | 'disks' | 'vdpaDevices'> = {
    interfaces: [],
    disks: [],
    vdpaDevices: [],
  };
  const bound: HostDevice[] = [];
  let overBlockDriver = false;

  const users = new Map<VdpaDevice, string>();
  const locate = (id: string, reference: VdpaReference, path: string): HostDevice[] => {
    const devices = locateDevices(reference, path, hosts, findings);
    for (const { host, device } of devices) {
      const other = users.get(device);
      if (other === undefined) users.set(device, id);
      else {
        findings.error(
          'plan.device-taken',
          `${path}/vdpa`,
          `vDPA device ${device.name} on host ${host.name} is taken by ${other} already: /dev/vhost-vdpa-N can be opened once`,
        );
      }
    }
    return devices;
  };
  const onTarget = (devices: readonly HostDevice[]): HostDevice | undefined => {
    const found = devices.find(({ host }) => host === target);
    if (found) bound.push(found);
    return found;
  };
  const addGeneric = (spec: GenericDevice, path: string, devices: readonly HostDevice[]): void => {
    const device = planGenericDevice(spec, path, port(spec.id), devices, findings);
    const found = onTarget(devices);
    if (!found) return;
    guest.vdpaDevices.push(device);
    binding.vdpaDevices.push(bindDevice(spec.id, found, device.pagePerVq, 'device'));
  };

  for (const [index, net] of spec.interfaces.entries()) {
    const path = pointerOf(['interfaces', index]);
    const devices = locate(net.id, net.vdpa, path);
    const planned = planInterface(net, path, port(net.id), devices, findings);
    const found = onTarget(devices);
    if (!planned || !found) continue;
    guest.interfaces.push(planned);
    binding.interfaces.push(bindDevice(net.id, found, planned.pagePerVq, 'netdev'));
  }
  for (const [index, disk] of spec.disks.entries()) {
    const path = pointerOf(['disks', index]);
    const abi = {
      id: disk.id,
      rootPort: port(disk.id),
      queues: spec.cpu.count,
      readOnly: disk.readOnly,
      bootIndex: disk.bootIndex,
    };
    if ('file' in disk) {
      guest.disks.push(abi);
      binding.disks.push({ id: disk.id, file: disk.file, format: disk.format });
      continue;
    }
    const devices = locate(disk.id, disk.vdpa, path);
    const attachment = devices.length === 0 ? undefined : chooseAttachment(disk, path, devices, findings);
    if (attachment === 'device') addGeneric({ ...disk, queueSize: null }, path, devices);
    if (attachment !== 'blockdev') continue;
    checkBlockdevPolicy(disk, path, findings);
    overBlockDriver = true;
    const found = onTarget(devices);
    if (!found) continue;
    guest.disks.push(abi);
    binding.disks.push(bindDevice(disk.id, found, false, 'device'));
  }
  for (const [index, device] of spec.vdpaDevices.entries()) {
    const path = pointerOf(['vdpaDevices', index]);
    const devices = locate(device.id, device.vdpa, path);
    if (devices.length > 0) addGeneric(device, path, devices);
  }

  if (!machine || findings.failed) return { plan: undefined, findings: findings.all };
  const locked = lockedMemoryBytes(spec.memoryBytes, bound.length);
  checkLockedMemoryLimit(locked, target, findings);
  const emulator = chooseEmulator(spec, target, machine, findings);
  const plan: VmPlan = {
    schemaVersion: 1,
    kind: 'VmPlan',
    name: spec.name,
    guestAbi: {
      machine: machine.name,
      architecture: machine.architecture,
      uuid: spec.uuid,
      cpu: spec.cpu,
      memoryBytes: spec.memoryBytes,
      rootPorts,
      ...guest,
    },
    binding: {
      host: target.name,
      emulator,
      accelerator: chooseAccelerator(spec, target, machine, findings),
      memoryShared: bound.length > 0 && needsSharedMemory(bound, overBlockDriver),
      lockedMemoryBytes: locked,
      qmpSocket: spec.qmpSocket,
      ...binding,
    },
  };
  return { plan: hasErrors(findings.all) ? undefined : plan, findings: findings.all };
}
