import type { TextPlace } from '../import/text-place.ts';
import type { ValidatedDocument } from './document.ts';
import { locatorsIn } from '../spec/yaml-document.ts';
import { placeInJson } from './json-place.ts';

/** Each is a walk over the text; nobody goes to more places than these. */
const maxWalks = 200;

/** Finds where a path into one of our own documents stands, JSON or YAML. */
export class PathFinder {
  readonly #document: ValidatedDocument;
  /** of NDJSON, those that are not blank; undefined: the text is one document */
  readonly #lines: readonly (readonly [number: number, text: string])[] | undefined;
  #left = maxWalks;
  #yaml: ReturnType<typeof locatorsIn> | undefined;

  constructor(document: ValidatedDocument) {
    this.#document = document;
    this.#lines = document.kind === 'host-report' ? linesOf(document.text) : undefined;
  }

  /** undefined: the document has no such places, or too many were asked for */
  find(path: string): TextPlace | undefined {
    const { kind, text, placeOf, configuration } = this.#document;
    const isOurs = kind === 'plan' || kind === 'guest-configuration' || kind === 'host-report';
    if (!isOurs || this.#left === 0) return undefined;
    this.#left--;
    if (kind === 'host-report' && !startsAsJson(text)) return this.#findInYaml(path);
    if (configuration && /^\/(?:interfaces|disks|vdpaDevices|machine|memoryBytes)/.test(path)) return placeOf(path);
    const part = this.#lines === undefined ? undefined : inStream(path);
    if (!this.#lines || !part) return placeInJson(text, path);
    const [line, own] = this.#lines[part.index] ?? [1, ''];
    return { ...placeInJson(own, part.path), line };
  }

  #findInYaml(path: string): TextPlace | undefined {
    this.#yaml ??= locatorsIn(this.#document.text);
    const [single] = this.#yaml;
    if (this.#yaml.length === 1) return single?.(path);
    const part = inStream(path);
    return part && this.#yaml[part.index]?.(part.path);
  }
}

/** A path into one of several documents begins with the number of that. */
function inStream(path: string): { readonly index: number; readonly path: string } | undefined {
  const [number = '', index] = /^\/(\d{1,6})(?=\/|$)/.exec(path) ?? [];
  return index === undefined ? undefined : { index: Number(index), path: path.slice(number.length) };
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
