import type { Finding } from '../model/finding.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import explain from '../model/generated/host-report.explain.js';
import validateReport from '../model/generated/host-report.validate.js';
import { parseJson } from '../model/parse-json.ts';
import { breachOf } from '../report/parse-reports.ts';
import { reportDocuments, type ReportDocument } from '../report/report-documents.ts';
import type { ReadDocument, ValidatedDocument } from './document.ts';
import { schemaFindings } from './schema-findings.ts';

/** Also a JSON array of them. */
async function documentsIn({ text, file }: ValidatedDocument): Promise<Iterable<ReportDocument>> {
  if (!text.trimStart().startsWith('[')) return await reportDocuments(text, file);
  const list = parseJson(text, file);
  return Array.isArray(list) ? list.map((data: unknown, index) => ({ data, number: index + 1 })) : [];
}

/** Nobody reads more. */
const maxBroken = 100;
/** Of so many of them all is told, of the others the first thing. */
const maxExplained = 10;

/**
 * Reads host reports: one JSON document, NDJSON, or a YAML stream. Each breach of the schema is a finding, in a hundred
 * of the reports.
 * @throws VdpaQemuError bad-input where the text is none of these
 */
export async function readReportDocument(base: ValidatedDocument): Promise<ReadDocument> {
  const reports: HostReport[] = [];
  const findings: Finding[] = [];
  let broken = 0;
  for (const { data, number } of await documentsIn(base)) {
    const path = number === undefined ? '' : `/${number - 1}`;
    if (broken === maxBroken) {
      const message = `${maxBroken} documents before this are no host reports: it and those after it are not checked`;
      findings.push({ code: 'validate.schema', severity: 'error', path, message });
      break;
    }
    if (validateReport(data)) {
      reports.push(data);
    } else {
      broken++;
      const validator = broken <= maxExplained ? explain : undefined;
      findings.push(...schemaFindings(data, 'HostReport', validator, path, breachOf(data)));
    }
  }
  return { document: { ...base, reports: findings.length === 0 ? reports : [] }, findings };
}
