import { isUnknown, unknown, type Fact } from '../model/fact.ts';

/** The value of one property, as written. */
export type Scalar = string | number | boolean;
/** Property -> value; the last one given counts, as with QEMU. */
export type OptionValues = ReadonlyMap<string, Fact<Scalar>>;

/** More properties than any device of QEMU has. */
const maxProperties = 4096;
const maxDepth = 32;

/** What an option says cannot be read. */
export class MalformedOption extends Error {}

/**
 * The properties of an option as QEMU reads them: JSON where it begins with a brace (nested objects as `file.driver`),
 * else `key=value` with commas between, a doubled comma for one in a value (util/keyval.c, util/qemu-option.c). A word
 * without `=` is the value of `implied` where it comes first, and a flag elsewhere.
 * @throws MalformedOption
 */
export function parseOptionValues(text: string, implied: string | undefined): OptionValues {
  return text.startsWith('{') ? fromJson(text) : fromKeyValues(text, implied);
}

function fromKeyValues(text: string, implied: string | undefined): OptionValues {
  const values = new Map<string, Fact<Scalar>>();
  for (const [index, part] of splitAtCommas(text).entries()) {
    const at = part.indexOf('=');
    if (part === '') continue;
    if (at < 0 && index === 0 && implied !== undefined) values.set(implied, part);
    else if (at < 0) values.set(...flag(part));
    else values.set(checkedName(part.slice(0, at)), part.slice(at + 1));
  }
  return values;
}

/** QemuOpts: `server` means server=on, `nowait` means wait=off. */
function flag(name: string): [string, Scalar] {
  return name.startsWith('no') && name.length > 2 && !flagsWithNo.has(name)
    ? [checkedName(name.slice(2)), false]
    : [checkedName(name), true];
}

const flagsWithNo: ReadonlySet<string> = new Set(['notify_on_empty', 'node', 'node-name', 'nonblock']);

function splitAtCommas(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  let start = 0;
  for (;;) {
    const comma = text.indexOf(',', start);
    if (comma < 0) {
      parts.push(part + text.slice(start));
      return parts;
    }
    if (text[comma + 1] === ',') {
      part += text.slice(start, comma + 1);
      start = comma + 2;
      continue;
    }
    parts.push(part + text.slice(start, comma));
    part = '';
    start = comma + 1;
    if (parts.length > maxProperties) throw new MalformedOption(`more than ${maxProperties} properties`);
  }
}

function fromJson(text: string): OptionValues {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MalformedOption(`is no JSON: ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
  const values = new Map<string, Fact<Scalar>>();
  flatten(value as object, '', 0, values);
  return values;
}

function flatten(node: object, prefix: string, depth: number, values: Map<string, Fact<Scalar>>): void {
  if (depth > maxDepth) throw new MalformedOption(`is nested deeper than ${maxDepth}`);
  for (const [key, value] of Object.entries(node) as [string, unknown][]) {
    const name = `${prefix}${checkedName(key)}`;
    if (typeof value === 'object' && value !== null) flatten(value, `${name}.`, depth + 1, values);
    else values.set(name, scalarOf(name, value));
    if (values.size > maxProperties) throw new MalformedOption(`more than ${maxProperties} properties`);
  }
}

function scalarOf(name: string, value: unknown): Fact<Scalar> {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    return unknown('malformed', `${name} is a number that JSON cannot carry exactly`);
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : 'null';
}

/** Names of QEMU's properties. `unknown` is none of them; here it marks what could not be read. */
function checkedName(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.:[\]-]{0,127}$/.test(name) && name !== 'unknown' && name !== '__proto__') return name;
  throw new MalformedOption(`has a property with the name ${JSON.stringify(name.slice(0, 40))}, which QEMU has not`);
}

/** on, yes, true, y and the like (qapi/qapi-util.c: qapi_bool_parse()); undefined for anything else. */
export function booleanOf(value: Scalar): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (['on', 'yes', 'true', 'y'].includes(String(value))) return true;
  return ['off', 'no', 'false', 'n'].includes(String(value)) ? false : undefined;
}

/** A whole number, decimal or 0x; undefined for anything else. */
export function integerOf(value: Scalar): number | undefined {
  if (typeof value === 'boolean') return undefined;
  const text = String(value);
  if (!/^(?:-?(?:0|[1-9][0-9]{0,15})|0[xX][0-9a-fA-F]{1,13})$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** The same value whether it came from JSON or from text: `on` and true, `0x10` and 16. */
export function canonical(value: Fact<Scalar>): Fact<Scalar> {
  if (isUnknown(value)) return value;
  return booleanOf(value) ?? integerOf(value) ?? value;
}
