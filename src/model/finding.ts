import type { Finding } from './generated/finding.ts';

export type { Finding } from './generated/finding.ts';

export type Severity = Finding['severity'];

const rank: Record<Severity, number> = { error: 0, warning: 1, info: 2 };

/** Worst first, then by place, code and text: the same findings always stand in the same order. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      rank[a.severity] - rank[b.severity] ||
      compare(a.path, b.path) ||
      compare(a.code, b.code) ||
      compare(a.message, b.message),
  );
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === 'error');
}

/** By UTF-16 code unit: the same on every machine, whatever its locale. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
