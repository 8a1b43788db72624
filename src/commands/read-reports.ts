import { readDocument } from '../host/documents.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import { documentLabel } from '../model/standard-input.ts';
import { parseReports } from '../report/parse-reports.ts';
import { maxReportBytes } from './io.ts';

/** The reports in the given files; without files, this host is probed. */
export async function readReports(files: readonly string[]): Promise<HostReport[]> {
  if (files.length === 0) {
    const { probeHost } = await import('../probe/probe-host.ts');
    return [await probeHost({ open: true })];
  }
  const reports: HostReport[] = [];
  for (const file of files) {
    for (const report of await parseReports(readDocument(file, maxReportBytes), documentLabel(file))) {
      reports.push(report);
    }
  }
  return reports;
}
