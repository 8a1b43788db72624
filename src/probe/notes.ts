import { sortFindings, type Finding } from '../model/finding.ts';
import { deviceNotes } from './device-notes.ts';
import { hostNotes } from './host-notes.ts';
import type { Facts, NoteRule } from './note-rule.ts';

export const noteRules: readonly NoteRule[] = [...hostNotes, ...deviceNotes];

/** What a probe could not find out or use, and what an operator can do about it. No judgement of any device. */
export function notesOf(facts: Facts): Finding[] {
  return sortFindings(noteRules.flatMap(({ code, check }) => check(facts).map((note) => ({ code, ...note }))));
}
