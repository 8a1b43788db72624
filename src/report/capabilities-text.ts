/** A value in a text: `bytes.subarray(start, end)`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const firstKey = Buffer.from('"blockdevVirtioBlkVhostVdpa"');
const lastKey = Buffer.from('"version"');
const [openBrace, closeBrace] = [0x7b, 0x7d];

/**
 * Where the next thing stands that looks like what one QEMU can do, with its keys sorted, as `vdpa-qemu probe` writes
 * it: half of a report, and the same on many hosts. Only a guess; undefined: there is none.
 */
export function capabilitiesSpan(bytes: Buffer, from: number): Span | undefined {
  for (
    let first = bytes.indexOf(firstKey, from);
    first >= 0;
    first = bytes.indexOf(firstKey, first + firstKey.length)
  ) {
    let start = first - 1;
    while (start > from && isBlank(bytes[start])) start -= 1;
    if (start < from || bytes[start] !== openBrace) continue;
    const last = bytes.indexOf(lastKey, first);
    const end = last < 0 ? -1 : bytes.indexOf(closeBrace, last);
    return end < 0 ? undefined : { start, end: end + 1 };
  }
  return undefined;
}

const isBlank = (byte: number | undefined): boolean => byte !== undefined && byte <= 0x20;
