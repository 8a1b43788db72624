import { VdpaQemuError } from '../model/error.ts';
import { notJson } from '../model/parse-json.ts';

/** One document of a text that holds host reports, not yet checked. */
export interface ReportDocument {
  readonly data: unknown;
  /** from 1; undefined where it is the only one */
  readonly number: number | undefined;
}

/**
 * The documents in a text, one after another: one JSON document, NDJSON (one a line), or a YAML stream. Of a YAML stream
 * no more is read than is asked for, and one document ahead.
 * @param file name for messages
 * @throws VdpaQemuError bad-input, also while they are gone through, where the text is no such thing
 */
export async function reportDocuments(text: string, file: string): Promise<Iterable<ReportDocument>> {
  if (text.trimStart().startsWith('{')) return numbered(jsonDocuments(text, file), file);
  // the YAML parser takes time to load, and most reports are JSON
  const { parseYamlStream } = await import('../spec/yaml-document.ts');
  return numbered(parseYamlStream(text, file), file);
}

function* numbered(documents: Iterable<unknown>, file: string): Generator<ReportDocument> {
  let number = 0;
  let waiting: { readonly data: unknown } | undefined;
  for (const data of documents) {
    if (waiting) yield { ...waiting, number };
    number++;
    waiting = { data };
  }
  if (!waiting) throw new VdpaQemuError('bad-input', `${file}: is empty: no host report in it`);
  yield { ...waiting, number: number === 1 ? undefined : number };
}

function jsonDocuments(text: string, file: string): unknown[] {
  try {
    return [JSON.parse(text) as unknown];
  } catch (whole) {
    const documents: unknown[] = [];
    for (const [index, line] of text.split('\n').entries()) {
      if (line.trim() === '') continue;
      try {
        documents.push(JSON.parse(line));
      } catch (cause) {
        // NDJSON that is broken speaks of the line, one broken document of the whole
        throw documents.length > 0 ? notJson(`${file}: line ${index + 1}`, cause, index + 1) : notJson(file, whole);
      }
    }
    return documents;
  }
}
