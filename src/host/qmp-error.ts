import { VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';

/**
 * Whose fault it is, and what is left of the connection:
 * - `connect`: no connection could be made (no such socket, nobody listens, no permission, name too long)
 * - `greeting`: connected, but the peer did not greet as QMP does (silence, another protocol, closed at once)
 * - `protocol`: the peer sent what is not QMP; the connection is closed
 * - `too-large`: the peer sent a message beyond the limits; the connection is closed
 * - `timeout`: a command was not answered in time; the connection stays open, the command may still be carried out
 * - `aborted`: the caller's AbortSignal fired; as with `timeout`
 * - `closed`: the connection ended, by the peer, by an error below, or by close()
 * - `command`: QEMU refused the command; the connection stays open
 */
export type QmpErrorKind =
  'connect' | 'greeting' | 'protocol' | 'too-large' | 'timeout' | 'aborted' | 'closed' | 'command';

export interface QmpErrorFacts {
  /** the command that was not answered, or was refused */
  readonly command?: string | undefined;
  /** QEMU's error class (qapi/error.json): GenericError, CommandNotFound, DeviceNotActive, DeviceNotFound, KVMMissingCap */
  readonly errorClass?: string | undefined;
  /** QEMU's `desc` */
  readonly description?: string | undefined;
  readonly cause?: unknown;
}

/** Longest text taken over from a peer, in UTF-16 units. */
const TEXT_LIMIT = 1000;

/** Talking to a monitor failed. Texts of the peer stand in it with control characters made visible, and cut. */
export class QmpError extends VdpaQemuError {
  override readonly name: string = 'QmpError';
  readonly kind: QmpErrorKind;
  readonly command: string | undefined;
  readonly errorClass: string | undefined;
  readonly description: string | undefined;

  constructor(kind: QmpErrorKind, message: string, facts: QmpErrorFacts = {}) {
    super('qmp', harmless(message), facts.cause === undefined ? {} : { cause: facts.cause });
    this.kind = kind;
    this.command = facts.command;
    this.errorClass = facts.errorClass === undefined ? undefined : harmless(facts.errorClass);
    this.description = facts.description === undefined ? undefined : harmless(facts.description);
  }
}

/** Fit for a terminal and a log: no control characters, at most TEXT_LIMIT long. */
export function harmless(text: string, limit: number = TEXT_LIMIT): string {
  // Cut first: the peer may have sent megabytes.
  const visible = printable(text.slice(0, limit));
  return text.length > limit || visible.length > limit ? `${visible.slice(0, limit - 2)}..` : visible;
}
