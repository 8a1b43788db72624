import type { ErrorObject } from 'ajv';
import { VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import validateReport from '../model/generated/host-report.validate.js';
import { fieldOf } from '../model/pointer.ts';
import { reportDocuments } from './report-documents.ts';

/** The version of schemas/host-report.schema.json that this program writes and reads. */
export const reportSchemaVersion = 1;

/**
 * Reads the host reports in a text: one JSON document, NDJSON (one a line), or a YAML stream.
 * @param file name for messages
 * @throws VdpaQemuError bad-input where the text is no such thing, or a report breaches the schema
 */
export async function parseReports(text: string, file: string): Promise<HostReport[]> {
  const reports: HostReport[] = [];
  for (const { data, number } of await reportDocuments(text, file)) {
    reports.push(checkReport(data, number === undefined ? file : `${file} (document ${number})`));
  }
  return reports;
}

/** Checks one parsed report. */
export function checkReport(document: unknown, label: string): HostReport {
  if (validateReport(document)) return document;
  throw new VdpaQemuError('bad-input', `${label}: ${breachOf(document).message}`);
}

/** The first thing that makes a value no host report: where (JSON pointer), and in words. */
export function breachOf(document: unknown): { readonly path: string; readonly message: string } {
  const whole = (message: string): ReturnType<typeof breachOf> => ({ path: '', message });
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return whole('is no host report: it must be a mapping');
  }
  const { kind, schemaVersion } = document as Record<string, unknown>;
  if (kind !== 'HostReport') return whole(`is no host report: its kind is ${shown(kind)}, not "HostReport"`);
  if (typeof schemaVersion === 'number' && schemaVersion > reportSchemaVersion) {
    return whole(
      `schemaVersion ${schemaVersion} is newer than this vdpa-qemu reads (${reportSchemaVersion}): update vdpa-qemu`,
    );
  }
  const error = validateReport(document) ? undefined : validateReport.errors?.at(-1);
  return { path: error?.instancePath.slice(0, 1000) ?? '', message: describe(error) };
}

function describe(error: ErrorObject | undefined): string {
  if (!error) return 'breaches schemas/host-report.schema.json';
  const field = error.instancePath === '' ? 'the report' : printable(fieldOf(error.instancePath));
  const { additionalProperty } = error.params as { additionalProperty?: string };
  const detail = additionalProperty === undefined ? '' : ` (${shown(additionalProperty)})`;
  return `${field} ${printable(error.message ?? error.keyword)}${detail}, says schemas/host-report.schema.json`;
}

function shown(value: unknown): string {
  // never walked: it may be nested deeper than the stack is
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'a mapping';
  return value === undefined ? 'missing' : printable(JSON.stringify(value)).slice(0, 80);
}
