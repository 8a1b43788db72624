import type { Unknown } from './generated/host-report.ts';

/** A fact of a HostReport: its value, or why it is not known. */
export type Fact<T> = T | Unknown;

/** True where the fact could not be read. */
export function isUnknown(fact: unknown): fact is Unknown {
  return typeof fact === 'object' && fact !== null && 'unknown' in fact;
}

/** True where the fact is known. */
export function isKnown<T>(fact: Fact<T>): fact is Exclude<T, Unknown> {
  return !isUnknown(fact);
}

/** The value, or `fallback` where it is not known. */
export function knownOr<T, F>(fact: Fact<T>, fallback: F): Exclude<T, Unknown> | F {
  return isKnown(fact) ? fact : fallback;
}

/**
 * A fact that could not be read.
 * @param reason errno name, or one of the words that the schema lists (not-asked, not-present, no-tool ..)
 * @param detail one sentence; what cannot be seen is replaced, and it is cut at 2,000 characters
 */
export function unknown(reason: string, detail: string): Unknown {
  return { unknown: reason, detail: printable(detail).slice(0, 2000) };
}

/**
 * What a terminal or an editor acts upon instead of showing it: control characters (C0, DEL, C1), marks that turn the
 * direction of a text, line and paragraph separators, and characters without width. schemas/ forbid them, too.
 */
const unseen = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** The same text with every such character made visible as \xNN or \u{NNNN}, so that it can go to a terminal. */
export function printable(text: string): string {
  return text.replace(unseen, (char) => {
    const code = (char.codePointAt(0) ?? 0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`;
  });
}

/** The same JSON with every such character in its strings escaped; line feeds and tabs lay it out. */
export function printableJson(json: string): string {
  return json.replace(unseen, (char) => (char === '\n' || char === '\t' ? char : escaped(char)));
}

function escaped(char: string): string {
  return Array.from(
    { length: char.length },
    (_, unit) => `\\u${char.charCodeAt(unit).toString(16).padStart(4, '0')}`,
  ).join('');
}
