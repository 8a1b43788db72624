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

/**
 * What JSON.parse threw, in words for a person: one that ran out of stack does not say why.
 * @param line where the text is one line of a larger one
 */
export function notJson(label: string, cause: unknown, line?: number): VdpaQemuError {
  const said = (cause as Error).message;
  const why = cause instanceof RangeError ? 'nested too deeply' : printable(said);
  const place = line === undefined ? offsetIn(said) : { line };
  return new VdpaQemuError('bad-input', `${label}: is not JSON: ${why}`, { cause, place });
}

/** V8 names the position last, and quotes the text only where it names none. */
function offsetIn(said: string): { offset: number } | undefined {
  const position = / in JSON at position (\d{1,9})(?: \(line \d+ column \d+\))?$/.exec(said)?.[1];
  return position === undefined ? undefined : { offset: Number(position) };
}
