import { compare } from '../model/finding.ts';

/** Names as people sort them: vp2 before vp10. The same on every machine, whatever its locale. */
export function compareNames(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = compareParts(left[index] ?? '', right[index] ?? '');
    if (difference !== 0) return difference;
  }
  return left.length - right.length || compare(a, b);
}

function partsOf(name: string): readonly string[] {
  return name.match(/\d+|\D+/g) ?? [];
}

function compareParts(a: string, b: string): number {
  const [x, y] = [/^\d/.test(a) ? BigInt(a) : undefined, /^\d/.test(b) ? BigInt(b) : undefined];
  if (x === undefined || y === undefined) return compare(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}
