import type { Validation } from '../model/generated/validation.ts';
import type { DocumentValidation } from './validate-document.ts';

/** What was found in several documents, as one result. */
export function validationOf(documents: readonly DocumentValidation[]): Validation {
  return {
    schemaVersion: 1,
    kind: 'Validation',
    files: documents.map(({ file }) => file),
    findings: documents.flatMap(({ findings }) => findings),
  };
}

/** 0: no error; 1: an error; 2: a file could not be read or parsed at all. */
export function exitCodeOf({ files }: Validation): 0 | 1 | 2 {
  if (files.some(({ read }) => !read)) return 2;
  return files.some(({ errors }) => errors > 0) ? 1 : 0;
}
