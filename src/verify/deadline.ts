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
   * Milliseconds for the next round trip: all that is left. Of a device with many virtqueues one of them is most of the work.
   * @throws QmpError `timeout` where nothing is left
   */
  next(): number {
    const left = this.#end - performance.now();
    if (left > 0) return Math.ceil(left);
    throw new QmpError('timeout', `the VM could not be observed within ${this.#timeoutMs} ms`);
  }
}
