/**
 * The library. Facts (`probeHost`, `parseReports`), then judgement (`assessHost`, `planVm`), then text (`render..`).
 * Only `probeHost` touches the machine.
 */
export { assessDevice, assessHost } from './doorbell/assess.ts';
export { VdpaQemuError, type ErrorCode } from './model/error.ts';
export { isKnown, isUnknown, type Fact } from './model/fact.ts';
export { hasErrors, sortFindings, type Finding, type Severity } from './model/finding.ts';
export type {
  Assessment,
  DeviceAssessment,
  Layout,
  Verdict,
  VirtqueueAssessment,
} from './model/generated/assessment.ts';
export type { GuestAbi } from './model/generated/guest-abi.ts';
export type { HostReport, VdpaDevice } from './model/generated/host-report.ts';
export type { VmPlan } from './model/generated/vm-plan.ts';
export type { VmSpec } from './model/generated/vm-spec.ts';
export { planVm, type PlanResult } from './plan/plan-vm.ts';
export { probeHost } from './probe/probe-host.ts';
export { renderJson } from './render/json.ts';
export { renderLibvirtXml } from './render/libvirt-xml.ts';
export { renderQemuArgv } from './render/qemu-argv.ts';
export { renderCommand } from './render/shell.ts';
export { parseReports } from './report/parse-reports.ts';
export type { CompleteSpec } from './spec/defaults.ts';
export { loadSpec, type LoadedSpec } from './spec/load.ts';
export { version } from './version.ts';
