import type { Span } from './capabilities-text.ts';

/** Shorter texts are sooner parsed than found. */
const shortest = 1024;
/** Bounds: bytes of all texts (their values need some four times that), texts that look alike, looks that are remembered. */
const most = { bytes: 8 << 20, alike: 8, looks: 1 << 16 };
/** How many of the last bytes are looked at, where package and version stand, and how many before them. */
const looked = { last: 160, before: 64 };

interface Known {
  readonly text: Buffer;
  readonly value: unknown;
}

/**
 * Values by their text, those that were not met for the longest time forgotten first. A text is found by a look at a few
 * bytes of it and one comparison, which costs far less than to parse or to hash it. What comes once is not kept, so that
 * it costs nothing.
 */
export class KnownCapabilities {
  /** texts that look alike by their look; the looks in the order in which they were met last */
  readonly #known = new Map<number, Known[]>();
  readonly #seen = new Set<number>();
  #bytes = 0;
  /** how many may still be learned before one is met again: where more come than fit, to learn all would be in vain */
  #credit = 1024;

  /** The value of a text; `new`: it is not known, but something that looks like it came before; else undefined. */
  look(bytes: Buffer, { start, end }: Span): { readonly value: unknown } | 'new' | undefined {
    if (end - start < shortest || end - start > most.bytes) return undefined;
    const look = lookOf(bytes, start, end);
    const alike = this.#known.get(look);
    const found = alike?.find(({ text }) => text.compare(bytes, start, end) === 0);
    if (alike && found) {
      this.#credit += 1;
      this.#known.delete(look);
      this.#known.set(look, alike);
      return found;
    }
    if (this.#seen.has(look)) return this.#credit > 0 ? 'new' : undefined;
    if (this.#seen.size >= most.looks) this.#seen.clear();
    this.#seen.add(look);
    return undefined;
  }

  add(bytes: Buffer, { start, end }: Span, value: unknown): void {
    this.#credit -= 1;
    // the caller uses its bytes again
    const text = Buffer.allocUnsafeSlow(end - start);
    bytes.copy(text, 0, start, end);
    const look = lookOf(bytes, start, end);
    const alike = this.#known.get(look) ?? [];
    this.#known.delete(look);
    this.#known.set(look, alike);
    if (alike.length >= most.alike) this.#bytes -= alike.shift()?.text.length ?? 0;
    alike.push({ text, value });
    this.#bytes += text.length;
    for (const [oldest, texts] of this.#known) {
      if (this.#bytes <= most.bytes) break;
      this.#known.delete(oldest);
      for (const one of texts) this.#bytes -= one.text.length;
    }
  }
}

function lookOf(bytes: Buffer, start: number, end: number): number {
  let look = end - start;
  const add = (at: number): void => {
    look = Math.imul(look ^ (bytes[at] ?? 0), 0x01000193);
    look ^= look >>> 15;
  };
  const last = end - looked.last;
  const step = Math.max(1, Math.floor((last - start) / looked.before));
  for (let at = start; at < last; at += step) add(at);
  for (let at = last; at < end; at++) add(at);
  return look;
}
