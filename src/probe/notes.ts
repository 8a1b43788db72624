import { sortFindings, type Finding } from '../model/finding.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import { deviceNotes } from './device-notes.ts';
import { hostNotes } from './host-notes.ts';

/** A report before its notes. */
export type Facts = Omit<HostReport, 'notes'>;
export type Note = Omit<Finding, 'code'>;

export interface NoteRule {
  readonly code: string;
  /** what this rule has to say of a report; mostly nothing */
  readonly check: (facts: Facts) => readonly Note[];
}

export const noteRules: readonly NoteRule[] = [...hostNotes, ...deviceNotes];

/** What a probe could not find out or use, and what an operator can do about it. No judgement of any device. */
export function notesOf(facts: Facts): Finding[] {
  return sortFindings(noteRules.flatMap(({ code, check }) => check(facts).map((note) => ({ code, ...note }))));
}
