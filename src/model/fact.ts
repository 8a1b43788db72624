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
 * @param detail one sentence; control characters are replaced, and it is cut at 2,000 characters
 */
export function unknown(reason: string, detail: string): Unknown {
  return { unknown: reason, detail: printable(detail).slice(0, 2000) };
}

/** The same text with every control character (C0, DEL, C1) made visible as \xNN, so that it can go to a terminal. */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
