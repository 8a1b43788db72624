import { isKnown, type Fact } from '../model/fact.ts';
import type { MigrationFinding } from '../model/generated/migration-check.ts';
import type { Migration } from './migration.ts';

export type Effect = MigrationFinding['effect'];

/** What a rule found. */
export interface Hit {
  /** JSON pointer into guest of the source */
  readonly path: string;
  readonly message: string;
  readonly fix?: string | undefined;
  readonly evidence?: MigrationFinding['evidence'];
  /** true: what decides it is not known, so it may hold or not */
  readonly unknown?: boolean;
}

/** One rule. Its code stands in docs/findings.md and docs/migration.md, and is stable. */
export interface MigrationRule {
  readonly code: string;
  readonly severity: MigrationFinding['severity'];
  /** what becomes of the migration where the rule finds something */
  readonly effect: Effect;
  /** the function, or the section of the specification, that it rests on */
  readonly source: string;
  /** for docs/migration.md: what is asked */
  readonly asks: string;
  readonly check: (migration: Migration) => readonly Hit[];
}

/** The findings of a rule; where it cannot be decided they say so, and never that all is well. */
export function apply(rule: MigrationRule, migration: Migration): MigrationFinding[] {
  return rule.check(migration).map(({ path, message, fix, evidence, unknown }) => ({
    code: rule.code,
    severity: unknown === true ? 'warning' : rule.severity,
    effect: unknown === true ? 'unknown' : rule.effect,
    path,
    message,
    ...(fix === undefined ? {} : { fix }),
    ...(evidence === undefined ? {} : { evidence }),
    source: rule.source,
  }));
}

/** `EBUSY: /dev/vhost-vdpa-0: in use` of a fact that is not known. */
export function whyUnknown(fact: Fact<unknown>): string {
  return isKnown(fact) ? '' : (fact as { detail: string }).detail;
}
