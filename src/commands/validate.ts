import { readDocument } from '../host/documents.ts';
import { VdpaQemuError } from '../model/error.ts';
import { documentLabel } from '../model/standard-input.ts';
import { renderJson } from '../render/json.ts';
import { renderSarif } from '../render/validation-sarif.ts';
import { inSeverityColour, plainSeverity, renderValidation } from '../render/validation-text.ts';
import type { DocumentKind } from '../validate/document.ts';
import type { Opinion } from '../validate/opinion.ts';
import { validationRules } from '../validate/rules/index.ts';
import {
  unreadable,
  validateDocument,
  type DocumentValidation,
  type ValidateOptions,
} from '../validate/validate-document.ts';
import { exitCodeOf, validationOf } from '../validate/validation.ts';
import { version } from '../version.ts';
import { maxReportBytes, type ExitCode, type GlobalOptions, type Io } from './io.ts';
import { readParents } from './read-parents.ts';
import { readReports } from './read-reports.ts';
import { deliver } from './result.ts';

export interface ValidateCommandOptions extends GlobalOptions {
  readonly files: readonly string[];
  readonly as: DocumentKind | undefined;
  readonly host: readonly string[];
  readonly on: string | undefined;
  /** files with the operator's own rows on parent drivers */
  readonly parents: readonly string[];
  readonly format: 'text' | 'json' | 'sarif';
  /** libvirt's schema, virsh and QEMU are asked as well */
  readonly withPrograms: boolean;
}

/** Checks files, all of them in one run. Exit code 1 where an error is found, 2 where a file cannot be read at all. */
export async function validate(options: ValidateCommandOptions, io: Io): Promise<ExitCode> {
  if (options.files.length === 0) throw new VdpaQemuError('usage', 'name the files to check (- is standard input)');
  if (options.json && options.format === 'sarif') {
    throw new VdpaQemuError('usage', '--json and --format sarif are two formats: give one of them');
  }
  const reports = options.host.length === 0 ? [] : await readReports(options.host);
  const parents = await readParents(options.parents);
  const opinions = options.withPrograms ? await askedPrograms() : [];
  const documents: DocumentValidation[] = [];
  for (const file of options.files) documents.push(await check(file, { ...options, reports, parents, opinions }));
  const validation = validationOf(documents);
  const format = options.json ? 'json' : options.format;
  deliver(
    format === 'json'
      ? renderJson(validation)
      : format === 'sarif'
        ? renderSarif(validation, validationRules, version)
        : renderValidation(
            validation,
            io.color && options.color && options.output === undefined ? inSeverityColour : plainSeverity,
            options,
          ),
    options,
    io,
  );
  return exitCodeOf(validation);
}

async function askedPrograms(): Promise<readonly Opinion[]> {
  const { opinions } = await import('../validate/opinions/index.ts');
  return opinions;
}

/** A file that cannot be read does not keep the others from being checked. */
async function check(
  file: string,
  { as, on, reports, parents, opinions }: ValidateOptions,
): Promise<DocumentValidation> {
  const label = documentLabel(file);
  let text: string;
  try {
    text = readDocument(file, maxReportBytes);
  } catch (thrown) {
    if (thrown instanceof VdpaQemuError) return unreadable(label, thrown);
    throw thrown;
  }
  return await validateDocument(text, { file: label, as, reports, on, parents, opinions });
}
