import { printableJson } from '../model/fact.ts';

/**
 * JSON as every machine output has it: keys sorted, two spaces, a final newline, nothing that steers a terminal. The
 * same value gives the same bytes.
 */
export function renderJson(value: unknown): string {
  return `${printableJson(JSON.stringify(sorted(value), null, 2))}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}
