import { readDocument } from '../host/documents.ts';
import { sortFindings, hasErrors } from '../model/finding.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import { documentLabel } from '../model/standard-input.ts';
import { planVm } from '../plan/plan-vm.ts';
import type { CompleteSpec, HostNotifierPolicy } from '../spec/defaults.ts';
import { loadSpec } from '../spec/load.ts';
import { maxYamlBytes } from '../spec/yaml-document.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { tell } from './result.ts';

export interface PlannedSpec {
  readonly spec: CompleteSpec;
  readonly plan: VmPlan;
}

/**
 * The plan of a spec file. What is found on the way is told.
 * @param adjust changes the spec before it is planned
 * @returns the exit code where there is no plan: 2, the spec is wrong; 1, it cannot be planned on these hosts
 */
export function planSpec(
  file: string,
  reports: readonly HostReport[],
  on: string | undefined,
  options: GlobalOptions,
  io: Io,
  adjust: (spec: CompleteSpec) => CompleteSpec = (spec) => spec,
): PlannedSpec | Exclude<ExitCode, 0> {
  const { spec, findings, place } = loadSpec(readDocument(file, maxYamlBytes), documentLabel(file));
  if (!spec) {
    tell(findings, options, io);
    return 2;
  }
  const result = planVm(adjust(spec), reports, on);
  const all = sortFindings([...findings, ...result.findings.map(place)]);
  tell(all, options, io);
  if (!result.plan || hasErrors(all)) return 1;
  return { spec, plan: result.plan };
}

/** The hostNotifier policy of each vDPA device of a spec, by id. */
export function policyOf({ interfaces, vdpaDevices, disks }: CompleteSpec): [string, HostNotifierPolicy][] {
  const vdpaDisks = disks.filter((disk) => 'vdpa' in disk);
  return [...interfaces, ...vdpaDevices, ...vdpaDisks].map(({ id, hostNotifier }) => [id, hostNotifier]);
}

/** Ids of the devices for which the spec says hostNotifier: require. */
export function requiredIn(spec: CompleteSpec): string[] {
  return policyOf(spec).flatMap(([id, policy]) => (policy === 'require' ? [id] : []));
}
