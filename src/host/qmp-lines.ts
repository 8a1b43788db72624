import { QmpError } from './qmp-error.ts';

/** Bytes; one page is enough for every message but the few big ones. */
const FIRST_CAPACITY = 4096;

/**
 * Cuts a byte stream at each LF, which is how QMP frames messages: the server ends every one with CR LF, and JSON
 * leaves no raw LF within (docs/interop/qmp-spec, "General Definitions").
 *
 * The unfinished line is copied into one buffer that grows by doubling. A list of chunks would cost hundreds of bytes
 * for each byte of a peer that sends them singly, and would keep the socket's read buffers alive.
 */
export class LineSplitter {
  readonly #limit: number;
  #store: Buffer = Buffer.alloc(0);
  #used = 0;

  /** @param limit longest line that is taken, in bytes without its LF */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many bytes of an unfinished line are held. */
  get pending(): number {
    return this.#used;
  }

  /**
   * The lines that this chunk completes, without their LF. A line is valid only until the next one is asked for.
   * @throws QmpError `too-large`, as soon as a line is longer than the limit, whether or not its end was seen
   */
  *push(chunk: Buffer): Generator<Buffer, void> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, start);
      const part = chunk.subarray(start, end === -1 ? chunk.length : end);
      if (this.#used + part.length > this.#limit) {
        this.#forget();
        throw new QmpError('too-large', `the peer sent a message of more than ${this.#limit} bytes`);
      }
      if (end === -1) {
        this.#keep(part);
        return;
      }
      start = end + 1;
      if (this.#used === 0) {
        yield part;
      } else {
        this.#keep(part);
        yield this.#store.subarray(0, this.#used);
        this.#forget();
      }
    }
  }

  #keep(part: Buffer): void {
    const needed = this.#used + part.length;
    if (needed > this.#store.length) {
      const grown = Buffer.allocUnsafe(Math.min(Math.max(needed, this.#store.length * 2, FIRST_CAPACITY), this.#limit));
      this.#store.copy(grown, 0, 0, this.#used);
      this.#store = grown;
    }
    part.copy(this.#store, this.#used);
    this.#used = needed;
  }

  /** Also lets go of the memory of a big line. */
  #forget(): void {
    this.#used = 0;
    if (this.#store.length > FIRST_CAPACITY) this.#store = Buffer.alloc(0);
  }
}
