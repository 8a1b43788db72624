/**
 * Why work could not be done. Findings are results; an exception means there is no result.
 * Every exception that leaves the library is one of these.
 */
export type ErrorCode =
  /** a file, option or peer gave something that cannot be read: the caller's input is at fault */
  | 'bad-input'
  /** the command line was used wrongly */
  | 'usage'
  /** no permission on this host */
  | 'permission'
  /** a device, file or program is not there */
  | 'not-found'
  /** ffi-rs cannot be loaded or lacks a symbol */
  | 'native-unavailable'
  /** a system call failed */
  | 'system'
  /** a program that we started failed, hung or talked nonsense */
  | 'program'
  /** QMP: could not connect, lost, refused, or the peer broke the protocol; see QmpError */
  | 'qmp'
  /** a fault of ours */
  | 'internal';

/** Where in a text it is: a message may quote the text, so nobody should look for it there. */
export interface ErrorPlace {
  /** from 1 */
  readonly line?: number | undefined;
  /** from 1 */
  readonly column?: number | undefined;
  /** in characters, where the line is not known */
  readonly offset?: number | undefined;
}

interface ErrorFacts {
  readonly cause?: unknown;
  readonly details?: readonly string[];
  readonly place?: ErrorPlace | undefined;
}

/** Facts as fields, a short message for a person, and the cause. */
export class VdpaQemuError extends Error {
  override readonly name: string = 'VdpaQemuError';
  readonly code: ErrorCode;
  /** more lines for a person: each problem of a bad input, a program's stderr */
  readonly details: readonly string[];
  /** of a bad input, where it is known */
  readonly place: ErrorPlace | undefined;

  constructor(code: ErrorCode, message: string, { cause, details = [], place }: ErrorFacts = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
    this.place = place ?? (cause instanceof VdpaQemuError ? cause.place : undefined);
  }
}

/** The first line of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.split('\n', 1)[0] ?? '';
}
