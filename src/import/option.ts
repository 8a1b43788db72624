import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { OptionValues, Scalar } from './option-values.ts';
import { booleanOf, integerOf } from './option-values.ts';
import { placeText, type TextPlace } from './text-place.ts';

/** One option of QEMU, from a command line, or what libvirt or a running QEMU amount to. */
export interface Option {
  /** without its dashes: device, netdev, machine .. */
  readonly name: string;
  readonly values: OptionValues;
  /** the argument as written; empty where there is none */
  readonly text: string;
  readonly place: TextPlace;
}

/** Something that was found wrong with an option while it was read. */
export interface Complaint {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly place: TextPlace;
}

/** A text of an option, or undefined where it is absent. */
export function textOf(option: Option | undefined, name: string): Fact<string> | undefined {
  const value = option?.values.get(name);
  return value === undefined || isUnknown(value) ? value : String(value);
}

/** A text that is known. */
export function knownText(option: Option | undefined, name: string): string | undefined {
  const value = textOf(option, name);
  return typeof value === 'string' ? value : undefined;
}

/** Options of one name by the known text of a property, such as their id; the last one of each counts. */
export function optionsBy(options: readonly Option[], name: string, key: string): Map<string, Option> {
  return new Map(
    options.flatMap((option) => {
      const id = option.name === name ? knownText(option, key) : undefined;
      return id === undefined ? [] : [[id, option] as const];
    }),
  );
}

/** Reads the properties of one option, one by one, and knows which of them were not asked for. */
export class OptionReader {
  readonly #option: Option;
  readonly #complain: (complaint: Complaint) => void;
  readonly #read = new Set<string>();

  constructor(option: Option, complain: (complaint: Complaint) => void) {
    this.#option = option;
    this.#complain = complain;
  }

  has(name: string): boolean {
    return this.#option.values.has(name);
  }

  /** The property under any of its names, as it is; undefined where it is absent. */
  raw(...names: readonly string[]): Fact<Scalar> | undefined {
    let found: Fact<Scalar> | undefined;
    for (const name of names) {
      this.#read.add(name);
      found ??= this.#option.values.get(name);
    }
    return found;
  }

  text<T>(name: string, absent: T): Fact<string> | T {
    const value = this.raw(name);
    if (value === undefined) return absent;
    return isUnknown(value) ? value : String(value);
  }

  boolean<T>(name: string, absent: T, ...aliases: readonly string[]): Fact<boolean> | T {
    return this.#parsed(name, this.raw(name, ...aliases), absent, booleanOf, 'on or off');
  }

  /** A whole number from `min` on. */
  integer<T>(name: string, absent: T, min = 0): Fact<number> | T {
    const parse = (value: Scalar): number | undefined => {
      const number = integerOf(value);
      return number === undefined || number < min ? undefined : number;
    };
    return this.#parsed(name, this.raw(name), absent, parse, `a whole number from ${min} on`);
  }

  /** Marks properties as read: the caller has taken their meaning from elsewhere. */
  skip(names: Iterable<string>): void {
    for (const name of names) this.#read.add(name);
  }

  /** What nobody has read yet. */
  rest(): [string, Fact<Scalar>][] {
    return [...this.#option.values].filter(([name]) => !this.#read.has(name));
  }

  #parsed<V extends Scalar, T>(
    name: string,
    value: Fact<Scalar> | undefined,
    absent: T,
    parse: (value: Scalar) => V | undefined,
    wanted: string,
  ): Fact<V> | T {
    if (value === undefined) return absent;
    if (isUnknown(value)) return value;
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    // only a command line has options; XML has elements and attributes
    const where = this.#option.place.word === undefined ? '' : ` of -${this.#option.name}`;
    const message = `${name}${where} must be ${wanted}; got ${JSON.stringify(value).slice(0, 100)}`;
    this.#complain({ code: 'import.bad-value', severity: 'error', message, place: this.#option.place });
    return unknown('malformed', `${message} (${placeText(this.#option.place)})`);
  }
}
