import path from 'node:path';
import { messageOf } from '../model/error.ts';
import { unknown } from '../model/fact.ts';
import type { Unknown } from '../model/generated/host-report.ts';
import { errnoOf } from './errno.ts';

/** What a program that ended well wrote to stdout, or why there is nothing. */
export type Output = { readonly stdout: string } | Unknown;

/** Runs a program to its end. */
export type RunProgram = (name: string, args: readonly string[]) => Promise<Output>;

interface Limits {
  readonly timeoutMs: number;
  /** of stdout, and of stderr */
  readonly maxBytes: number;
}

/** Administration tools lie there, and an ordinary user's PATH has not always these. */
const ADMIN_FOLDERS = ['/usr/sbin', '/sbin'];
const LIMITS: Limits = { timeoutMs: 10_000, maxBytes: 16 * 1024 * 1024 };

/** The PATH that programs are searched in. Without relative entries, which would start whatever lies there. */
export function searchPath(): string {
  const folders = (process.env['PATH'] ?? '/usr/bin:/bin')
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder));
  return [...folders, ...ADMIN_FOLDERS].join(path.delimiter);
}

/**
 * Runs a program with an argument list (no shell), in the C locale, with no stdin, for at most 10 s and 16 MiB.
 * @returns its stdout; or unknown: `no-tool` not installed, ETIMEDOUT, `program-failed` with the last line of stderr
 */
export async function runProgram(name: string, args: readonly string[], limits: Limits = LIMITS): Promise<Output> {
  const { execa } = await import('execa'); // slow to load (some 100 ms): not for those who do not need it
  const result = await execa(name, args, {
    env: { LC_ALL: 'C', PATH: searchPath() },
    stdin: 'ignore',
    reject: false,
    timeout: limits.timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: limits.maxBytes,
  });
  if (!result.failed) return { stdout: result.stdout };
  const command = [name, ...args].join(' ');
  // execvp() gives EACCES also where nothing was found but some folder of PATH may not be searched.
  const isMissing = result.code === 'ENOENT' || (result.code === 'EACCES' && !name.includes('/'));
  if (result.exitCode === undefined && isMissing) return unknown('no-tool', `${name} is not installed`);
  if (result.timedOut) return unknown('ETIMEDOUT', `${command}: no end within ${limits.timeoutMs} ms`);
  if (result.isMaxBuffer) return unknown('malformed', `${command}: more than ${limits.maxBytes} bytes of output`);
  if (result.exitCode === undefined) {
    return unknown(
      errnoOf(result.cause) ?? 'program-failed',
      `${command}: ${messageOf(result.cause ?? result.shortMessage)}`,
    );
  }
  const said = result.stderr.trim().split('\n').at(-1) ?? '';
  return unknown('program-failed', `${command}: exit code ${result.exitCode}${said === '' ? '' : `: ${said}`}`);
}
