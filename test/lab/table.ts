/** The table that a lab run prints: one row a case, what the product predicted and what was observed. */
export interface Row {
  readonly case: string;
  readonly predicted: string;
  readonly observed: string;
}

export class Table {
  readonly rows: Row[] = [];

  add(name: string, predicted: unknown, observed: unknown): void {
    this.rows.push({ case: name, predicted: words(predicted), observed: words(observed) });
  }

  /** Aligned text with a verdict per row. */
  toString(): string {
    const header = { case: 'case', predicted: 'predicted', observed: 'observed' };
    const width = (key: keyof Row): number => Math.max(...[header, ...this.rows].map((row) => row[key].length));
    const widths = [width('case'), width('predicted'), width('observed')] as const;
    const line = (row: Row, verdict: string): string =>
      [row.case.padEnd(widths[0]), row.predicted.padEnd(widths[1]), row.observed.padEnd(widths[2]), verdict].join('  ');
    const rows = this.rows.map((row) => line(row, row.predicted === row.observed ? 'agrees' : 'DIFFERS'));
    return `${[line(header, ''), ...rows].join('\n')}\n`;
  }
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
