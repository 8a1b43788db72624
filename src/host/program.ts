import path from 'node:path';
import { messageOf } from '../model/error.ts';
import { unknown } from '../model/fact.ts';
import type { Unknown } from '../model/generated/host-report.ts';
import { errnoOf } from './errno.ts';

/** What a program that ended well wrote to stdout, or why there is nothing. */
export type Output = { readonly stdout: string } | Unknown;

/** Runs a program to its end. */
export type RunProgram = (name: string, args: readonly string[]) => Promise<Output>;

export interface ProgramLimits {
  readonly timeoutMs: number;
  /** of stdout, and of stderr */
  readonly maxBytes: number;
  /** what messages call it; default the whole command */
  readonly label?: string | undefined;
  /** kills it when it fires */
  readonly signal?: AbortSignal | undefined;
}

/** Administration tools lie there, and an ordinary user's PATH has not always these. */
const ADMIN_FOLDERS = ['/usr/sbin', '/sbin'];
const LIMITS: ProgramLimits = { timeoutMs: 10_000, maxBytes: 16 * 1024 * 1024 };

/** The PATH that programs are searched in. Without relative entries, which would start whatever lies there. */
export function searchPath(): string {
  const folders = (process.env['PATH'] ?? '/usr/bin:/bin')
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder));
  return [...folders, ...ADMIN_FOLDERS].join(path.delimiter);
}

/**
 * Runs a program with an argument list (no shell), in the C locale, with no stdin, for at most 10 s and 16 MiB.
 * @returns its stdout; or unknown: `no-tool` not installed, ETIMEDOUT, `aborted`, `malformed` too much output,
 *   `program-failed` with the last line of stderr
 */
export async function runProgram(
  name: string,
  args: readonly string[],
  limits: ProgramLimits = LIMITS,
): Promise<Output> {
  const { execa } = await import('execa'); // slow to load (some 100 ms): not for those who do not need it
  const running = execa(name, args, {
    env: { LC_ALL: 'C', PATH: searchPath() },
    stdin: 'ignore',
    reject: false,
    timeout: limits.timeoutMs,
    killSignal: 'SIGKILL',
    // execa puts all output into the message of its error, which takes seconds for a flood
    buffer: false,
    ...(limits.signal ? { cancelSignal: limits.signal } : {}),
  });
  const [stdout, stderr] = [new Gathered(limits.maxBytes), new Gathered(limits.maxBytes)];
  const tooMuch = (): unknown => running.kill('SIGKILL');
  running.stdout.on('data', (chunk: Buffer) => stdout.add(chunk, tooMuch));
  running.stderr.on('data', (chunk: Buffer) => stderr.add(chunk, tooMuch));
  const result = await running;
  if (!result.failed && !stdout.isFull && !stderr.isFull) return { stdout: stdout.text.replace(/\r?\n$/, '') };
  const command = limits.label ?? [name, ...args].join(' ');
  // execvp() gives EACCES also where nothing was found but some folder of PATH may not be searched.
  const isMissing = result.code === 'ENOENT' || (result.code === 'EACCES' && !name.includes('/'));
  if (result.exitCode === undefined && isMissing) return unknown('no-tool', `${name} is not installed`);
  if (result.timedOut) return unknown('ETIMEDOUT', `${command}: no end within ${limits.timeoutMs} ms`);
  if (result.isCanceled) return unknown('aborted', `${command}: was aborted`);
  if (stdout.isFull || stderr.isFull)
    return unknown('malformed', `${command}: more than ${limits.maxBytes} bytes of output`);
  if (result.exitCode === undefined) {
    return unknown(
      errnoOf(result.cause) ?? 'program-failed',
      `${command}: ${messageOf(result.cause ?? result.shortMessage)}`,
    );
  }
  const said = stderr.text.trim().split('\n').at(-1) ?? '';
  return unknown('program-failed', `${command}: exit code ${result.exitCode}${said === '' ? '' : `: ${said}`}`);
}

/** Output up to a limit; beyond it, nothing is kept. */
class Gathered {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.#size > this.#limit;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  add(chunk: Buffer, onFull: () => unknown): void {
    if (this.isFull) return;
    this.#size += chunk.length;
    if (this.#size <= this.#limit) this.#chunks.push(chunk);
    else onFull();
  }
}
