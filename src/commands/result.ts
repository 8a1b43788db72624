import { writeDocument } from '../host/documents.ts';
import { printable } from '../model/fact.ts';
import type { Finding } from '../model/finding.ts';
import { renderFinding } from '../render/findings-text.ts';
import type { GlobalOptions, Io } from './io.ts';

/** Delivers a result: to the file that --output names, whole or not at all, else to standard output. */
export function deliver(text: string, options: GlobalOptions, io: Io): void {
  if (options.output === undefined) {
    io.out(text);
    return;
  }
  writeDocument(options.output, text);
  if (options.verbose) io.err(`wrote ${printable(options.output)}\n`);
}

/** Tells findings on standard error: --quiet only errors, --verbose also notes. */
export function tell(findings: readonly Finding[], options: GlobalOptions, io: Io): void {
  for (const finding of findings) {
    if (options.quiet && finding.severity !== 'error') continue;
    if (!options.verbose && finding.severity === 'info') continue;
    io.err(renderFinding(finding));
  }
}
