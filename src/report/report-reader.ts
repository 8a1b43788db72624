import { isAscii, isUtf8 } from 'node:buffer';
import { VdpaQemuError } from '../model/error.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import { parseJson } from '../model/parse-json.ts';
import { checkReport } from './parse-reports.ts';
import { isShareable, partsOf, placeholderOf, slotsOf, type Part, type Slot } from './repeated-parts.ts';

/** Bounds for what is remembered: parts, and characters in all of them. */
const most = { parts: 4096, longParts: 32, characters: 8 << 20 };
const longPart = 2048;

/**
 * Reads host reports in JSON, one at a time. Parts that come again and again (repeated-parts.ts) are parsed and checked
 * once, and their values shared by the reports that hold them: nothing may change a report that was read.
 *
 * Sound, because a JSON value stands where another did: a text with markers in place of known parts parses, with each
 * marker in a place of that member, only if the parts were the values of those very members; and the schema says
 * nothing of such a member that depends on the rest.
 */
export class ReportReader {
  readonly #known = new KnownParts();
  /** no text can hold it, as nobody knows it before */
  readonly #marker = globalThis.crypto.randomUUID();

  /**
   * @param bytes of one JSON document
   * @param label of it, for messages
   * @throws VdpaQemuError bad-input where that is no UTF-8, no JSON, or no host report
   */
  read(bytes: Buffer, label: string): HostReport {
    const text = textOf(bytes);
    if (text === undefined) throw new VdpaQemuError('bad-input', `${label}: is not UTF-8 text`);
    const parts = partsOf(text, (start) => this.#known.longAt(text, start)?.end);
    return this.#readByParts(text, parts) ?? this.#readWhole(text, parts, label);
  }

  /** undefined where a part is not known, or anything else is not as usual. */
  #readByParts(text: string, parts: readonly Part[]): HostReport | undefined {
    const values: unknown[] = [];
    let rest = '';
    let from = 0;
    for (const part of parts) {
      const value = this.#known.valueOf(text, part);
      if (value === undefined) continue;
      rest += `${text.slice(from, part.start)}"${this.#marker}${values.length}"`;
      values.push(value);
      from = part.end;
    }
    if (values.length < parts.length) return undefined;
    try {
      const document: unknown = JSON.parse(rest + text.slice(from));
      if (typeof document !== 'object' || document === null) return undefined;
      const found = slotsOf(document).filter(({ value }) => this.#isMarker(value));
      if (found.length !== values.length) return undefined;
      for (const { member, put } of found) put(placeholderOf(member));
      const report = checkReport(document, '');
      for (const { value, put } of found) put(values[this.#indexOf(value)]);
      return report;
    } catch {
      // the whole text tells better what is wrong
      return undefined;
    }
  }

  #isMarker(value: unknown): value is string {
    return typeof value === 'string' && value.startsWith(this.#marker);
  }

  #indexOf(marker: unknown): number {
    return Number((marker as string).slice(this.#marker.length));
  }

  #readWhole(text: string, parts: readonly Part[], label: string): HostReport {
    const report = checkReport(parseJson(text, label), label);
    if (!this.#known.isFull) this.#learn(text, parts, slotsOf(report).filter(isShareable));
    return report;
  }

  /** Only a value that was found in its place, and so was checked, is remembered. */
  #learn(text: string, parts: readonly Part[], slots: readonly Slot[]): void {
    for (const { member, start, end } of parts) {
      if (this.#known.valueOf(text, { member, start, end }) !== undefined) continue;
      const part = text.slice(start, end);
      const words = canonical(part);
      const found = slots.find((slot) => slot.member === member && JSON.stringify(slot.value) === words);
      if (found) this.#known.add(member, part, found.value);
    }
  }
}

interface LongPart {
  readonly end: number;
  readonly member: string;
  readonly value: unknown;
}

interface LastLook {
  readonly text: string;
  readonly start: number;
  readonly found: LongPart | undefined;
}

/** Values by member and text. */
class KnownParts {
  readonly #short = new Map<string, Map<string, unknown>>();
  readonly #long: { readonly member: string; readonly text: string; readonly value: unknown }[] = [];
  #parts = 0;
  #characters = 0;
  /** the part is looked for twice: to find its end, and its value */
  #lastAt: LastLook = { text: '', start: -1, found: undefined };

  get isFull(): boolean {
    return this.#parts >= most.parts || this.#characters >= most.characters;
  }

  valueOf(text: string, { member, start, end }: Part): unknown {
    if (end - start < longPart) return this.#short.get(member)?.get(text.slice(start, end));
    const known = this.longAt(text, start);
    return known?.member === member && known.end === end ? known.value : undefined;
  }

  /** The long part that stands there. To compare with the few that there are is many times faster than to hash. */
  longAt(text: string, start: number): LongPart | undefined {
    if (this.#lastAt.text === text && this.#lastAt.start === start) return this.#lastAt.found;
    const known = this.#long.find((one) => text.slice(start, start + one.text.length) === one.text);
    const found = known && { ...known, end: start + known.text.length };
    this.#lastAt = { text, start, found };
    return found;
  }

  add(member: string, text: string, value: unknown): void {
    if (this.isFull) return;
    if (text.length < longPart) {
      const texts = this.#short.get(member) ?? new Map<string, unknown>();
      this.#short.set(member, texts.set(text, value));
    } else if (this.#long.length < most.longParts) this.#long.push({ member, text, value });
    else return;
    this.#parts += 1;
    this.#characters += text.length;
  }
}

/** undefined: not UTF-8. Most reports are ASCII, and that is much faster. */
function textOf(bytes: Buffer): string | undefined {
  if (isAscii(bytes)) return bytes.toString('latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

function canonical(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return undefined;
  }
}
