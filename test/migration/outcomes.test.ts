/**
 * What became of guests in real migrations of the lab (test/fixtures/migration), and what the rules say of the same
 * command lines and devices: nothing that failed or lost something may be called `can`, nothing that completed `cannot`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { agrees, cells, predict, truthTable } from './real-migrations.ts';

describe('real migrations', () => {
  test('there are enough of them', () => {
    expect(cells.length).toBeGreaterThanOrEqual(40);
  });

  test.each(cells)('$name: $outcomes', (cell) => {
    for (const known of [false, true]) {
      const { verdict, findings } = predict(cell, known);
      const reasons = findings.map(({ code, effect }) => `${effect} ${code}`);
      for (const outcome of cell.outcomes) {
        expect(agrees(verdict, outcome), `${verdict}, but ${outcome}: ${reasons.join(', ')}`).toBe(true);
      }
    }
  });

  test('a guest whose features are known is mostly not `unknown`', () => {
    const verdicts = cells
      .filter(({ negotiated }) => negotiated !== undefined)
      .map((cell) => predict(cell, true).verdict);
    const unsure = verdicts.filter((verdict) => verdict === 'unknown').length;
    expect(unsure / verdicts.length).toBeLessThan(0.1);
  });

  test('docs/truth/migration.md shows them; UPDATE_GOLDEN=1 writes it', () => {
    const file = 'docs/truth/migration.md';
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, truthTable());
    expect(readFileSync(file, 'utf8')).toBe(truthTable());
  });
});
