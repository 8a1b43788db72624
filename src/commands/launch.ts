import { thisHost } from '../host/machine.ts';
import { onInterrupt } from '../host/launch-process.ts';
import { VdpaQemuError } from '../model/error.ts';
import { hasErrors } from '../model/finding.ts';
import { describeExit, launchVm, type LaunchedVm } from '../verify/launch-vm.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { planSpec, readSpecText, requiredIn } from './plan-spec.ts';
import { readReports } from './read-reports.ts';
import { conclude } from './verify.ts';

export interface LaunchCommandOptions extends GlobalOptions {
  readonly spec: string;
  readonly host: readonly string[];
  readonly on: string | undefined;
  /** files with the operator's own rows on parent drivers */
  readonly parents: readonly string[];
  /** seconds */
  readonly timeout: number;
  readonly detach: boolean;
  /** every vDPA device must have active host notifiers */
  readonly require: boolean;
}

/**
 * Starts the VM of a spec, waits for its driver, verifies and reports; then stays until QEMU ends or a signal comes,
 * or leaves it running (--detach). A VM that fails the verification is stopped.
 * @throws VdpaQemuError usage where the report is of another host
 */
export async function launch(options: LaunchCommandOptions, io: Io): Promise<ExitCode> {
  if (!Number.isFinite(options.timeout) || options.timeout <= 0 || options.timeout > 86_400) {
    throw new VdpaQemuError('usage', '--timeout takes seconds, up to 86400');
  }
  const planned = await planSpec(readSpecText(options.spec), () => readReports(options.host), options.on, options, io);
  if (typeof planned === 'number') return planned;
  const { spec, plan, reports, parents } = planned;
  const host = thisHost();
  if (plan.binding.host !== host) {
    throw new VdpaQemuError(
      'usage',
      `the report is of host ${plan.binding.host}, and this is ${host}: its devices have other numbers here`,
    );
  }

  const interrupted = new AbortController();
  const forget = onInterrupt((signal) => interrupted.abort(new VdpaQemuError('program', `stopped by ${signal}`)));
  try {
    const vm = await launchVm(plan, {
      timeoutMs: options.timeout * 1000,
      report: reports.find((report) => report.host.name === plan.binding.host),
      parents,
      require: options.require ? 'all' : requiredIn(spec),
      memoryMap: options.verbose,
      signal: interrupted.signal,
    });
    try {
      return await accompany(vm, options, io, interrupted.signal);
    } catch (error) {
      await vm.stop();
      throw error;
    }
  } catch (error) {
    throw interrupted.signal.aborted ? interrupted.signal.reason : error;
  } finally {
    forget();
  }
}

async function accompany(
  vm: LaunchedVm,
  options: LaunchCommandOptions,
  io: Io,
  signal: AbortSignal,
): Promise<ExitCode> {
  const code = conclude(vm.verification, options, io);
  if (hasErrors(vm.verification.findings)) {
    await vm.stop();
    io.err('the VM was stopped\n');
    return code;
  }
  const { pid, socket, log } = vm;
  if (options.detach) {
    vm.detach();
    if (!options.json) io.out(`pid ${pid}\nqmp ${socket}\nlog ${log}\n`);
    return code;
  }
  if (!options.quiet) io.err(`QEMU runs: pid ${pid}, QMP ${socket}; Ctrl-C ends it\n`);
  const stopped = new Promise<'stopped'>((resolve) => {
    if (signal.aborted) resolve('stopped');
    signal.addEventListener('abort', () => resolve('stopped'));
  });
  const end = await Promise.race([vm.exited, stopped]);
  const said = vm.said();
  await vm.stop();
  if (end === 'stopped' || end.code === 0) return code;
  throw new VdpaQemuError('program', `QEMU ended with ${describeExit(end)}`, {
    details: said.map((line) => `QEMU: ${line}`),
  });
}
