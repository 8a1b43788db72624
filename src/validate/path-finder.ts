import type { TextPlace } from '../import/text-place.ts';
import type { ValidatedDocument } from './document.ts';
import { placeInJson } from './json-place.ts';

/** Each is a walk over the text; nobody goes to more places than these. */
const maxWalks = 200;

/** Finds where a path into one of our own JSON documents stands. YAML reports are read without places. */
export class PathFinder {
  readonly #document: ValidatedDocument;
  /** of NDJSON, those that are not blank; undefined: the text is one document */
  readonly #lines: readonly (readonly [number: number, text: string])[] | undefined;
  #left = maxWalks;

  constructor(document: ValidatedDocument) {
    this.#document = document;
    this.#lines = document.kind === 'host-report' ? linesOf(document.text) : undefined;
  }

  /** undefined: the document has no such places, or too many were asked for */
  find(path: string): TextPlace | undefined {
    const { kind, text, placeOf, configuration } = this.#document;
    const isJson = kind === 'plan' || kind === 'guest-configuration' || (kind === 'host-report' && startsAsJson(text));
    if (!isJson || this.#left === 0) return undefined;
    this.#left--;
    if (configuration && /^\/(?:interfaces|disks|vdpaDevices|machine|memoryBytes)/.test(path)) return placeOf(path);
    const number = this.#lines === undefined ? null : /^\/(\d{1,6})(?=\/|$)/.exec(path);
    if (!this.#lines || !number) return placeInJson(text, path);
    const [line, own] = this.#lines[Number(number[1])] ?? [1, ''];
    return { ...placeInJson(own, path.slice(number[0].length)), line };
  }
}

function startsAsJson(text: string): boolean {
  return /^\s*[{[]/.test(text);
}

function linesOf(text: string): [number, string][] | undefined {
  const lines = text
    .split('\n')
    .flatMap((line, index): [number, string][] => (line.trim() === '' ? [] : [[index + 1, line]]));
  const isStream = lines.length > 1 && lines[0]?.[1].trimEnd().endsWith('}') === true;
  return isStream ? lines : undefined;
}
