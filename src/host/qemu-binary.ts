import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import type { QemuCapabilities } from '../model/generated/host-report.ts';
import { startProgram, type Program, type ProgramExit } from './process.ts';
import { guestVocabularyOf } from './guest-vocabulary.ts';
import { capabilitiesOf, capabilityQuestions } from './qmp-capabilities.ts';
import type { AskQemu } from './qmp-batch.ts';
import { connectQmp } from './qmp-connect.ts';
import { harmless, QmpError } from './qmp-error.ts';

export interface QemuSearch {
  /** uname -m: x86_64, aarch64 .. */
  readonly architecture: string;
  /** default: this process's PATH */
  readonly pathVariable?: string | undefined;
  /** absolute paths to look at instead of the usual places */
  readonly candidates?: readonly string[] | undefined;
}

/** Where QEMU's target is called differently than the machine (QEMU configure, `cpu` case). */
const targets: Readonly<Record<string, string>> = { i686: 'i386', i586: 'i386', armv7l: 'arm', ppc64le: 'ppc64' };

/**
 * The QEMU system emulators of this host's architecture: qemu-system-ARCH and qemu-kvm in PATH, and RHEL's
 * /usr/libexec/qemu-kvm. Executable files only, in that order, each once (two names of one file: the first).
 * Whether it is a QEMU only queryQemuCapabilities() tells.
 */
export async function findQemuBinaries(search: QemuSearch): Promise<string[]> {
  // Relative entries (also the empty one, which means the working directory) would start whatever lies there.
  const folders = (search.pathVariable ?? process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const target = targets[search.architecture] ?? search.architecture;
  const names = /^\w+$/.test(target) ? [`qemu-system-${target}`, 'qemu-kvm'] : ['qemu-kvm'];
  const usual = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = new Map<string, string>();
  for (const path of search.candidates ?? [...usual, '/usr/libexec/qemu-kvm']) {
    const real = await executableBehind(path);
    if (real !== undefined && !found.has(real)) found.set(real, path);
  }
  return [...found.values()];
}

/** The file that is meant in the end, if it may be executed. */
async function executableBehind(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile() ? await realpath(path) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * No board, no device, no configuration file of the host's. TCG first: it is there without /dev/kvm, also for a binary
 * whose name ends in kvm (system/vl.c: configure_accelerators prefers KVM for those). Over stdio, no socket is left.
 */
const argv = '-nodefaults -no-user-config -display none -machine none,accel=tcg:kvm -qmp stdio'.split(' ');

/**
 * Asks a QEMU binary what it can do, in some 0.1 s, by starting it without a machine.
 * @throws VdpaQemuError `not-found`: no such file; `program`: not a QEMU, or it failed, hung (timeoutMs), or was
 *   aborted; with the end of its stderr in `details`. It is stopped in any case.
 */
export async function queryQemuCapabilities(path: string, options: QemuWait = {}): Promise<QemuCapabilities> {
  return await askQemuBinary(
    path,
    async (ask) => {
      const capabilities = capabilitiesOf(await ask(capabilityQuestions));
      return { ...capabilities, ...(await guestVocabularyOf(ask)) };
    },
    options,
  );
}

export interface QemuWait {
  /** milliseconds for all of it; default 20,000 */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts a QEMU without a machine, talks with it and ends it.
 * @param talk asks questions, each time all of a list together; the answers come in their order
 * @throws VdpaQemuError as queryQemuCapabilities(), also for what `talk` throws
 */
export async function askQemuBinary<T>(
  path: string,
  talk: (ask: AskQemu) => Promise<T>,
  options: QemuWait = {},
): Promise<T> {
  const { timeoutMs = 20_000, signal } = options;
  const program = await startProgram(path, argv, { pipe: true, signal });
  try {
    return await converse(program, talk, timeoutMs, signal);
  } catch (error) {
    throw await failureOf(path, program, error);
  } finally {
    await program.stop();
  }
}

async function converse<T>(
  program: Program,
  talk: (ask: AskQemu) => Promise<T>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (program.stdio === undefined) throw new VdpaQemuError('internal', 'started without a pipe');
  const deadline = performance.now() + timeoutMs;
  const client = await connectQmp({ stream: program.stdio }, { timeoutMs, signal });
  const answer = await talk((questions) => {
    const left = Math.max(1, Math.ceil(deadline - performance.now()));
    return client.executeAll(questions, { timeoutMs: left, signal });
  });
  // Politely first; stop() sees to it if that does not help.
  await client.execute('quit', undefined, { timeoutMs: 1000 }).catch(() => undefined);
  await endOf(program, 1000);
  client.close();
  return answer;
}

/** Its end, if that comes within `ms` milliseconds. */
function endOf(program: Program, ms: number): Promise<ProgramExit | undefined> {
  return Promise.race([program.exited, sleep(ms, undefined, { ref: false })]);
}

async function failureOf(path: string, program: Program, error: unknown): Promise<VdpaQemuError> {
  // Where it hung up, its end says more. Where we did, its end is our doing.
  const exit = hungUp(error) ? await endOf(program, 300) : undefined;
  await program.stop();
  const how = exit === undefined ? '' : ` (it ended with ${exit.signal ?? `exit code ${exit.code ?? '?'}`})`;
  return new VdpaQemuError('program', `${harmless(path)} does not answer as QEMU does${how}: ${messageOf(error)}`, {
    cause: error,
    details: program.stderrTail(),
  });
}

function hungUp(error: unknown): boolean {
  return error instanceof QmpError && (error.kind === 'closed' || hungUp(error.cause));
}
