import type { QmpError } from './qmp-error.ts';
import type { QmpEvent } from './qmp-message.ts';

/** Bytes on the wire of all events that wait to be taken; one alone may be bigger. */
const MAX_HELD = 1024 * 1024;

/**
 * The events of one monitor from the moment this was made, for `for await`. Ends when the client is closed by close();
 * throws the QmpError that ended the connection otherwise, after the events that came before it.
 */
export class QmpEvents implements AsyncIterableIterator<QmpEvent> {
  readonly #limit: number;
  readonly #leave: (self: QmpEvents) => void;
  #queue: { event: QmpEvent; size: number }[] = [];
  #held = 0;
  #waiting: { resolve: (result: IteratorResult<QmpEvent>) => void; reject: (error: Error) => void }[] = [];
  #end: { error: QmpError | undefined } | undefined;
  #dropped = 0;

  /**
   * @param limit how many events may wait to be taken; beyond it the oldest is dropped
   * @param leave called once when the reader stops early
   */
  constructor(limit: number, leave: (self: QmpEvents) => void) {
    this.#limit = Math.max(1, limit);
    this.#leave = leave;
  }

  /** How many events were dropped because they came faster than they were taken. */
  get dropped(): number {
    return this.#dropped;
  }

  /** For the client. `size`: bytes that the event took on the wire. */
  push(event: QmpEvent, size: number): void {
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: event });
      return;
    }
    this.#queue.push({ event, size });
    this.#held += size;
    while (this.#queue.length > this.#limit || (this.#held > MAX_HELD && this.#queue.length > 1)) {
      this.#take();
      this.#dropped++;
    }
  }

  /** For the client. */
  finish(error: QmpError | undefined): void {
    this.#end ??= { error };
    for (const reader of this.#waiting.splice(0)) {
      if (error === undefined) reader.resolve({ done: true, value: undefined });
      else reader.reject(error);
    }
  }

  next(): Promise<IteratorResult<QmpEvent>> {
    const event = this.#take();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#end === undefined) return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    return this.#end.error === undefined
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(this.#end.error);
  }

  return(): Promise<IteratorResult<QmpEvent>> {
    this.#leave(this);
    this.#queue = [];
    this.#held = 0;
    this.finish(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  #take(): QmpEvent | undefined {
    const first = this.#queue.shift();
    this.#held -= first?.size ?? 0;
    return first?.event;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
