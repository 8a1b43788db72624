import { QmpError } from '../host/qmp-error.ts';

/** Devices and virtqueues of one VM that are looked at: of a peer that claims more, nothing is believed. */
export const maxFrontends = 1024;
export const maxVirtqueues = 8192;

export function checkCount(count: number, limit: number, what: string): void {
  if (count > limit)
    throw new QmpError('too-large', `the VM has ${count} ${what}, and more than ${limit} are not looked at`);
}

/** Limits of schemas/observation.schema.json and schemas/verification.schema.json. */
const maxText = 4000;
const maxItems = 65_536;

/**
 * The same document with texts cut to what its schema takes.
 * @throws QmpError `too-large` where a list is longer than that
 */
export function fitted<T>(value: T): T {
  return fit(value) as T;
}

function fit(value: unknown): unknown {
  if (typeof value === 'string') return value.length > maxText ? `${value.slice(0, maxText - 2)}..` : value;
  if (typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fit(one)]));
  checkCount(value.length, maxItems, 'entries in one list');
  return value.map(fit);
}
