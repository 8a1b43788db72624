import { setTimeout as sleep } from 'node:timers/promises';
import { delay } from '../host/delay.ts';
import { launchProcess, makePrivateDirectory, withLockedMemory, type LaunchedProcess } from '../host/launch-process.ts';
import { readProcess } from '../host/proc-maps.ts';
import type { ProgramExit } from '../host/process.ts';
import type { QmpClient } from '../host/qmp-client.ts';
import { connectQmp } from '../host/qmp-connect.ts';
import { QmpError } from '../host/qmp-error.ts';
import { hasListener, removeDeadSocket } from '../host/unix-socket.ts';
import { VdpaQemuError, messageOf } from '../model/error.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import type { Verification } from '../model/generated/verification.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import { renderQemuArgv } from '../render/qemu-argv.ts';
import { renderOption } from '../render/qemu-option.ts';
import { explainingReport } from './explaining-report.ts';
import { observeUntilReady } from './observe-until-ready.ts';
import { verifyVm, type VerifyOptions } from './verify.ts';

export interface LaunchOptions {
  /** milliseconds for QEMU to start and the guest driver to come up; default 60,000 */
  readonly timeoutMs?: number | undefined;
  /** report of the host that the plan is bound to, to judge with */
  readonly report?: HostReport | undefined;
  /** the operator's own rows on parent drivers, as for assessHost() */
  readonly parents?: readonly ParentRow[] | undefined;
  /** devices that must have active host notifiers; see verifyVm() */
  readonly require?: VerifyOptions['require'];
  /** true: also ask for `info mtree -f` */
  readonly memoryMap?: boolean | undefined;
  /** gives up starting, and leaves nothing behind */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A VM that runs. Whoever launched it calls stop(), or detach(), in the end; until then it goes with this process, also
 * where SIGINT, SIGTERM, SIGHUP or SIGQUIT ends that. An application with listeners of its own for these calls stop().
 */
export interface LaunchedVm {
  readonly pid: number;
  /** QMP, free for anybody who may enter its folder */
  readonly socket: string;
  /** what QEMU prints */
  readonly log: string;
  readonly verification: Verification;
  readonly exited: Promise<ProgramExit>;
  /** The last lines that QEMU printed. */
  said(): string[];
  /** Asks QEMU to quit, ends it if it does not, and removes socket and log. */
  stop(): Promise<ProgramExit>;
  /**
   * Leaves the VM, its socket and its log alone from now on. Their folder stays when the VM has ended: whoever ends it
   * removes it.
   */
  detach(): void;
}

/**
 * Starts QEMU from a plan, with a QMP socket in a folder of its own, waits for the guest driver, and verifies. Needs
 * the rights that the plan needs: the vDPA device, and the limit of locked memory (raised by prlimit where it is lower).
 * @throws VdpaQemuError where QEMU does not start or ends meanwhile: its output is in `details`; `usage` where somebody
 *   listens at the plan's own QMP socket already, as QEMU would take it away from him; QmpError `aborted`. Nothing is
 *   left then.
 */
export async function launchVm(plan: VmPlan, options: LaunchOptions = {}): Promise<LaunchedVm> {
  const { timeoutMs = 60_000, signal } = options;
  const { qmpSocket } = plan.binding;
  await checkIsFree(qmpSocket);
  const directory = makePrivateDirectory();
  const [socket, log] = [`${directory.path}/qmp`, `${directory.path}/qemu.log`];
  let qemu: LaunchedProcess | undefined;
  try {
    const argv = withLockedMemory(
      [...renderQemuArgv(plan), ...monitorArguments(socket)],
      plan.binding.lockedMemoryBytes,
    );
    qemu = await launchProcess(argv, log);
    const running = qemu;
    const stop = async (): Promise<ProgramExit> => {
      await askToQuit(running, socket);
      const exit = await running.stop();
      await leave(qmpSocket);
      directory.remove();
      return exit;
    };
    const verification = await unlessEnded(running, signal, (either) =>
      start(running, socket, plan, { ...options, timeoutMs, signal: either }),
    );
    const { pid, exited } = running;
    const vm = { pid, socket, log };
    return {
      ...vm,
      verification: { ...verification, vm },
      exited,
      said: () => running.said(),
      stop,
      detach: () => {
        running.release();
        directory.keep();
      },
    };
  } catch (error) {
    const details = qemu?.said() ?? [];
    await qemu?.stop(2000);
    if (qemu) await leave(qmpSocket);
    directory.remove();
    throw withOutput(error, details);
  }
}

/**
 * QEMU makes a socket of its own where another's is, before it looks whether the devices are free (io/channel-socket.c,
 * util/qemu-sockets.c: unix_listen_saddr() unlinks): a VM that runs already would lose its monitor for ever.
 * @throws VdpaQemuError usage
 */
async function checkIsFree(qmpSocket: string | null): Promise<void> {
  if (qmpSocket === null || !(await hasListener(qmpSocket))) return;
  throw new VdpaQemuError('usage', `somebody listens at ${qmpSocket} already: does the VM run?`);
}

/** A QEMU that was killed leaves its sockets. */
async function leave(qmpSocket: string | null): Promise<void> {
  if (qmpSocket !== null) await removeDeadSocket(qmpSocket);
}

function monitorArguments(socket: string): string[] {
  const id = 'vdpa-qemu';
  return [
    ...['-chardev', renderOption('socket', { id, path: socket, server: true, wait: false })],
    ...['-mon', renderOption('', { chardev: id, mode: 'control' })],
  ];
}

async function start(
  qemu: LaunchedProcess,
  socket: string,
  plan: VmPlan,
  options: LaunchOptions & { readonly timeoutMs: number },
): Promise<Verification> {
  const { timeoutMs, signal, require, parents } = options;
  const deadline = performance.now() + timeoutMs;
  const client = await connectWhenThere(socket, timeoutMs, signal);
  try {
    const observation = await observeUntilReady(client, {
      waitMs: deadline - performance.now(),
      memoryMap: options.memoryMap,
      process: () => readProcess(qemu.pid),
      signal,
    });
    const report = options.report ?? (await explainingReport(observation));
    return verifyVm(observation, { plan, report, parents, require });
  } finally {
    client.close();
  }
}

/** QEMU makes its socket a while after it was started. */
async function connectWhenThere(
  socket: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<QmpClient> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const left = deadline - performance.now();
    try {
      return await connectQmp({ path: socket }, { timeoutMs: Math.max(1, left), signal });
    } catch (error) {
      if (!(error instanceof QmpError) || error.kind !== 'connect') throw error;
      if (left <= 0) {
        const message = `QEMU did not open its monitor within ${timeoutMs / 1000} s`;
        throw new QmpError('connect', message, { cause: error });
      }
      await delay(20, signal);
    }
  }
}

/**
 * What `work` gives, unless QEMU ends before, or the caller gives up: the work is told so by the signal that it gets.
 * @throws VdpaQemuError program; QmpError
 */
async function unlessEnded<T>(
  qemu: LaunchedProcess,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  void qemu.exited.then((exit) => {
    const message = `QEMU ended with ${describeExit(exit)} before it could be verified`;
    ended.abort(new VdpaQemuError('program', message));
  });
  try {
    return await work(signal ? AbortSignal.any([signal, ended.signal]) : ended.signal);
  } catch (error) {
    // A monitor that breaks off is often the first sign of an end.
    if (error instanceof QmpError && (error.kind === 'closed' || error.kind === 'greeting')) {
      await Promise.race([qemu.exited, sleep(1000, undefined, { ref: false })]);
    }
    ended.signal.throwIfAborted();
    throw error;
  }
}

/** `code 1`, `signal SIGKILL` */
export function describeExit({ code, signal }: ProgramExit): string {
  return signal !== undefined ? `signal ${signal}` : `code ${code ?? 'unknown'}`;
}

async function askToQuit(qemu: LaunchedProcess, socket: string): Promise<void> {
  try {
    const client = await connectQmp({ path: socket }, { timeoutMs: 1000 });
    client.execute('quit', undefined, { timeoutMs: 1000 }).catch(() => undefined);
    await Promise.race([qemu.exited, sleep(3000, undefined, { ref: false })]);
    client.close();
  } catch {
    // It has ended, or does not answer: it is stopped by a signal then.
  }
}

function withOutput(error: unknown, details: readonly string[]): unknown {
  if (details.length === 0) return error;
  const code = error instanceof VdpaQemuError ? error.code : 'program';
  return new VdpaQemuError(code, messageOf(error), { cause: error, details: details.map((line) => `QEMU: ${line}`) });
}
