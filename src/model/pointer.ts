/** RFC 6901 JSON pointers, which findings use as places. */

/** `/interfaces/0/queuePairs` -> [`interfaces`, `0`, `queuePairs`] */
export function segmentsOf(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** [`interfaces`, 0] -> `/interfaces/0` */
export function pointerOf(segments: readonly (string | number)[]): string {
  return segments.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** `/interfaces/0/queuePairs` -> `interfaces[0].queuePairs`, as people write it. */
export function fieldOf(pointer: string): string {
  return segmentsOf(pointer)
    .map((segment, index) => (/^\d+$/.test(segment) ? `[${segment}]` : `${index === 0 ? '' : '.'}${segment}`))
    .join('');
}
