import { findingsOf } from '../import/from-options.ts';
import { fromPlan } from '../import/from-plan.ts';
import { importRunning } from '../import/from-qmp.ts';
import { kindOf, readGuestConfiguration, type ConfigurationKind } from '../import/read.ts';
import { VdpaQemuError } from '../model/error.ts';
import { hasErrors, sortFindings } from '../model/finding.ts';
import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import type { VdpaReference } from '../model/generated/vm-spec.ts';
import { planVm } from '../plan/plan-vm.ts';
import { loadSpec } from '../spec/load.ts';
import type { CompleteSpec } from '../spec/defaults.ts';
import { observeVm } from '../verify/observe.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { argumentsOf, openMonitor, type MonitorOptions } from './monitor.ts';
import { requiredIn } from './plan-spec.ts';
import { tell } from './result.ts';

/** A guest, and what only its spec says of it. */
export interface ReadGuest {
  readonly configuration: GuestConfiguration;
  readonly references: Readonly<Record<string, VdpaReference>>;
  /** ids of devices with hostNotifier: require */
  readonly require: readonly string[];
}

/** A configuration as text. */
export interface GuestText {
  readonly text: string;
  /** name for messages */
  readonly file: string;
  readonly as?: ConfigurationKind | undefined;
}

/** What reading a guest from text may use besides it. */
export interface GuestTextOptions extends GlobalOptions {
  /** the operator's own rows on parent drivers: a spec is planned with them, as gen does */
  readonly rows: readonly ParentRow[];
}

/**
 * Reads a guest from a spec, a plan, a libvirt domain or a QEMU command line. A spec is planned over the host it runs
 * on and those it may go to, as `gen` does; where that cannot be, over the first alone.
 * @param own report of the host it runs on
 * @param others reports of the other hosts
 * @returns the exit code where it cannot be read
 */
export function guestFromText(
  { text, file, as }: GuestText,
  own: HostReport | undefined,
  others: readonly HostReport[],
  options: GuestTextOptions,
  io: Io,
): ReadGuest | Exclude<ExitCode, 0> {
  const kind = as ?? kindOf(text);
  if (kind === 'spec') return guestFromSpec(text, file, own, others, options, io);
  const reports = own ? [own, ...others] : others;
  const { configuration, findings } = readGuestConfiguration(text, { file, as: kind, reports });
  tell(findings, options, io);
  if (!configuration || hasErrors(findings)) return 2;
  return { configuration, references: {}, require: [] };
}

function guestFromSpec(
  text: string,
  file: string,
  own: HostReport | undefined,
  others: readonly HostReport[],
  options: GuestTextOptions,
  io: Io,
): ReadGuest | Exclude<ExitCode, 0> {
  const { spec: whole, findings, place } = loadSpec(text, file);
  if (!whole) {
    tell(findings, options, io);
    return 2;
  }
  // hosts of the domain that are not asked about here need no report
  const spec = { ...whole, hosts: null };
  const [first, ...rest] = own ? [own, ...others.filter(({ host }) => host.name !== own.host.name)] : others;
  if (!first) throw new VdpaQemuError('usage', 'a spec takes the report of a host');
  const judge = { parents: options.rows };
  const overAll = planVm(spec, [first, ...rest], first.host.name, judge);
  const planned = overAll.plan || rest.length === 0 ? overAll : planVm(spec, [first], first.host.name, judge);
  tell(sortFindings([...findings, ...planned.findings.map(place)]), options, io);
  if (!planned.plan) return 1;
  if (planned !== overAll) {
    io.err(`note: no plan fits all these hosts; this is about the guest that gen makes for ${first.host.name} alone\n`);
  }
  return { configuration: fromPlan(planned.plan, 'spec'), references: referencesIn(spec), require: requiredIn(spec) };
}

function referencesIn({ interfaces, disks, vdpaDevices }: CompleteSpec): Record<string, VdpaReference> {
  const devices = [...interfaces, ...disks, ...vdpaDevices];
  return Object.fromEntries(devices.flatMap((device) => ('vdpa' in device ? [[device.id, device.vdpa]] : [])));
}

/** Asks a running QEMU. */
export async function guestFromMonitor(options: GlobalOptions & MonitorOptions, io: Io): Promise<ReadGuest> {
  const monitor = await openMonitor(options, io);
  try {
    const process = await monitor.process();
    const observation = await observeVm(monitor.executor, { process });
    const imported = await importRunning(monitor.executor, observation, argumentsOf(process));
    const { configuration, complaints } = imported;
    tell([...observation.notes, ...findingsOf(complaints, monitor.label)], options, io);
    return { configuration, references: {}, require: [] };
  } finally {
    monitor.close();
  }
}
