import type { BarMap, PageState } from '../doorbell/bar-map.ts';
import type { PageSizeOutlook } from '../model/generated/assessment.ts';

/** What a page is, in a few words for a drawing. */
export const stateWords: Readonly<Record<PageState, string>> = {
  exclusive: 'one doorbell, nothing else',
  'own-virtqueues': 'doorbells of this device only',
  'other-registers': 'shared with other registers',
  'beyond-bar': 'reaches beyond the BAR',
  undeclared: 'holds undeclared bytes',
  hazard: 'known to hold more',
  unsafe: 'unsafe on this host',
  unverified: 'not verified',
  none: 'no doorbell',
};

const pageWords: Readonly<Record<PageSizeOutlook['page'], string>> = {
  exclusive: 'a page of its own',
  'own-virtqueues': 'a page shared with own virtqueues only',
  'other-registers': 'a page shared with something else',
  none: 'no notification area',
  unknown: 'what else is in the page is not known',
};

/** `BAR 4 at 0xfe000000, 8 MiB` */
export function describeBar({ bar, start, size }: BarMap): string {
  return `BAR ${bar} at ${start}, ${bytesInWords(size)}`;
}

/** `4 MiB`, `20 bytes`: the largest unit that divides it. */
export function bytesInWords(bytes: bigint): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [count, unit] = [bytes, 0];
  while (count >= 1024n && count % 1024n === 0n && unit < units.length - 1) [count, unit] = [count / 1024n, unit + 1];
  return `${count} ${units[unit] ?? ''}`;
}

/** One line on a page size: what the page would be, what the kernel does, and what QEMU does. */
export function describeOutlook({
  pageSize,
  ofThisHost,
  page,
  kernel,
  qemuInstalls,
  verdict,
}: PageSizeOutlook): string {
  const answers = {
    maps: ofThisHost ? 'the kernel maps it' : 'the kernel would map it',
    refuses: ofThisHost ? 'the kernel refuses it' : 'the kernel would refuse it',
    mixed: ofThisHost ? 'the kernel maps some' : 'the kernel would map some',
    unknown: ofThisHost ? 'the kernel gave no answer' : 'the kernel was not asked',
  };
  const qemu = qemuInstalls ? 'QEMU takes this size' : 'QEMU takes none of this size';
  const where = ofThisHost ? ' (this host)' : '';
  return `${bytesInWords(BigInt(pageSize))} pages${where}: ${verdict}: ${pageWords[page]}; ${answers[kernel]}; ${qemu}`;
}

/** At most `length` columns, with an ellipsis where something was cut off. What is not ASCII may be two columns wide. */
export function clip(text: string, length: number): string {
  const characters = Array.from(text);
  const columns = (character: string): number => (character < '\u007f' ? 1 : 2);
  let used = 0;
  if (characters.every((character) => (used += columns(character)) <= length)) return text;
  let kept = '';
  used = 3;
  for (const character of characters) {
    used += columns(character);
    if (used > length) break;
    kept += character;
  }
  return `${kept}...`;
}
