import { QmpError } from './qmp-error.ts';

/**
 * Checked access to what a monitor answered. A peer may send anything, so a value is `unknown` until one of these has
 * looked at it. `what` names the value in the message: `query-version: qemu.major`.
 * All throw QmpError `protocol`.
 */

/** What may go into a command's arguments. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(value, what, 'an object');
  return value as Readonly<Record<string, unknown>>;
}

/** A member of an object, or undefined; never what is inherited (`constructor`, `__proto__`). */
export function member(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

export function asList(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(value, what, 'a list');
  return value;
}

export function asText(value: unknown, what: string): string {
  if (typeof value !== 'string') throw wrong(value, what, 'a string');
  return value;
}

export function asFlag(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw wrong(value, what, 'true or false');
  return value;
}

/**
 * A whole number from 0 to 2^53-1. QMP also carries 64-bit words (addresses, feature words), and JSON.parse has
 * rounded those already: such a value is refused here instead of being passed on wrong.
 */
export function asCount(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw wrong(value, what, 'a whole number of at most 2^53-1');
  }
  return value;
}

/** undefined where the peer left it out, else checked. */
export function optional<T>(value: unknown, check: (value: unknown, what: string) => T, what: string): T | undefined {
  return value === undefined ? undefined : check(value, what);
}

function wrong(value: unknown, what: string, wanted: string): QmpError {
  const got =
    value === undefined
      ? 'nothing'
      : value === null
        ? 'null'
        : Array.isArray(value)
          ? 'a list'
          : typeof value === 'object'
            ? 'an object'
            : JSON.stringify(typeof value === 'string' ? value.slice(0, 80) : value);
  return new QmpError('protocol', `${what}: expected ${wanted}, got ${got}`);
}
