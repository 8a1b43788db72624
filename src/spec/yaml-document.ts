import { isNode, LineCounter, type Document } from 'yaml';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import { segmentsOf } from '../model/pointer.ts';
import { composeYaml, maxDepth, type YamlFault } from './yaml-composer.ts';
import { keyProblemsOf } from './yaml-keys.ts';

/** Line and column, from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A YAML (or JSON) text as plain data, with the place of every value. */
export interface YamlDocument {
  readonly data: unknown;
  /** where the value at a JSON pointer stands; where there is none, its nearest parent */
  readonly locate: (pointer: string, key?: string) => Position;
}

/** One thing that keeps a text from being YAML. */
export interface YamlProblem extends Position {
  readonly message: string;
}

/** A spec or config larger than this is not written by a person. */
export const maxYamlBytes = 1 << 20;

/** Nobody reads more. */
const maxFaults = 50;

/** An alias may multiply what it names; a few are handy, many are a bomb. */
const maxAliasCount = 32;

/**
 * Parses one YAML 1.2 document.
 * @returns the document, or what is wrong with it: the first 50 faults
 * @throws VdpaQemuError bad-input where the text is too large, too deep, or expands too far
 */
export function parseYaml(text: string): YamlDocument | readonly YamlProblem[] {
  if (text.length > maxYamlBytes) {
    throw new VdpaQemuError('bad-input', `larger than ${maxYamlBytes} bytes (${text.length})`);
  }
  const lineCounter = new LineCounter();
  const faults: YamlFault[] = [];
  const fault = (one: YamlFault): boolean => faults.push(one) < maxFaults;
  const [document] = composeYaml(text, { lineCounter, single: true, fault });
  if (document) faults.push(...duplicatesIn(document));
  if (!document || faults.length > 0) return problemsOf(faults, lineCounter);
  const data = dataOf(document);
  return { data, locate: (pointer, key) => locate(document, lineCounter, pointer, key) };
}

/**
 * Parses a stream of YAML documents to plain data, one after another as they are asked for.
 * @param label of the text, for messages
 * @throws VdpaQemuError bad-input on any problem, while they are gone through
 */
export function* parseYamlStream(text: string, label: string): Generator {
  const lineCounter = new LineCounter();
  let first: YamlFault | undefined;
  const fault = (one: YamlFault): boolean => {
    if (!one.warning) first ??= one;
    return first === undefined;
  };
  const refuse = (found: YamlFault | undefined): void => {
    if (!found) return;
    const { line, column } = position(lineCounter, found.offset);
    throw new VdpaQemuError('bad-input', `${line}:${column}: ${printable(found.message)}`, { place: { line, column } });
  };
  try {
    for (const document of composeYaml(text, { lineCounter, single: false, fault })) {
      refuse(duplicatesIn(document)[0]);
      yield dataOf(document);
    }
    refuse(first);
  } catch (cause) {
    throw new VdpaQemuError('bad-input', `${label}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Where values stand in a stream that parseYamlStream() has read: one function for each document, as in YamlDocument.
 * Empty where the text is too long to be read twice.
 */
export function locatorsIn(text: string): YamlDocument['locate'][] {
  if (text.length > maxYamlBytes) return [];
  const lineCounter = new LineCounter();
  const documents = [...composeYaml(text, { lineCounter, single: false, fault: () => true })];
  return documents.map(
    (document): YamlDocument['locate'] =>
      (pointer, key) =>
        locate(document, lineCounter, pointer, key),
  );
}

function problemsOf(faults: readonly YamlFault[], lineCounter: LineCounter): YamlProblem[] {
  const sorted = faults.toSorted((a, b) => a.offset - b.offset).slice(0, maxFaults);
  const problems = sorted.map(({ offset, message }) => ({
    ...position(lineCounter, offset),
    message: printable(message),
  }));
  const last = problems[maxFaults - 1];
  if (last) problems.push({ ...last, message: `${maxFaults} errors are enough: more are not looked for` });
  return problems;
}

function duplicatesIn(document: Document): YamlFault[] {
  const { duplicates, tooManyAliases } = keyProblemsOf(document, maxFaults);
  if (tooManyAliases) throw new VdpaQemuError('bad-input', 'cannot be read as YAML: too many aliases');
  return duplicates.map((offset) => ({ offset, message: 'Map keys must be unique', warning: false }));
}

function dataOf(document: Document): unknown {
  return guarded(() => {
    const data: unknown = document.toJS({ maxAliasCount });
    refuseCycles(data, new Set());
    return data;
  });
}

/** `&a [*a]` is a value without an end, which nothing after this could walk. */
function refuseCycles(value: unknown, around: Set<object>): void {
  if (typeof value !== 'object' || value === null) return;
  if (around.has(value)) throw new ReferenceError('an alias stands inside of what it names');
  if (around.size >= maxDepth) throw new RangeError('aliases make it deeper than it is written');
  around.add(value);
  for (const entry of Object.values(value)) refuseCycles(entry, around);
  around.delete(value);
}

/** Hostile nesting, by aliases, ends in a RangeError, hostile aliases in a ReferenceError. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    const what = thrown instanceof RangeError ? 'nested too deeply' : messageOf(thrown);
    throw new VdpaQemuError('bad-input', `cannot be read as YAML: ${printable(what)}`, { cause: thrown });
  }
}

function position(lineCounter: LineCounter, offset: number): Position {
  const { line, col } = lineCounter.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function locate(document: Document, lineCounter: LineCounter, pointer: string, key?: string): Position {
  const segments = segmentsOf(pointer);
  for (let length = segments.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(segments.slice(0, length), true);
    if (key !== undefined && length === segments.length) {
      const keyNode = keyOf(node, key);
      if (keyNode !== undefined) return position(lineCounter, keyNode);
    }
    if (isNode(node) && node.range) return position(lineCounter, node.range[0]);
  }
  return { line: 1, column: 1 };
}

function keyOf(node: unknown, key: string): number | undefined {
  if (!isNode(node) || !('items' in node) || !Array.isArray(node.items)) return undefined;
  for (const pair of node.items as unknown[]) {
    if (typeof pair !== 'object' || pair === null || !('key' in pair)) continue;
    const candidate = pair.key;
    if (isNode(candidate) && 'value' in candidate && candidate.value === key) return candidate.range?.[0];
  }
  return undefined;
}
