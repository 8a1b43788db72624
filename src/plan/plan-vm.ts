import type { AssessOptions } from '../doorbell/assess.ts';
import { VdpaQemuError } from '../model/error.ts';
import { hasErrors, type Finding } from '../model/finding.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import type { CompleteSpec } from '../spec/defaults.ts';
import { checkAccelerators, chooseAccelerator } from './accelerator.ts';
import { checkLockedMemoryLimit, chooseEmulator, lockedMemoryBytes, needsSharedMemory } from './binding.ts';
import { checkCpus } from './cpu.ts';
import { DevicePlanner } from './device-planner.ts';
import { domainOf } from './domain.ts';
import { PlanFindings } from './findings.ts';
import type { Host } from './host.ts';
import { resolveMachineType } from './machine-type.ts';
import { planDigest } from '../import/from-plan.ts';
import { checkOptionRoms } from './option-rom.ts';
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
 * @param options rows of the operator's own on parent drivers, as for assessHost()
 * @throws VdpaQemuError usage where `on` names no host of the domain, or is missing
 */
export function planVm(
  spec: CompleteSpec,
  reports: readonly HostReport[],
  on?: string,
  options: AssessOptions = {},
): PlanResult {
  const findings = new PlanFindings();
  const hosts = domainOf(spec, reports, findings, options.parents);
  const target = targetOf(hosts, on);
  if (!target) {
    if (findings.failed) return { plan: undefined, findings: findings.all };
    throw new VdpaQemuError('usage', whyNoTarget(hosts, on));
  }
  const machine = resolveMachineType(spec.machine, hosts, findings);
  if (machine) {
    checkCpus(spec, hosts, machine, findings);
    checkAccelerators(spec, hosts, machine, findings);
    checkOptionRoms(spec, hosts, machine, findings);
  }
  const { portOf, rootPorts } = planRootPorts(spec);
  const devices = new DevicePlanner(hosts, target, portOf, findings);
  for (const [index, net] of spec.interfaces.entries()) devices.addInterface(net, `/interfaces/${index}`);
  for (const [index, disk] of spec.disks.entries()) devices.addDisk(disk, `/disks/${index}`, spec.cpu.count);
  for (const [index, device] of spec.vdpaDevices.entries()) devices.addGenericDevice(device, `/vdpaDevices/${index}`);
  const { bound } = devices;

  if (!machine || findings.failed) return { plan: undefined, findings: findings.all };
  const locked = lockedMemoryBytes(spec.memoryBytes, bound.length);
  checkLockedMemoryLimit(locked, target, findings);
  const emulator = chooseEmulator(spec, target, machine, findings);
  const plan: Omit<VmPlan, 'guestAbiDigest'> = {
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
      ...devices.guest,
    },
    binding: {
      host: target.name,
      emulator,
      accelerator: chooseAccelerator(spec, target, machine),
      memoryShared: bound.length > 0 && needsSharedMemory(bound, devices.overBlockDriver),
      lockedMemoryBytes: locked,
      qmpSocket: spec.qmpSocket,
      ...devices.binding,
    },
  };
  if (hasErrors(findings.all)) return { plan: undefined, findings: findings.all };
  return { plan: { ...plan, guestAbiDigest: planDigest(plan) }, findings: findings.all };
}

/** The host to bind to: the one that is named, or the only one. */
function targetOf(hosts: readonly Host[], on: string | undefined): Host | undefined {
  return on === undefined && hosts.length === 1 ? hosts[0] : hosts.find(({ name }) => name === on);
}

function whyNoTarget(hosts: readonly Host[], on: string | undefined): string {
  if (hosts.length === 0) return 'no host report is given';
  const names = hosts.map(({ name }) => name).join(', ');
  return on === undefined
    ? `several hosts (${names}): say with --on which of them to bind to`
    : `no host ${on} in the migration domain (${names})`;
}
