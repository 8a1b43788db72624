import { once } from 'node:events';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import { deferred } from './deferred.ts';
import { descendantsOf, isAlive, signalProcess, type ProcessId } from './process-tree.ts';
import { harmless } from './qmp-error.ts';

export interface ProgramOptions {
  /** true: stdin and stdout are a stream to talk over; else both are /dev/null */
  readonly pipe?: boolean | undefined;
  /** stops the program when it fires */
  readonly signal?: AbortSignal | undefined;
  /** milliseconds between SIGTERM and SIGKILL; default 2,000 */
  readonly killAfterMs?: number | undefined;
}

/** How a program ended: one of the two is set; neither, if it could not even be killed. */
export interface ProgramExit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

/** A running child process. Whoever starts it calls stop() in the end, in a `finally`. */
export interface Program {
  readonly pid: number;
  /** stdin and stdout as one stream; only with `pipe` */
  readonly stdio: Duplex | undefined;
  /** Fulfilled when it has ended and its stderr was read. Never rejects. */
  readonly exited: Promise<ProgramExit>;
  /** The last lines that it wrote to stderr (at most 20), fit for a terminal. */
  stderrTail(): string[];
  /** Ends it and all that it started: SIGTERM, and SIGKILL to what is left after killAfterMs. May be called again. */
  stop(): Promise<ProgramExit>;
}

/** Bytes of stderr that are kept. */
const STDERR_LIMIT = 16 * 1024;
const STDERR_LINES = 20;

/**
 * Starts a program without a shell, with LC_ALL=C. It is killed with this process where that ends in the usual ways
 * (exit, SIGINT, SIGTERM); not where this process is killed with SIGKILL.
 * @param args the arguments, as the program gets them
 * @throws VdpaQemuError `not-found`: no such program; `program`: it could not be started
 */
export async function startProgram(
  path: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Program> {
  const { pipe = false, signal, killAfterMs = 2000 } = options;
  if (signal?.aborted === true) {
    throw new VdpaQemuError('program', `${harmless(path)} was not started: aborted`, { cause: signal.reason });
  }
  // Not imported at the top: execa is slow to load, and most commands start nothing.
  const { execa } = await import('execa');
  const channel = pipe ? 'pipe' : 'ignore';
  const child = execa(path, args, {
    stdio: [channel, channel, 'pipe'],
    buffer: false,
    reject: false,
    env: { LC_ALL: 'C' },
    // stop() below does it, and reaches what the program has started, too.
    forceKillAfterDelay: false,
  });
  if (child.pid === undefined) throw notStarted(path, await child);
  return new Running(child, child.pid, killAfterMs, signal);
}

/** What is used of execa's subprocess, which is a ChildProcess. */
interface Child {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  kill(signal: 'SIGTERM' | 'SIGKILL'): boolean;
  once(event: 'exit', listener: (code: number | null, signal: string | null) => void): unknown;
}

class Running implements Program {
  readonly pid: number;
  readonly stdio: Duplex | undefined;
  readonly #child: Child;
  readonly #killAfterMs: number;
  readonly #exited = deferred<ProgramExit>();
  #exit: ProgramExit | undefined;
  #stderr = Buffer.alloc(0);
  #stopping: Promise<ProgramExit> | undefined;

  constructor(child: Child, pid: number, killAfterMs: number, signal: AbortSignal | undefined) {
    this.pid = pid;
    this.#child = child;
    this.#killAfterMs = killAfterMs;
    const { stdin, stdout, stderr } = child;
    if (stdin !== null && stdout !== null) this.stdio = Duplex.from({ readable: stdout, writable: stdin });
    for (const stream of [stdin, stdout, stderr, this.stdio]) stream?.on('error', () => undefined);
    stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = Buffer.concat([this.#stderr, chunk]).subarray(-STDERR_LIMIT);
    });
    const abort = (): void => void this.stop();
    signal?.addEventListener('abort', abort);
    child.once('exit', (code, by) => {
      signal?.removeEventListener('abort', abort);
      this.#exit = { code: code ?? undefined, signal: by ?? undefined };
      // Its stderr may be read later than its end is seen; a child of its own may keep it open for ever.
      const read =
        stderr === null || stderr.closed ? undefined : once(stderr, 'close', { signal: AbortSignal.timeout(300) });
      const tell = (): void => this.#exited.resolve(this.#exit ?? nothingKnown);
      void Promise.resolve(read).then(tell, tell);
    });
  }

  get exited(): Promise<ProgramExit> {
    return this.#exited.promise;
  }

  stderrTail(): string[] {
    const lines = this.#stderr
      .toString('utf8')
      .split('\n')
      .map((line) => harmless(line.trimEnd()));
    return lines.filter((line) => line !== '').slice(-STDERR_LINES);
  }

  stop(): Promise<ProgramExit> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<ProgramExit> {
    if (this.#exit === undefined) await this.#kill();
    const exit = await Promise.race([this.exited, sleep(KILL_WAIT_MS, nothingKnown, { ref: false })]);
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) stream?.destroy();
    this.stdio?.destroy();
    return exit;
  }

  /** Found before the first signal: once the program is gone, nothing leads to its children any more. */
  async #kill(): Promise<void> {
    const children = descendantsOf(this.pid);
    this.#child.kill('SIGTERM');
    for (const one of children) signalProcess(one, 'SIGTERM');
    const deadline = performance.now() + this.#killAfterMs;
    while (performance.now() < deadline && !this.#allGone(children)) await sleep(10);
    for (const one of [...children, ...descendantsOf(this.pid)]) signalProcess(one, 'SIGKILL');
    if (this.#exit === undefined) this.#child.kill('SIGKILL');
  }

  #allGone(children: readonly ProcessId[]): boolean {
    return this.#exit !== undefined && !children.some(isAlive);
  }
}

const nothingKnown: ProgramExit = { code: undefined, signal: undefined };

/** Milliseconds after SIGKILL: a process that waits for hardware (state D) cannot be waited for. */
const KILL_WAIT_MS = 5000;

function notStarted(
  path: string,
  result: { code?: string | undefined; originalMessage?: string | undefined },
): VdpaQemuError {
  const missing = result.code === 'ENOENT';
  const reason = missing ? 'there is no such program' : (result.originalMessage ?? messageOf(result));
  return new VdpaQemuError(
    missing ? 'not-found' : 'program',
    `${harmless(path)} was not started: ${harmless(reason)}`,
    {
      cause: result,
    },
  );
}
