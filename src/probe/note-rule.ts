import type { Finding } from '../model/finding.ts';
import type { HostReport } from '../model/generated/host-report.ts';

/** A report before its notes. */
export type Facts = Omit<HostReport, 'notes'>;
export type Note = Omit<Finding, 'code'>;

export interface NoteRule {
  readonly code: string;
  /** what this rule has to say of a report; mostly nothing */
  readonly check: (facts: Facts) => readonly Note[];
}
