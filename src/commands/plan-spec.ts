import { readDocument } from '../host/documents.ts';
import { sortFindings, hasErrors } from '../model/finding.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import { documentLabel } from '../model/standard-input.ts';
import { planVm } from '../plan/plan-vm.ts';
import type { CompleteSpec, HostNotifierPolicy } from '../spec/defaults.ts';
import { loadSpec } from '../spec/load.ts';
import { maxYamlBytes } from '../spec/yaml-document.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { readParents } from './read-parents.ts';
import { tell } from './result.ts';

export interface PlannedSpec {
  readonly spec: CompleteSpec;
  readonly plan: VmPlan;
  readonly reports: readonly HostReport[];
  /** the operator's own rows on parent drivers */
  readonly parents: readonly ParentRow[];
}

export interface SpecText {
  readonly text: string;
  /** name for messages */
  readonly file: string;
}

/** A spec as it stands in a file, or on standard input. */
export function readSpecText(file: string): SpecText {
  return { text: readDocument(file, maxYamlBytes), file: documentLabel(file) };
}

/**
 * The plan of a spec. What is found on the way is told.
 * @param readReports asked only where the spec is in order: without files it probes this host
 * @param adjust changes the spec before it is planned
 * @returns the exit code where there is no plan: 2, the spec is wrong; 1, it cannot be planned on these hosts
 */
export async function planSpec(
  { text, file }: SpecText,
  readReports: () => Promise<readonly HostReport[]>,
  on: string | undefined,
  options: GlobalOptions & { readonly parents?: readonly string[] },
  io: Io,
  adjust: (spec: CompleteSpec) => CompleteSpec = (spec) => spec,
): Promise<PlannedSpec | Exclude<ExitCode, 0>> {
  const { spec, findings, place } = loadSpec(text, file);
  if (!spec) {
    tell(findings, options, io);
    return 2;
  }
  const parents = await readParents(options.parents ?? []);
  const reports = await readReports();
  const { plan, findings: planned } = planVm(adjust(spec), reports, on, { parents });
  const all = sortFindings([...findings, ...planned.map(place)]);
  tell(all, options, io);
  if (!plan || hasErrors(all)) return 1;
  return { spec, plan, reports, parents };
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
