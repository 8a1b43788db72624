/** Where in the input something stands. A QMP answer has no place. */
export interface TextPlace {
  /** number of the word on a command line, from 1; undefined in XML */
  readonly word?: number | undefined;
  /** from 1; undefined where words have no lines (/proc/PID/cmdline, JSON) */
  readonly line?: number | undefined;
  /** from 1 */
  readonly column?: number | undefined;
}

/** `word 12, line 3`, `line 3, column 5`: for a message. */
export function placeText({ word, line, column }: TextPlace): string {
  const parts = [
    ...(word === undefined ? [] : [`word ${word}`]),
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(line === undefined || column === undefined || word !== undefined ? [] : [`column ${column}`]),
  ];
  return parts.join(', ');
}
