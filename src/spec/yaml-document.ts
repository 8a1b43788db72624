import { isNode, LineCounter, parseAllDocuments, parseDocument, type Document } from 'yaml';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import { segmentsOf } from '../model/pointer.ts';
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

/** Keys that come twice are looked for in yaml-keys.ts: the parser's own check is quadratic. */
const parserOptions = { prettyErrors: false, logLevel: 'error', uniqueKeys: false } as const;

/** An alias may multiply what it names; a few are handy, many are a bomb. */
const maxAliasCount = 32;

/**
 * Parses one YAML 1.2 document.
 * @returns the document, or every syntax error in it
 * @throws VdpaQemuError bad-input where the text is too large, too deep, or expands too far
 */
export function parseYaml(text: string): YamlDocument | readonly YamlProblem[] {
  if (text.length > maxYamlBytes) {
    throw new VdpaQemuError('bad-input', `larger than ${maxYamlBytes} bytes (${text.length})`);
  }
  const lineCounter = new LineCounter();
  const document = guarded(() => parseDocument(text, { ...parserOptions, lineCounter, strict: true, merge: false }));
  refuseExhaustion(document);
  const problems = problemsOf(document);
  if (problems.length > 0) {
    return problems.map(({ offset, message }) => ({ ...position(lineCounter, offset), message }));
  }
  const data = dataOf(document);
  return { data, locate: (pointer, key) => locate(document, lineCounter, pointer, key) };
}

/**
 * Parses a stream of YAML documents to plain data.
 * @throws VdpaQemuError bad-input on any problem
 */
export function parseYamlStream(text: string): unknown[] {
  const lineCounter = new LineCounter();
  const documents = guarded(() => parseAllDocuments(text, { ...parserOptions, lineCounter }));
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => {
    refuseExhaustion(document);
    const [error] = problemsOf(document, []);
    if (error) {
      const { line, column } = position(lineCounter, error.offset);
      throw new VdpaQemuError('bad-input', `${line}:${column}: ${error.message}`);
    }
    return dataOf(document);
  });
}

/** Every breach of YAML in a document, by its place. */
function problemsOf(
  document: Document,
  warnings: Document['warnings'] = document.warnings,
): { offset: number; message: string }[] {
  const { duplicates, tooManyAliases } = guarded(() => keyProblemsOf(document));
  if (tooManyAliases) throw new VdpaQemuError('bad-input', 'cannot be read as YAML: too many aliases');
  return [
    ...[...document.errors, ...warnings].map((error) => ({
      offset: error.pos[0],
      message: error.code === 'MULTIPLE_DOCS' ? 'More than one YAML document' : printable(error.message),
    })),
    ...duplicates.map((offset) => ({ offset, message: 'Map keys must be unique' })),
  ].sort((a, b) => a.offset - b.offset);
}

/** Where the parser ran out of stack it says so at every level that it had got to. */
function refuseExhaustion({ errors }: Document): void {
  const cause = errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  if (cause) throw new VdpaQemuError('bad-input', 'cannot be read as YAML: nested too deeply', { cause });
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
  around.add(value);
  for (const entry of Object.values(value)) refuseCycles(entry, around);
  around.delete(value);
}

/** The parser recurses: hostile nesting ends in a RangeError, hostile aliases in a ReferenceError. */
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
