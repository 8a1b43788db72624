import { isAscii, isUtf8 } from 'node:buffer';
import { VdpaQemuError } from '../model/error.ts';
import accepts from '../model/generated/host-report.accept.js';
import type { HostReport } from '../model/generated/host-report.ts';
import { parseJson } from '../model/parse-json.ts';
import { capabilitiesSpan, type Span } from './capabilities-text.ts';
import { KnownCapabilities } from './known-capabilities.ts';
import { checkReport } from './parse-reports.ts';

/** More QEMUs than a report may have are no report. */
const mostParts = 64;

/**
 * Reads host reports in JSON, one at a time, in little more time than JSON.parse needs. What a QEMU can do is parsed and
 * checked once where it comes again and again (known-capabilities.ts), and its value shared by the reports that hold it:
 * nothing may change a report that was read.
 *
 * Sound, because a JSON value stands where another did: a text with markers in place of parts parses, with each marker
 * in the place of a QEMU's capabilities, only if the parts were the values of those very members; and the schema says
 * nothing of such a member that depends on the rest.
 */
export class ReportReader {
  readonly #known = new KnownCapabilities();
  /** no text can hold it, as nobody knows it before */
  readonly #marker: string = globalThis.crypto.randomUUID();

  /**
   * @param bytes of one JSON document
   * @param label of it, for messages
   * @throws VdpaQemuError bad-input where that is no UTF-8, no JSON, or no host report
   */
  read(bytes: Buffer, label: string): HostReport {
    const ascii = isAscii(bytes);
    if (!ascii && !isUtf8(bytes)) throw new VdpaQemuError('bad-input', `${label}: is not UTF-8 text`);
    // most reports are ASCII, and that is much faster
    const text: TextOf = (start, end) => bytes.toString(ascii ? 'latin1' : 'utf8', start, end);
    const plain = ascii && isPlain(bytes);
    return this.#readByParts(bytes, text, plain) ?? readWhole(text(0, bytes.length), plain, label);
  }

  /** undefined where no part is known or worth it, or anything is not as usual. */
  #readByParts(bytes: Buffer, text: TextOf, plain: boolean): HostReport | undefined {
    const parts = this.#partsOf(bytes);
    if (parts.length === 0) return undefined;
    try {
      return this.#readParts(bytes, text, plain, parts);
    } catch {
      // the whole text tells better what is wrong
      return undefined;
    }
  }

  #partsOf(bytes: Buffer): Part[] {
    const parts: Part[] = [];
    for (let span = capabilitiesSpan(bytes, 0); span; span = capabilitiesSpan(bytes, span.end)) {
      const found = this.#known.look(bytes, span);
      if (found) parts.push({ ...span, known: found === 'new' ? undefined : found });
      if (parts.length === mostParts) break;
    }
    return parts;
  }

  #readParts(bytes: Buffer, text: TextOf, plain: boolean, parts: readonly Part[]): HostReport | undefined {
    let rest = '';
    let from = 0;
    for (const [index, { start, end }] of parts.entries()) {
      rest += `${text(from, start)}"${this.#marker}${index}"`;
      from = end;
    }
    const document: unknown = JSON.parse(rest + text(from, bytes.length));
    const places = this.#placesIn(document, parts);
    if (places.length !== parts.length) return undefined;
    const values = new Map<Part, unknown>();
    for (const { qemu, part } of places) {
      values.set(part, part.known ? part.known.value : JSON.parse(text(part.start, part.end)));
      qemu.capabilities = part.known ? placeholder : values.get(part);
    }
    if (!accepts(document, plain)) return undefined;
    for (const { qemu, part } of places) {
      qemu.capabilities = values.get(part);
      // only what was found in its place, and so was checked, is remembered
      if (!part.known) this.#known.add(bytes, part, qemu.capabilities);
    }
    return document;
  }

  /** The QEMUs in a document that may be a report whose capabilities are a marker, and of which part. */
  #placesIn(document: unknown, parts: readonly Part[]): Place[] {
    const { qemu } = document as { qemu?: unknown };
    if (!Array.isArray(qemu)) return [];
    return (qemu as (Partial<Place['qemu']> | null)[]).flatMap((one) => {
      const marker = one?.capabilities;
      if (typeof marker !== 'string' || !marker.startsWith(this.#marker)) return [];
      const part = parts[Number(marker.slice(this.#marker.length))];
      return part ? [{ qemu: one as Place['qemu'], part }] : [];
    });
  }
}

interface Place {
  readonly qemu: { capabilities: unknown };
  readonly part: Part;
}

/** A part that is read apart from the rest. */
interface Part extends Span {
  readonly known: { readonly value: unknown } | undefined;
}

type TextOf = (start: number, end: number) => string;

/** What stands for known capabilities while the rest is checked. */
const placeholder = { unknown: 'not-asked', detail: '' };

/** @param plain as isPlain() */
function readWhole(text: string, plain: boolean, label: string): HostReport {
  const document = parseJson(text, label);
  // the validator takes several times as long, but it can say what is wrong
  return accepts(document, plain) ? document : checkReport(document, label);
}

const [del, backslash] = [0x7f, 0x5c];
const printableEscapes = Buffer.from('"\\/');

/** Whether the strings of an ASCII document that parses have no control characters: JSON has them as escapes only. */
function isPlain(bytes: Buffer): boolean {
  if (bytes.includes(del)) return false;
  for (let at = bytes.indexOf(backslash); at >= 0; at = bytes.indexOf(backslash, at + 2)) {
    if (!printableEscapes.includes(bytes[at + 1] ?? 0)) return false;
  }
  return true;
}
