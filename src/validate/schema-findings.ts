import type { ErrorObject } from 'ajv';
import type { Finding } from '../model/finding.ts';
import { describeSchemaErrors, shownBreaches } from '../spec/schema-errors.ts';

/** A validator that goes on behind the first error (schemas/generate.mjs). */
export interface Explain {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}

/** Characters of a text that is explained whole: more than any real plan or report has, and its errors fit into memory. */
const maxExplained = 256 * 1024;

/**
 * Every breach of the schema, to a hundred; of a document that is hardly one, or is too long, the first alone.
 * @param kind as such a document names itself
 * @param path of the document in its file
 * @param first as the quick validator tells it
 */
export function schemaFindings(
  data: unknown,
  kind: string,
  length: number,
  explain: Explain,
  path: string,
  first: { readonly path: string; readonly message: string },
): Finding[] {
  const named = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  const isOne = named['kind'] === kind && named['schemaVersion'] === 1;
  const every =
    isOne && length <= maxExplained && !explain(data)
      ? shownBreaches(describeSchemaErrors(explain.errors ?? []))
      : [first];
  return every.map((breach) => ({
    code: 'validate.schema',
    severity: 'error',
    path: `${path}${breach.path}`.slice(0, 1000),
    message: breach.message,
  }));
}
