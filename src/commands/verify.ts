import { VdpaQemuError } from '../model/error.ts';
import { importRunning } from '../import/from-qmp.ts';
import { hasErrors } from '../model/finding.ts';
import type { Guest } from '../model/generated/guest-configuration.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { Observation } from '../model/generated/observation.ts';
import type { Verification } from '../model/generated/verification.ts';
import { renderJson } from '../render/json.ts';
import { inColour, renderVerification, uncoloured } from '../render/verification-text.ts';
import type { CompleteSpec } from '../spec/defaults.ts';
import { explainingReport } from '../verify/explaining-report.ts';
import { observeUntilReady } from '../verify/observe-until-ready.ts';
import { verifyVm, type VerifyOptions as JudgeOptions } from '../verify/verify.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { argumentsOf, openMonitor, type Monitor, type MonitorOptions } from './monitor.ts';
import { planSpec, policyOf, readSpecText, requiredIn } from './plan-spec.ts';
import { readParents } from './read-parents.ts';
import { readReports } from './read-reports.ts';
import { deliver, tell } from './result.ts';

export interface VerifyCommandOptions extends GlobalOptions, MonitorOptions {
  readonly spec: string | undefined;
  readonly host: readonly string[];
  readonly on: string | undefined;
  /** files with the operator's own rows on parent drivers */
  readonly parents: readonly string[];
  /** seconds to wait for the guest driver */
  readonly wait: number;
  /** every vDPA device must have active host notifiers */
  readonly require: boolean;
}

/** Verifies a running VM. Exit code 1 where something that must be is not: a required notifier, the plan. */
export async function verify(options: VerifyCommandOptions, io: Io): Promise<ExitCode> {
  if ((options.qmp === undefined) === (options.domain === undefined)) {
    throw new VdpaQemuError('usage', 'give either --qmp SOCKET or --domain NAME');
  }
  checkWait(options);
  const judge = await judgeOptions(options, io);
  if (typeof judge === 'number') return judge;
  const monitor = await openMonitor(options, io, Math.max(5, Math.min(options.wait, 60)) * 1000);
  try {
    const observation = await observeUntilReady(monitor.executor, {
      waitMs: options.wait * 1000,
      // Each virsh is a process of its own: fewer of them.
      intervalMs: options.domain === undefined ? 250 : 1000,
      timeoutMs: options.domain === undefined ? 30_000 : 60_000,
      memoryMap: options.verbose,
      process: monitor.process,
    });
    const running = judge.plan ? await runningGuest(monitor, observation) : undefined;
    monitor.close();
    const report = judge.report ?? (await explainingReport(observation));
    return conclude(verifyVm(observation, { ...judge, report, running }), options, io);
  } finally {
    monitor.close();
  }
}

/** All that the running VM shows to its guest. */
async function runningGuest(monitor: Monitor, observation: Observation): Promise<Guest> {
  const args = argumentsOf(await monitor.process());
  const imported = await importRunning(monitor.executor, observation, args, AbortSignal.timeout(60_000));
  return imported.configuration.guest;
}

/** Delivers a verification, and tells its findings. */
export function conclude(verification: Verification, options: GlobalOptions, io: Io): ExitCode {
  if (options.json) {
    deliver(renderJson(verification), options, io);
  } else {
    const paint = options.color && io.color && options.output === undefined ? inColour : uncoloured;
    deliver(renderVerification(verification, paint, options.verbose), options, io);
    tell(verification.findings, options, io);
  }
  return hasErrors(verification.findings) ? 1 : 0;
}

/**
 * Plan and report to judge with. Without --host this host is looked at while the VM has its devices open: whether
 * `auto` gave page-per-vq=on is not known then, and is not compared.
 */
async function judgeOptions(options: VerifyCommandOptions, io: Io): Promise<JudgeOptions | Exclude<ExitCode, 0>> {
  const { spec: file, host, on } = options;
  const all = options.require ? ('all' as const) : undefined;
  const given = host.length > 0 ? await readReports(host) : undefined;
  if (file === undefined) {
    const parents = await readParents(options.parents);
    return { require: all, report: given ? reportOn(given, on) : undefined, parents };
  }
  const planned = await planSpec(
    readSpecText(file),
    async () => given ?? [await idleReport()],
    on,
    options,
    io,
    given ? undefined : withoutPolicy,
  );
  if (typeof planned === 'number') return planned;
  const { spec, plan, reports, parents } = planned;
  const required = all ?? requiredIn(spec);
  const report = reports.find((one) => one.host.name === plan.binding.host);
  if (given) return { plan, report, parents, require: required };
  const policies = new Map(policyOf(spec));
  const undecided = [...policies].filter(([, policy]) => policy === 'auto').map(([id]) => id);
  if (undecided.length > 0) {
    io.err(
      `note: page-per-vq of ${undecided.join(', ')} is not compared: what auto gave cannot be told while the device is in use; give --host REPORT, made before\n`,
    );
  }
  const decided = <T extends { id: string; pagePerVq: boolean }>(device: T): T => ({
    ...device,
    pagePerVq: policies.get(device.id) === 'require',
  });
  const guestAbi = {
    ...plan.guestAbi,
    interfaces: plan.guestAbi.interfaces.map(decided),
    vdpaDevices: plan.guestAbi.vdpaDevices.map(decided),
  };
  const binding = { ...plan.binding, interfaces: [], vdpaDevices: [], disks: [] };
  return { plan: { ...plan, guestAbi, binding }, report, parents, require: required, pagePerVqUndecided: undecided };
}

/** @throws VdpaQemuError usage */
function reportOn(reports: readonly HostReport[], on: string | undefined): HostReport {
  const report = on === undefined && reports.length === 1 ? reports[0] : reports.find(({ host }) => host.name === on);
  if (report) return report;
  const names = reports.map(({ host }) => host.name).join(', ');
  throw new VdpaQemuError(
    'usage',
    on === undefined
      ? `several hosts (${names}): say with --on on which of them the VM runs`
      : `--on ${on}: no host report is of that host (${names})`,
  );
}

/** The spec as it can be planned while its devices are in use: nothing then depends on their doorbells. */
function withoutPolicy(spec: CompleteSpec): CompleteSpec {
  const off = { hostNotifier: 'off' as const };
  return {
    ...spec,
    interfaces: spec.interfaces.map((net) => ({ ...net, ...off })),
    vdpaDevices: spec.vdpaDevices.map((device) => ({ ...device, ...off })),
    disks: spec.disks.map((disk) => ('vdpa' in disk ? { ...disk, ...off } : disk)),
  };
}

async function idleReport(): Promise<HostReport> {
  const { probeHost } = await import('../probe/probe-host.ts');
  return await probeHost({ open: false });
}

function checkWait({ wait }: VerifyCommandOptions): void {
  if (!Number.isFinite(wait) || wait < 0 || wait > 86_400) {
    throw new VdpaQemuError('usage', '--wait takes seconds, from 0 to 86400');
  }
}
