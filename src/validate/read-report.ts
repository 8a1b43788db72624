import { VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import type { Finding } from '../model/finding.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import { checkReport } from '../report/parse-reports.ts';
import { parseYamlStream } from '../spec/yaml-document.ts';
import type { ValidatedDocument } from './document.ts';
import type { ReadDocument } from './read-document.ts';

/** Nobody reads more. */
const maxBreaches = 100;

/**
 * Reads host reports: one JSON document, NDJSON, or a YAML stream. Each report that breaches the schema is a finding.
 * @throws VdpaQemuError bad-input where the text is none of these
 */
export function readReportDocument(base: ValidatedDocument): ReadDocument {
  const documents = documentsOf(base);
  if (documents.length === 0) throw new VdpaQemuError('bad-input', `${base.file}: is empty`);
  const reports: HostReport[] = [];
  let more = 0;
  const findings: Finding[] = [];
  for (const [index, document] of documents.entries()) {
    const path = documents.length === 1 ? '' : `/${index}`;
    try {
      reports.push(checkReport(document, path));
    } catch (thrown) {
      if (!(thrown instanceof VdpaQemuError)) throw thrown;
      if (findings.length === maxBreaches) {
        more++;
        continue;
      }
      const message = thrown.message.replace(/^(?:\/\d+)?: /, '');
      findings.push({ code: 'validate.schema', severity: 'error', path, message });
    }
  }
  if (more > 0) {
    const message = `${more} more documents are no host reports`;
    findings.push({ code: 'validate.schema', severity: 'error', path: '', message });
  }
  return { document: { ...base, reports: findings.length === 0 ? reports : [] }, findings };
}

function documentsOf({ text, file }: ValidatedDocument): unknown[] {
  if (!text.trimStart().startsWith('{')) return yamlOf(text, file);
  try {
    return [JSON.parse(text) as unknown];
  } catch (whole) {
    const lines = text.split('\n');
    const documents: unknown[] = [];
    for (const [index, line] of lines.entries()) {
      if (line.trim() === '') continue;
      try {
        documents.push(JSON.parse(line));
      } catch (cause) {
        // NDJSON that is broken speaks of the line, one broken document of the whole
        const ndjson = documents.length > 0;
        const where = ndjson ? `line ${index + 1}: ` : '';
        throw new VdpaQemuError('bad-input', `${file}: is not JSON: ${where}${reason(ndjson ? cause : whole)}`, {
          cause,
        });
      }
    }
    return documents;
  }
}

function yamlOf(text: string, file: string): unknown[] {
  try {
    return parseYamlStream(text);
  } catch (cause) {
    throw new VdpaQemuError('bad-input', `${file}: ${(cause as Error).message}`, { cause });
  }
}

function reason(thrown: unknown): string {
  return thrown instanceof RangeError ? 'nested too deeply' : printable((thrown as Error).message);
}
