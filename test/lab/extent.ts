/** How much of the lab is run: `npm run test:lab` takes one case of each kind, `npm run test:lab:full` takes them all. */
export const full = process.env['VDPA_QEMU_LAB'] === 'full';

const leftOut = new Map<string, number>();

/** Takes the cases that `usual` holds true for, or all of them in a full run. */
export function chosen<T>(file: string, cases: readonly T[], usual: (one: T) => boolean): T[] {
  const taken = cases.filter((one) => full || usual(one));
  const count = cases.length - taken.length;
  if (count > 0) leftOut.set(file, (leftOut.get(file) ?? 0) + count);
  return taken;
}

/** What was left out, in words; empty in a full run. */
export function whatIsLeftOut(): string {
  return [...leftOut]
    .map(([file, count]) => `${file}: ${count} cases left out, npm run test:lab:full takes them\n`)
    .join('');
}
