import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import { isUnknown } from '../model/fact.ts';
import { atExit, endingSignals } from './at-exit.ts';
import { deferred } from './deferred.ts';
import { readTail, readText } from './files.ts';
import type { ProgramExit } from './process.ts';
import { descendantsOf, isAlive, signalProcess } from './process-tree.ts';
import { harmless } from './qmp-error.ts';

export interface LaunchedProcess {
  readonly pid: number;
  /** Fulfilled when it has ended. Never rejects. */
  readonly exited: Promise<ProgramExit>;
  /** The last lines that it wrote to stdout and stderr (at most 20), fit for a terminal. */
  said(): string[];
  /** SIGTERM, and SIGKILL after `killAfterMs` (default 5,000) to what is left. May be called again. */
  stop(killAfterMs?: number): Promise<ProgramExit>;
  /** Leaves it running when this process ends. */
  release(): void;
}

export interface PrivateDirectory {
  readonly path: string;
  readonly remove: () => void;
  /** Leaves it there when this process ends. */
  readonly keep: () => void;
}

/** Bytes: the name of a unix socket has room for 107 (unix(7)), and `/vdpa-qemu-XXXXXX/qmp` comes behind it. */
const longestPlace = 107 - '/vdpa-qemu-XXXXXX/qmp'.length;

/**
 * A folder of our own for sockets and logs, which only this user may enter: below $XDG_RUNTIME_DIR, /run, or the
 * temporary directory, whichever can be written first. It goes with this process, unless it is kept.
 * @throws VdpaQemuError `system`
 */
export function makePrivateDirectory(): PrivateDirectory {
  const places = [process.env['XDG_RUNTIME_DIR'], '/run', os.tmpdir()].filter(
    (place) => place?.startsWith('/') && Buffer.byteLength(place) <= longestPlace,
  );
  let last: unknown;
  for (const place of places) {
    try {
      // mkdtemp(3) makes it with mode 0700
      const directory = fs.mkdtempSync(path.join(place ?? '', 'vdpa-qemu-'));
      const forget = (): void => fs.rmSync(directory, { recursive: true, force: true });
      const keep = atExit(forget);
      const remove = (): void => {
        keep();
        forget();
      };
      return { path: directory, remove, keep };
    } catch (error) {
      last = error;
    }
  }
  throw new VdpaQemuError('system', `no folder for the QMP socket could be made: ${messageOf(last)}`, { cause: last });
}

/**
 * The argv with a raised limit of locked memory, where the limit of this process is lower. QEMU has no option for it.
 * @param bytes 0: nothing has to be locked
 */
export function withLockedMemory(argv: readonly string[], bytes: number, procRoot = '/proc'): string[] {
  if (bytes === 0 || currentLimit(procRoot) >= bytes) return [...argv];
  return ['prlimit', `--memlock=${bytes}:${bytes}`, '--', ...argv];
}

/** The soft limit: fs/proc/base.c: proc_pid_limits(), `Max locked memory  SOFT  HARD  bytes`. */
function currentLimit(procRoot: string): number {
  const limits = readText(path.join(procRoot, 'self/limits'));
  const soft = isUnknown(limits) ? undefined : /^Max locked memory +(unlimited|\d+)/m.exec(limits)?.[1];
  return soft === 'unlimited' ? Infinity : Number(soft ?? 0);
}

/** Bytes of the log that are read for said(). */
const tailBytes = 16 * 1024;

/**
 * Starts a program without a shell in a session of its own, so that a Ctrl-C at the terminal is for this process alone,
 * with its output in a file, so that it can outlive this process. Until release() it is killed when this process ends, also
 * by a signal that nobody handles; see atExit().
 * @throws VdpaQemuError `not-found`, `program`
 */
export async function launchProcess(argv: readonly string[], log: string): Promise<LaunchedProcess> {
  const [program = '', ...args] = argv;
  const { execa } = await import('execa'); // 40 ms to load: not for those who do not need it
  const output = fs.openSync(log, 'a', 0o600);
  const child = execa(program, args, {
    // The types of execa take literal numbers only; any file descriptor will do.
    stdio: ['ignore', output as 3, output as 3],
    buffer: false,
    reject: false,
    detached: true,
    cleanup: false,
  });
  fs.closeSync(output);
  const { pid } = child;
  if (pid === undefined) {
    const result = await child;
    const missing = result.code === 'ENOENT';
    throw new VdpaQemuError(
      missing ? 'not-found' : 'program',
      `${harmless(program)} was not started: ${missing ? 'there is no such program' : harmless(messageOf(result.originalMessage ?? ''))}`,
      { cause: result },
    );
  }
  const exited = deferred<ProgramExit>();
  let ended = false;
  const leave = atExit(() => {
    if (!ended) killGroup(pid, 'SIGKILL');
  });
  child.once('exit', (code, signal) => {
    ended = true;
    leave();
    exited.resolve({ code: code ?? undefined, signal: signal ?? undefined });
  });
  let stopping: Promise<ProgramExit> | undefined;
  const stop = async (killAfterMs: number): Promise<ProgramExit> => {
    const children = descendantsOf(pid);
    if (!ended) killGroup(pid, 'SIGTERM');
    const deadline = performance.now() + killAfterMs;
    while (performance.now() < deadline && (!ended || children.some(isAlive))) await sleep(10);
    for (const one of children) signalProcess(one, 'SIGKILL');
    if (!ended) killGroup(pid, 'SIGKILL');
    return await Promise.race([
      exited.promise,
      sleep(killAfterMs, { code: undefined, signal: undefined }, { ref: false }),
    ]);
  };
  return {
    pid,
    exited: exited.promise,
    said: () => lastLines(log),
    stop: (killAfterMs = 5000) => (stopping ??= stop(killAfterMs)),
    release: () => {
      leave();
      child.unref();
    },
  };
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: it has ended in between.
  }
}

function lastLines(file: string): string[] {
  const text = readTail(file, tailBytes);
  if (isUnknown(text)) return [];
  const lines = text.split('\n').map((line) => harmless(line.trimEnd()));
  return lines.filter((line) => line !== '').slice(-20);
}

/** Calls back once on a signal that would end this process, until the returned function is called; it does nothing else then. */
export function onInterrupt(callback: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of endingSignals) process.on(signal, callback);
  return () => {
    for (const signal of endingSignals) process.off(signal, callback);
  };
}
