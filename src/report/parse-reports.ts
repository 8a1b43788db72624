import type { ErrorObject } from 'ajv';
import { VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import validateReport from '../model/generated/host-report.validate.js';
import { fieldOf } from '../model/pointer.ts';

/** The version of schemas/host-report.schema.json that this program writes and reads. */
export const reportSchemaVersion = 1;

/**
 * Reads the host reports in a text: one JSON document, NDJSON (one a line), or a YAML stream.
 * @param file name for messages
 * @throws VdpaQemuError bad-input where the text is no such thing, or a report breaches the schema
 */
export async function parseReports(text: string, file: string): Promise<HostReport[]> {
  const documents = await parseDocuments(text, file);
  if (documents.length === 0) throw new VdpaQemuError('bad-input', `${file}: is empty: no host report in it`);
  return documents.map((document, index) =>
    checkReport(document, documents.length === 1 ? file : `${file} (document ${index + 1})`),
  );
}

async function parseDocuments(text: string, file: string): Promise<unknown[]> {
  const trimmed = text.trimStart();
  if (trimmed === '') return [];
  if (!trimmed.startsWith('{')) return parseYamlReports(text, file);
  try {
    return [JSON.parse(text) as unknown];
  } catch (wholeError) {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    try {
      return lines.map((line) => JSON.parse(line) as unknown);
    } catch (lineError) {
      // NDJSON that is broken speaks of the line, one broken document of the whole
      const thrown = lines.length > 1 && isJson(lines[0] ?? '') ? lineError : wholeError;
      const why = thrown instanceof RangeError ? 'nested too deeply' : printable((thrown as Error).message);
      throw new VdpaQemuError('bad-input', `${file}: is not JSON: ${why}`, { cause: thrown });
    }
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function parseYamlReports(text: string, file: string): Promise<unknown[]> {
  const { parseYamlStream } = await import('../spec/yaml-document.ts');
  try {
    return parseYamlStream(text);
  } catch (cause) {
    throw new VdpaQemuError('bad-input', `${file}: ${(cause as Error).message}`, { cause });
  }
}

/** Checks one parsed report. */
export function checkReport(document: unknown, label: string): HostReport {
  if (validateReport(document)) return document;
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new VdpaQemuError('bad-input', `${label}: is no host report: it must be a mapping`);
  }
  const { kind, schemaVersion } = document as Record<string, unknown>;
  if (kind !== 'HostReport') {
    throw new VdpaQemuError('bad-input', `${label}: is no host report: its kind is ${shown(kind)}, not "HostReport"`);
  }
  if (typeof schemaVersion === 'number' && schemaVersion > reportSchemaVersion) {
    throw new VdpaQemuError(
      'bad-input',
      `${label}: schemaVersion ${schemaVersion} is newer than this vdpa-qemu reads (${reportSchemaVersion}): update vdpa-qemu`,
    );
  }
  throw new VdpaQemuError('bad-input', `${label}: ${describe(validateReport.errors?.at(-1))}`);
}

function describe(error: ErrorObject | undefined): string {
  if (!error) return 'breaches schemas/host-report.schema.json';
  const field = error.instancePath === '' ? 'the report' : printable(fieldOf(error.instancePath));
  const { additionalProperty } = error.params as { additionalProperty?: string };
  const detail = additionalProperty === undefined ? '' : ` (${shown(additionalProperty)})`;
  return `${field} ${printable(error.message ?? error.keyword)}${detail}, says schemas/host-report.schema.json`;
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : printable(JSON.stringify(value)).slice(0, 80);
}
