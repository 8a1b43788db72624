import { VdpaQemuError } from '../model/error.ts';
import type { Finding } from '../model/finding.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import { parseJson } from '../model/parse-json.ts';
import { checkReport } from '../report/parse-reports.ts';
import { reportDocuments, type ReportDocument } from '../report/report-documents.ts';
import type { ReadDocument, ValidatedDocument } from './document.ts';

/** Also a JSON array of them. */
async function documentsIn({ text, file }: ValidatedDocument): Promise<Iterable<ReportDocument>> {
  if (!text.trimStart().startsWith('[')) return await reportDocuments(text, file);
  const list = parseJson(text, file);
  return Array.isArray(list) ? list.map((data: unknown, index) => ({ data, number: index + 1 })) : [];
}

/** Nobody reads more. */
const maxBreaches = 100;

/**
 * Reads host reports: one JSON document, NDJSON, or a YAML stream. Each report that breaches the schema is a finding,
 * to a hundred of them.
 * @throws VdpaQemuError bad-input where the text is none of these
 */
export async function readReportDocument(base: ValidatedDocument): Promise<ReadDocument> {
  const reports: HostReport[] = [];
  const findings: Finding[] = [];
  const breach = (path: string, message: string): void =>
    void findings.push({ code: 'validate.schema', severity: 'error', path, message });
  for (const { data, number } of await documentsIn(base)) {
    const path = number === undefined ? '' : `/${number - 1}`;
    if (findings.length === maxBreaches) {
      breach(path, `${maxBreaches} documents before this are no host reports: it and those after it are not checked`);
      break;
    }
    try {
      reports.push(checkReport(data, ''));
    } catch (thrown) {
      if (!(thrown instanceof VdpaQemuError)) throw thrown;
      breach(path, thrown.message.replace(/^: /, ''));
    }
  }
  return { document: { ...base, reports: findings.length === 0 ? reports : [] }, findings };
}
