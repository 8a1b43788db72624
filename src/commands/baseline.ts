import { BaselineBuilder, type DeviceClass } from '../baseline/baseline.ts';
import { streamDocuments } from '../host/report-stream.ts';
import { VdpaQemuError } from '../model/error.ts';
import { hasErrors } from '../model/finding.ts';
import { standardInput } from '../model/standard-input.ts';
import { renderBaseline } from '../render/baseline-text.ts';
import { renderJson } from '../render/json.ts';
import { parseReports } from '../report/parse-reports.ts';
import { ReportReader } from '../report/report-reader.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { readParents } from './read-parents.ts';
import { deliver, tell } from './result.ts';

export interface BaselineOptions extends GlobalOptions {
  /** files of host reports, each with one or many */
  readonly reports: readonly string[];
  /** files with the operator's own rows on parent drivers */
  readonly parents: readonly string[];
  /** left out: those that are there */
  readonly class: DeviceClass | undefined;
}

/** The longest host report that is read; one has some 20 KB. */
const maxDocumentBytes = 64 << 20;

/** Reads the reports one after the other, and delivers what all hosts can serve. Exit code 1 where some host cannot. */
export async function baselineCommand(options: BaselineOptions, io: Io): Promise<ExitCode> {
  const files = options.reports.length === 0 ? [standardInput] : options.reports;
  const builder = new BaselineBuilder({ parents: await readParents(options.parents) });
  const reader = new ReportReader();
  let count = 0;
  for (const file of files) {
    for (const { bytes, label, json } of streamDocuments(file, maxDocumentBytes)) {
      const reports = json ? [reader.read(bytes, label)] : await parseReports(bytes.toString('utf8'), label);
      for (const report of reports) builder.add(report);
      count += reports.length;
    }
  }
  if (count === 0) throw new VdpaQemuError('bad-input', 'there is no host report to read');
  const baseline = builder.finish(options.class === undefined ? undefined : [options.class]);
  deliver(options.json ? renderJson(baseline) : await renderBaseline(baseline, options.verbose), options, io);
  if (!options.json) tell(baseline.findings, options, io);
  return hasErrors(baseline.findings) ? 1 : 0;
}
