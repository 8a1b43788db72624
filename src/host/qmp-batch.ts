import { deferred } from './deferred.ts';
import { QmpError } from './qmp-error.ts';
import type { Json } from './qmp-value.ts';

export type QmpArguments = Readonly<Record<string, Json>>;

export interface QmpCommand {
  readonly execute: string;
  readonly arguments?: QmpArguments | undefined;
}

/** What QEMU said to one command: its `return`, or its refusal (kind `command`). */
export type QmpOutcome =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: QmpError };

/** The `return`. @throws QmpError where it was refused */
export function valueOf(outcome: QmpOutcome | undefined): unknown {
  if (outcome?.ok === false) throw outcome.error;
  return outcome?.value;
}

/** Refused, for there is no such type of device: that is an answer. */
export function isDeviceNotFound(outcome: QmpOutcome | undefined): boolean {
  return outcome?.ok === false && outcome.error.errorClass === 'DeviceNotFound';
}

/** Sends commands together, and gives the answers in their order. */
export type AskQemu = (questions: readonly QmpCommand[]) => Promise<readonly QmpOutcome[]>;

export interface QmpWait {
  /** milliseconds for all answers together */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What the answers to one batch, which are all kept, may have together: bytes, and values as measure() counts them. */
export const MAX_BYTES = 32 * 1024 * 1024;
export const MAX_VALUES = 1_000_000;

/** Commands that were sent together and are waited for together: one timer and one abort listener for all of them. */
export class QmpBatch {
  readonly commands: readonly QmpCommand[];
  readonly #outcomes: (QmpOutcome | undefined)[];
  #missing: number;
  #bytes = 0;
  #values = 0;
  readonly #result = deferred<QmpOutcome[]>();
  readonly #release: () => void;

  /** @param giveUp called when time is over or the signal fires; it is to call fail() */
  constructor(
    commands: readonly QmpCommand[],
    wait: QmpWait & { timeoutMs: number },
    giveUp: (error: QmpError) => void,
  ) {
    this.commands = commands;
    this.#outcomes = commands.map(() => undefined);
    this.#missing = commands.length;
    const late = (): void => {
      const command = this.#firstMissing();
      giveUp(new QmpError('timeout', `${command} was not answered within ${wait.timeoutMs} ms`, { command }));
    };
    const aborted = (): void => {
      const command = this.#firstMissing();
      giveUp(new QmpError('aborted', `waiting for ${command} was aborted`, { command, cause: wait.signal?.reason }));
    };
    const timer = setTimeout(late, timerDelay(wait.timeoutMs));
    wait.signal?.addEventListener('abort', aborted);
    this.#release = () => {
      clearTimeout(timer);
      wait.signal?.removeEventListener('abort', aborted);
    };
  }

  get result(): Promise<QmpOutcome[]> {
    return this.#result.promise;
  }

  /**
   * Counts a further answer.
   * @throws QmpError `too-large`
   */
  spend(bytes: number, values: number): void {
    this.#bytes += bytes;
    this.#values += values;
    if (this.#bytes <= MAX_BYTES && this.#values <= MAX_VALUES) return;
    const limit = `${MAX_BYTES} bytes or ${MAX_VALUES} values`;
    throw new QmpError('too-large', `the peer sent more than ${limit} in answer to ${this.commands.length} commands`);
  }

  /** The answer to the command at `index`. */
  settle(index: number, outcome: QmpOutcome): void {
    this.#outcomes[index] = outcome;
    this.#missing--;
    if (this.#missing > 0) return;
    this.#release();
    this.#result.resolve(this.#outcomes.filter((one) => one !== undefined));
  }

  /** No answer will come any more: time is over, or the connection is. */
  fail(error: QmpError): void {
    this.#release();
    this.#result.reject(error);
  }

  /** The connection ended under it. */
  lose(error: QmpError): void {
    const command = this.#firstMissing();
    this.fail(new QmpError(error.kind, `${error.message}; ${command} was not answered`, { command, cause: error }));
  }

  #firstMissing(): string {
    return this.commands[this.#outcomes.indexOf(undefined)]?.execute ?? 'nothing';
  }
}

/** What setTimeout takes: it fires at once for more than 2^31-1 ms (25 days). */
export function timerDelay(ms: number): number {
  return Math.min(ms, 0x7fff_ffff);
}
