import { assessHost } from '../doorbell/assess.ts';
import { writeDocument } from '../host/documents.ts';
import { isSameFile } from '../host/same-file.ts';
import { VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import type { Finding } from '../model/finding.ts';
import type { Assessment } from '../model/generated/assessment.ts';
import { standardInput } from '../model/standard-input.ts';
import { coloured, plain, renderAssessment } from '../render/assessment-text.ts';
import { renderBarSvgs } from '../render/bar-svg.ts';
import { renderJson } from '../render/json.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { readParents } from './read-parents.ts';
import { readReports } from './read-reports.ts';
import { deliver, tell } from './result.ts';

export interface AssessCommandOptions extends GlobalOptions {
  readonly report: string | undefined;
  /** files with the operator's own rows on parent drivers */
  readonly parents: readonly string[];
  /** file for a drawing */
  readonly svg: string | undefined;
  /** a drawing in text */
  readonly draw: boolean;
}

/** Judges the doorbells of the hosts in a report file, or of this host. Exit code 1 where one is unsafe. */
export async function assess(options: AssessCommandOptions, io: Io): Promise<ExitCode> {
  checkFiles(options);
  const parents = await readParents(options.parents);
  const reports = await readReports(options.report === undefined ? [] : [options.report]);
  const assessments = reports.map((report) => ({ report, assessment: assessHost(report, { parents }) }));
  if (options.svg !== undefined) {
    writeDocument(options.svg, renderBarSvgs(assessments));
    if (options.verbose) io.err(`wrote ${printable(options.svg)}\n`);
  }
  if (options.json) {
    const documents = assessments.map(({ assessment }) => assessment);
    deliver(renderJson(documents.length === 1 ? documents[0] : documents), options, io);
  } else {
    const paint = options.color && io.color && options.output === undefined ? coloured : plain;
    const more = { draw: options.draw || options.verbose, pageSizes: options.verbose };
    const texts = assessments.map(({ report, assessment }) => renderAssessment(assessment, report, paint, more));
    deliver(texts.join('\n'), options, io);
    for (const { report, assessment } of assessments) tell([...report.notes, ...talk(assessment)], options, io);
  }
  const unsafe = assessments.some(({ assessment }) =>
    assessment.devices.some(({ virtqueues }) => virtqueues.some(({ verdict }) => verdict === 'unsafe')),
  );
  return unsafe ? 1 : 0;
}

function checkFiles({ svg, output }: AssessCommandOptions): void {
  if (svg === undefined) return;
  if (svg === standardInput || svg === '') throw new VdpaQemuError('usage', '--svg takes a file');
  if (output !== undefined && isSameFile(svg, output)) {
    throw new VdpaQemuError('usage', `--svg and --output would write the same file, ${svg}`);
  }
}

/** What is wrong with the host itself, and where witnesses contradict; a verdict stands in the table already. */
function talk({ findings }: Assessment): Finding[] {
  return findings.filter(({ code }) => code.startsWith('host.') || code === 'assess.contradiction');
}
