import { isAlias, isScalar, visit, type Document } from 'yaml';

/** More than anybody writes by hand; the parser looks for the anchor of each among all of them. */
const maxAliases = 1000;

/** What the parser would take a time for that grows with the square of the text. */
export interface KeyProblems {
  /** offsets of the keys that stand in their mapping already, the first `most` of them */
  readonly duplicates: readonly number[];
  /** more aliases than are resolved */
  readonly tooManyAliases: boolean;
}

/**
 * Looks for keys that come twice in one mapping, in one walk. The parser's own check (`uniqueKeys`) compares each key
 * with all before it: 70,000 keys, well under 1 MiB, took it over a minute.
 * Keys are equal where they are scalars of one value; two lists are never equal, as with the parser.
 */
export function keyProblemsOf(document: Document, most: number): KeyProblems {
  const duplicates: number[] = [];
  let aliases = 0;
  visit(document, {
    Alias: () => (++aliases > maxAliases ? visit.BREAK : undefined),
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key) || isAlias(key)) continue;
        if (seen.has(key.value)) duplicates.push(key.range?.[0] ?? 0);
        else seen.add(key.value);
      }
    },
  });
  return { duplicates: duplicates.slice(0, most), tooManyAliases: aliases > maxAliases };
}
