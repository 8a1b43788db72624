import { VdpaQemuError } from './error.ts';
import { printable } from './fact.ts';

/**
 * A JSON text as plain data.
 * @param label of the text, for messages
 * @throws VdpaQemuError bad-input where it is none
 */
export function parseJson(text: string, label: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw notJson(label, cause);
  }
}

/** What JSON.parse threw, in words for a person: one that ran out of stack does not say why. */
export function notJson(label: string, cause: unknown): VdpaQemuError {
  const why = cause instanceof RangeError ? 'nested too deeply' : printable((cause as Error).message);
  return new VdpaQemuError('bad-input', `${label}: is not JSON: ${why}`, { cause });
}
