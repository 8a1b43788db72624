import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchByRank } from '../../src/migration/match.ts';

describe('matchByRank', () => {
  test('the first that is free, in order', () => {
    expect(
      matchByRank([
        [0, 0],
        [0, 0],
      ]),
    ).toEqual([0, 1]);
    expect(matchByRank([[0], [0]])).toEqual([0, -1]);
    expect(matchByRank([[], [undefined]])).toEqual([-1, -1]);
  });

  test('one gives way where another has no choice', () => {
    expect(
      matchByRank([
        [0, 0],
        [0, 3],
      ]),
    ).toEqual([1, 0]);
    expect(
      matchByRank([
        [0, 0],
        [0, undefined],
      ]),
    ).toEqual([1, 0]);
  });

  test('no assignment has more rows, nor a lower worst rank', () => {
    const rank = fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined });
    const table = fc
      .integer({ min: 0, max: 4 })
      .chain((columns) => fc.array(fc.array(rank, { minLength: columns, maxLength: columns }), { maxLength: 4 }));
    fc.assert(
      fc.property(table, (ranks) => {
        const found = matchByRank(ranks);
        const taken = found.filter((column) => column >= 0);
        expect(new Set(taken).size).toBe(taken.length);
        expect(score(ranks, found)).toEqual(best(ranks));
      }),
    );
  });
});

type Ranks = readonly (readonly (number | undefined)[])[];

/** Rows without a column, then the worst rank. */
function score(ranks: Ranks, columns: readonly number[]): [number, number] {
  const reached = columns.flatMap((column, row) => (column < 0 ? [] : [ranks[row]?.[column] ?? Number.NaN]));
  return [columns.length - reached.length, Math.max(-1, ...reached)];
}

/** By trying them all. */
function best(ranks: Ranks): [number, number] {
  let found: [number, number] = [Infinity, Infinity];
  const walk = (columns: number[]): void => {
    if (columns.length === ranks.length) {
      const [lost, worst] = score(ranks, columns);
      if (lost < found[0] || (lost === found[0] && worst < found[1])) found = [lost, worst];
      return;
    }
    const row = ranks[columns.length] ?? [];
    for (const [column, rank] of row.entries())
      if (rank !== undefined && !columns.includes(column)) walk([...columns, column]);
    walk([...columns, -1]);
  };
  walk([]);
  return found;
}
