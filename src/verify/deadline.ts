import { QmpError } from '../host/qmp-error.ts';

/** One limit of time for a whole observation, whatever number of round trips it takes. */
export class Deadline {
  readonly signal: AbortSignal | undefined;
  readonly #timeoutMs: number;
  readonly #end: number;

  constructor(timeoutMs: number, signal?: AbortSignal) {
    this.signal = signal;
    this.#timeoutMs = timeoutMs;
    this.#end = performance.now() + timeoutMs;
  }

  /**
   * Milliseconds for the next round trip: what is left, and no more than a third of all.
   * @throws QmpError `timeout` where nothing is left
   */
  next(): number {
    const left = this.#end - performance.now();
    if (left > 0) return Math.ceil(Math.min(left, this.#timeoutMs / 3));
    throw new QmpError('timeout', `the VM could not be observed within ${this.#timeoutMs} ms`);
  }
}
