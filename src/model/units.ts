const factors: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/**
 * Bytes of a memory size as specs write it: a number of bytes, or `4GiB`, `512 MiB`.
 * @returns NaN where the text is no memory size
 */
export function bytesOf(size: number | string): number {
  if (typeof size === 'number') return size;
  const match = /^([0-9]+) ?(KiB|MiB|GiB|TiB)$/.exec(size);
  const factor = factors[match?.[2] ?? ''];
  return match && factor !== undefined ? Number(match[1]) * factor : NaN;
}

/** `4 GiB`, `1.5 GiB`, `300 MiB`: for people. */
export function sizeText(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    const factor = factors[unit] ?? 1;
    if (bytes >= factor) return `${Number((bytes / factor).toFixed(2))} ${unit}`;
  }
  return `${bytes} bytes`;
}
