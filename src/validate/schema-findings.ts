import type { ErrorObject } from 'ajv';
import type { Finding } from '../model/finding.ts';
import { describeSchemaErrors, shownBreaches } from '../spec/schema-errors.ts';

/** A validator that goes on behind the first error (schemas/generate.mjs). */
export interface Explain {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}

/**
 * Lists and mappings of what is explained whole: a plan, or a report of some thirty devices. The time that it takes is
 * that of its errors squared, for ajv puts the lists of them together by copying.
 */
const maxContainers = 1500;

/**
 * Every breach of the schema, to a hundred; of a document that is hardly one, or is too large, the first alone.
 * @param kind as such a document names itself
 * @param path of the document in its file
 * @param first as the quick validator tells it
 */
export function schemaFindings(
  data: unknown,
  kind: string,
  explain: Explain | undefined,
  path: string,
  first: { readonly path: string; readonly message: string },
): Finding[] {
  const named = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  const isOne = named['kind'] === kind && named['schemaVersion'] === 1;
  const every =
    isOne && explain && isSmall(data) && !explain(data)
      ? shownBreaches(describeSchemaErrors(explain.errors ?? []))
      : [first];
  return every.map((breach) => ({
    code: 'validate.schema',
    severity: 'error',
    path: `${path}${breach.path}`.slice(0, 1000),
    message: breach.message,
  }));
}

/** Stops counting where it is enough. */
function isSmall(data: unknown): boolean {
  const waiting = [data];
  for (let count = 0; waiting.length > 0; count++) {
    const value = waiting.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (count > maxContainers) return false;
    for (const entry of Object.values(value)) if (typeof entry === 'object' && entry !== null) waiting.push(entry);
  }
  return true;
}
