import { assessHost } from '../doorbell/assess.ts';
import type { Finding } from '../model/finding.ts';
import type { Assessment } from '../model/generated/assessment.ts';
import { coloured, plain, renderAssessment } from '../render/assessment-text.ts';
import { renderJson } from '../render/json.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { readReports } from './read-reports.ts';
import { deliver, tell } from './result.ts';

export interface AssessOptions extends GlobalOptions {
  readonly report: string | undefined;
}

/** Judges the doorbells of the hosts in a report file, or of this host. Exit code 1 where one is unsafe. */
export async function assess(options: AssessOptions, io: Io): Promise<ExitCode> {
  const reports = await readReports(options.report === undefined ? [] : [options.report]);
  const assessments = reports.map((report) => ({ report, assessment: assessHost(report) }));
  if (options.json) {
    const documents = assessments.map(({ assessment }) => assessment);
    deliver(renderJson(documents.length === 1 ? documents[0] : documents), options, io);
  } else {
    const paint = options.color && io.color && options.output === undefined ? coloured : plain;
    const texts = assessments.map(({ report, assessment }) => renderAssessment(assessment, report, paint));
    deliver(texts.join('\n'), options, io);
    for (const { report, assessment } of assessments) tell([...report.notes, ...hostFindings(assessment)], options, io);
  }
  const unsafe = assessments.some(({ assessment }) =>
    assessment.devices.some(({ virtqueues }) => virtqueues.some(({ verdict }) => verdict === 'unsafe')),
  );
  return unsafe ? 1 : 0;
}

/** What is wrong with the host itself; what is wrong with a device stands in the table already. */
function hostFindings({ findings }: Assessment): Finding[] {
  return findings.filter(({ code }) => code.startsWith('host.'));
}
