import { printable } from '../model/fact.ts';

/** Text of the machine's as a report takes it: without control characters, at most 2,000 characters. */
export function reportText(text: string): string {
  return printable(text).slice(0, 2000);
}
