import { compare } from '../model/finding.ts';
import type { ValidationFinding } from '../model/generated/validation.ts';

const rank: Readonly<Record<ValidationFinding['severity'], number>> = { error: 0, warning: 1, info: 2 };

/** In the order of the text; what has no place comes last. The same findings always stand in the same order. */
export function sortByPlace(findings: readonly ValidationFinding[]): ValidationFinding[] {
  const key = ({ place }: ValidationFinding, name: 'line' | 'column' | 'word'): number => place?.[name] ?? Infinity;
  const order = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...findings].sort(
    (a, b) =>
      order(key(a, 'line'), key(b, 'line')) ||
      order(key(a, 'column'), key(b, 'column')) ||
      order(key(a, 'word'), key(b, 'word')) ||
      rank[a.severity] - rank[b.severity] ||
      compare(a.path, b.path) ||
      compare(a.code, b.code) ||
      compare(a.message, b.message),
  );
}
