/**
 * The library. Facts (`probeHost`, `parseReports`), then judgement (`assessHost`, `planVm`), then text (`render..`).
 * The machine is touched by `probeHost`, `observeVm` and `importRunning` through the monitor that they are given,
 * `launchVm`, `readProcess`, `connectQmp` and `virshMonitor`; all else is pure.
 */
export { readProcess, type ProcessView } from './host/proc-maps.ts';
export { QmpClient, type QmpExecutor } from './host/qmp-client.ts';
export { connectQmp, type QmpAddress, type QmpConnectOptions } from './host/qmp-connect.ts';
export { QmpError } from './host/qmp-error.ts';
export { virshMonitor } from './host/virsh-monitor.ts';
export { baseline, BaselineBuilder, type DeviceClass } from './baseline/baseline.ts';
export { assessDevice, assessHost, type AssessOptions } from './doorbell/assess.ts';
export { parseParents } from './doorbell/parse-parents.ts';
export {
  kindOf,
  readGuestConfiguration,
  type ConfigurationKind,
  type ReadConfiguration,
  type ReadOptions,
} from './import/read.ts';
export { fromPlan } from './import/from-plan.ts';
export { importRunning } from './import/from-qmp.ts';
export { checkMigration, type MigrationOptions } from './migration/check-migration.ts';
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
export type { Baseline } from './model/generated/baseline.ts';
export type { GuestAbi } from './model/generated/guest-abi.ts';
export type { Guest, GuestConfiguration } from './model/generated/guest-configuration.ts';
export type { HostReport, VdpaDevice } from './model/generated/host-report.ts';
export type { ParentKnowledge, ParentRow } from './model/generated/parent-knowledge.ts';
export type { MigrationCheck, MigrationFinding } from './model/generated/migration-check.ts';
export type { ObservedDevice, Observation } from './model/generated/observation.ts';
export type { DeviceVerification, Verification } from './model/generated/verification.ts';
export type { Validation, ValidationFinding } from './model/generated/validation.ts';
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
export { launchVm, type LaunchedVm, type LaunchOptions } from './verify/launch-vm.ts';
export { observeUntilReady, type WaitOptions } from './verify/observe-until-ready.ts';
export { observeVm, type ObserveOptions } from './verify/observe.ts';
export { validateDocument, type DocumentValidation, type ValidateOptions } from './validate/validate-document.ts';
export { validationOf } from './validate/validation.ts';
export type { Opinion } from './validate/opinion.ts';
export type { DocumentKind, ValidatedDocument } from './validate/document.ts';
export { verifyVm, type VerifyOptions } from './verify/verify.ts';
export { version } from './version.ts';
