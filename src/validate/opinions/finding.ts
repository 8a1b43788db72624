import { printable } from '../../model/fact.ts';
import type { Finding } from '../../model/finding.ts';
import type { Unknown } from '../../model/generated/host-report.ts';
import type { ValidatedDocument } from '../document.ts';

/** A finding of an opinion: what another program said, made fit for a terminal. */
export function said(
  code: string,
  message: string,
  { path = '', place }: Partial<Pick<Finding, 'path' | 'place'>> = {},
): Finding {
  return {
    code,
    severity: 'error',
    path: printable(path).slice(0, 1000),
    message: printable(message).slice(0, 2000),
    ...(place === undefined ? {} : { place }),
  };
}

/** The program could not be asked: that is told, never hidden. */
export function notAsked(name: string, why: Unknown): Finding {
  return {
    code: 'opinion.not-asked',
    severity: 'info',
    path: '',
    message: `${name} was not asked (${why.unknown}): ${why.detail}`,
  };
}

/** A line of the document. */
export function atLine(document: ValidatedDocument, line: number | undefined): Pick<Finding, 'place'> {
  return line === undefined ? {} : { place: { file: document.file, line, column: 1 } };
}
