import { readDocument } from '../host/documents.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import { documentLabel } from '../model/standard-input.ts';

/** The operator's own rows on parent drivers, of all the files that --parents names. */
export async function readParents(files: readonly string[]): Promise<ParentRow[]> {
  if (files.length === 0) return [];
  // the YAML parser takes time to load, and most runs do without
  const { parseParents } = await import('../doorbell/parse-parents.ts');
  const { maxYamlBytes } = await import('../spec/yaml-document.ts');
  return files.flatMap((file) => parseParents(readDocument(file, maxYamlBytes), documentLabel(file)));
}
