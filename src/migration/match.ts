/**
 * Gives each row a column of its own, so that the worst rank among them is as low as it can be, and as many rows as
 * possible have one (augmenting paths). Ties go to the columns that stand first.
 * @param ranks of each row, by column; undefined: the column does not serve it
 * @returns the column of each row; -1: none is left for it
 */
export function matchByRank(ranks: readonly (readonly (number | undefined)[])[]): number[] {
  const rowOf = new Map<number, number>();
  const columnOf = ranks.map(() => -1);
  const levels = [...new Set(ranks.flat().filter((rank) => rank !== undefined))].sort((a, b) => a - b);
  const augment = (row: number, level: number, tried: Set<number>): boolean => {
    const fit = [...(ranks[row] ?? []).entries()].filter(([, rank]) => rank !== undefined && rank <= level);
    const columns = fit.map(([column]) => column);
    // nobody gives way where a column is free
    for (const column of [...columns.filter((one) => !rowOf.has(one)), ...columns]) {
      if (tried.has(column)) continue;
      tried.add(column);
      const other = rowOf.get(column);
      if (other !== undefined && !augment(other, level, tried)) continue;
      rowOf.set(column, row);
      columnOf[row] = column;
      return true;
    }
    return false;
  };
  for (const level of levels) {
    for (const row of ranks.keys()) if (columnOf[row] === -1) augment(row, level, new Set());
  }
  return columnOf;
}
