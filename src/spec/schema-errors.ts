import type { ErrorObject } from 'ajv';
import { printable } from '../model/fact.ts';
import { fieldOf } from '../model/pointer.ts';

/** One breach of a schema, in words for the person who wrote the file. */
export interface SchemaBreach {
  /** JSON pointer of the value that is wrong */
  readonly path: string;
  /** a key of that value which is the culprit (unknown or misnamed) */
  readonly key?: string;
  readonly message: string;
}

/** Nobody reads more, and to find the line of each takes time. */
const maxBreaches = 100;

/** The first hundred breaches, and how many more there are. */
export function shownBreaches(breaches: readonly SchemaBreach[]): readonly SchemaBreach[] {
  const more = breaches.length - maxBreaches;
  if (more <= 0) return breaches;
  return [...breaches.slice(0, maxBreaches), { path: '', message: `${more} more things are wrong` }];
}

/** Turns what ajv says (allErrors, verbose) into one message per breach: which field, which rule, what was found. */
export function describeSchemaErrors(errors: readonly ErrorObject[]): SchemaBreach[] {
  const seen = new Set<string>();
  const breaches: SchemaBreach[] = [];
  for (const error of withoutBranches(errors)) {
    // propertyNames repeats itself
    if (error.propertyName !== undefined && error.keyword !== 'propertyNames') continue;
    const breach = describe(error);
    const identity = `${breach.path}\n${breach.message}`;
    if (!seen.has(identity)) breaches.push(breach);
    seen.add(identity);
  }
  return breaches;
}

/**
 * Of an anyOf ajv lists every error of every branch, and the anyOf itself. What is wrong inside of the value says it
 * best; where nothing is, the anyOf does.
 */
function withoutBranches(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const choices = new Map<string, boolean>();
  for (const { keyword, instancePath } of errors) if (keyword === 'anyOf') choices.set(instancePath, false);
  const choiceOf = (path: string): string | undefined => {
    if (choices.has(path)) return path;
    const slash = path.lastIndexOf('/');
    return slash < 0 ? undefined : choiceOf(path.slice(0, slash));
  };
  const isInside = ({ instancePath, keyword }: ErrorObject, choice: string): boolean =>
    instancePath !== choice || keyword === 'propertyNames';
  for (const error of errors) {
    const choice = choiceOf(error.instancePath);
    if (choice !== undefined && isInside(error, choice)) choices.set(choice, true);
  }
  return errors.filter((error) => {
    const choice = choiceOf(error.instancePath);
    if (choice === undefined) return true;
    return choices.get(choice) === true ? isInside(error, choice) : error.keyword === 'anyOf';
  });
}

function describe(error: ErrorObject): SchemaBreach {
  const { instancePath: path, keyword, params } = error;
  const field = path === '' ? 'the document' : fieldOf(path);
  const got = `got ${shown(error.data)}`;
  const must = (rule: string): SchemaBreach => ({ path, message: `${field} must ${rule}; ${got}` });
  switch (keyword) {
    case 'required':
      return { path, message: `${field} lacks the key ${quoted(params['missingProperty'])}` };
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const near = nearest(key, Object.keys(propertiesOf(error)));
      const hint = near === undefined ? '' : `; did you mean ${quoted(near)}?`;
      return { path, key, message: `${field} has an unknown key ${quoted(key)}${hint}` };
    }
    case 'propertyNames': {
      const key = String(params['propertyName']);
      return { path, key, message: `${field} has a key that is no valid name: ${quoted(key)}` };
    }
    case 'type':
      return must(`be ${article([params['type']].flat().join(' or '))}`);
    case 'enum':
      return must(`be one of ${(params['allowedValues'] as unknown[]).map(shown).join(', ')}`);
    case 'const':
      return must(`be ${shown(params['allowedValue'])}`);
    case 'minimum':
      return must(`be at least ${String(params['limit'])}`);
    case 'maximum':
      return must(`be at most ${String(params['limit'])}`);
    case 'pattern':
    case 'anyOf':
      return must(`be ${descriptionOf(error)}`);
    case 'uniqueItems': {
      // ajv names the later one first where it finds them by a table
      const [first, second] = [Number(params['i']), Number(params['j'])].sort((a, b) => a - b);
      return must(`NOT have duplicate items (items ## ${first} and ${second} are identical)`);
    }
    default:
      return { path, message: `${field} ${error.message ?? keyword}; ${got}` };
  }
}

/** What a value is, short and safe for a terminal. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = printable(typeof value === 'string' ? JSON.stringify(value) : String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function quoted(value: unknown): string {
  return `\`${printable(String(value)).slice(0, 80)}\``;
}

function article(type: string): string {
  if (type === 'object') return 'a mapping';
  if (type === 'array') return 'a list';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function propertiesOf(error: ErrorObject): object {
  const properties: unknown = (error.parentSchema as Record<string, unknown> | undefined)?.['properties'];
  return typeof properties === 'object' && properties !== null ? properties : {};
}

function descriptionOf(error: ErrorObject): string {
  const parent = error.parentSchema as { description?: string; pattern?: string } | undefined;
  if (parent?.description !== undefined) return `valid (${parent.description})`;
  return parent?.pattern === undefined ? 'valid' : `of the form ${parent.pattern}`;
}

/** The known key that was most likely meant: the same letters in another spelling, or one letter off. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const wanted = plain(key);
  return known.find((name) => plain(name) === wanted) ?? known.find((name) => isOneEditApart(plain(name), wanted));
}

function isOneEditApart(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  return restA.slice(1) === restB.slice(1) || restA.slice(1) === restB || restA === restB.slice(1);
}
