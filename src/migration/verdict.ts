import { compare } from '../model/finding.ts';
import type { Destination, MigrationFinding } from '../model/generated/migration-check.ts';

export type MigrationVerdict = Destination['verdict'];

const fatal = new Set<MigrationFinding['effect']>(['refused', 'no-start', 'fails', 'lost']);

/**
 * The verdict that findings lead to. `unknown` ranks above a loss: what is not known may be fatal.
 */
export function verdictOf(findings: readonly MigrationFinding[]): MigrationVerdict {
  const has = (test: (effect: MigrationFinding['effect']) => boolean): boolean =>
    findings.some(({ effect }) => test(effect));
  if (has((effect) => fatal.has(effect))) return 'cannot';
  if (has((effect) => effect === 'unknown')) return 'unknown';
  return has((effect) => effect === 'state-lost') ? 'can-with-loss' : 'can';
}

const ranks: Record<MigrationVerdict, number> = { cannot: 3, unknown: 2, 'can-with-loss': 1, can: 0 };

export function rankOf(verdict: MigrationVerdict): number {
  return ranks[verdict];
}

export function worstVerdict(verdicts: readonly MigrationVerdict[]): MigrationVerdict {
  return verdicts.reduce<MigrationVerdict>(
    (worst, verdict) => (rankOf(verdict) > rankOf(worst) ? verdict : worst),
    'can',
  );
}

const effects: Record<MigrationFinding['effect'], number> = {
  refused: 0,
  'no-start': 1,
  fails: 2,
  lost: 3,
  unknown: 4,
  'state-lost': 5,
  none: 6,
};

/** What comes first in time and is worst stands first; then by place, and in the order of the rules. */
export function sortMigrationFindings(findings: readonly MigrationFinding[]): MigrationFinding[] {
  return [...findings].sort((a, b) => effects[a.effect] - effects[b.effect] || compare(a.path, b.path));
}

/** One sentence for a person. */
export function summaryOf(verdict: MigrationVerdict, findings: readonly MigrationFinding[]): string {
  const [first] = sortMigrationFindings(findings);
  if (!first || verdict === 'can') return 'the guest can migrate, and keeps all that it has';
  const how =
    verdict === 'can-with-loss'
      ? 'it completes, but the guest loses something'
      : verdict === 'unknown'
        ? 'not known, so not to be trusted'
        : howItFails(first.effect);
  return `${how}: ${first.message}`;
}

function howItFails(effect: MigrationFinding['effect']): string {
  switch (effect) {
    case 'refused':
      return 'QEMU refuses to begin, and the guest stays';
    case 'no-start':
      return 'the destination does not start, and the guest stays';
    case 'fails':
      return 'the destination ends at once, and the guest stays';
    default:
      return 'the destination ends while it loads the devices, and the guest can be lost';
  }
}
