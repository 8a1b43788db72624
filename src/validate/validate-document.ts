import { messageOf, VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import type { Finding } from '../model/finding.ts';
import { firstOfEach } from '../model/first-of-each.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import type { ValidatedFile, ValidationFinding } from '../model/generated/validation.ts';
import type { TextPlace } from '../import/text-place.ts';
import type { DocumentKind, ReadDocument, ValidatedDocument } from './document.ts';
import { placeAt } from './json-place.ts';
import { documentKindOf } from './kind.ts';
import { PathFinder } from './path-finder.ts';
import type { Opinion } from './opinion.ts';
import { readValidatedDocument } from './read-document.ts';
import type { Hit, ValidationRule } from './rule.ts';
import { validationRules } from './rules/index.ts';
import { sortByPlace } from './sort.ts';
import { subjectOf } from './subject.ts';

export interface ValidateOptions {
  /** name for messages; default `input` */
  readonly file?: string | undefined;
  /** default: told from the content */
  readonly as?: DocumentKind | undefined;
  /** hosts on which it is to run; with several the guest is to move between them */
  readonly reports?: readonly HostReport[] | undefined;
  /** name of the host that it is for, where there are several */
  readonly on?: string | undefined;
  /** the operator's own rows on parent drivers, as for assessHost() */
  readonly parents?: readonly ParentRow[] | undefined;
  /** other programs that are asked as well */
  readonly opinions?: readonly Opinion[] | undefined;
}

export interface DocumentValidation {
  readonly file: ValidatedFile;
  /** sorted by place, the first hundred of each code and severity */
  readonly findings: readonly ValidationFinding[];
}

/**
 * Checks one document against every rule that applies to its kind, with all findings in one run. Pure, but for the
 * opinions that are given to it.
 * @returns findings even of a text that cannot be read at all: validate.unreadable
 * @throws VdpaQemuError usage where `on` names none of the reports
 */
export async function validateDocument(text: string, options: ValidateOptions = {}): Promise<DocumentValidation> {
  const { file = 'input', reports = [], on, parents, opinions = [] } = options;
  if (on !== undefined && !reports.some(({ host }) => host.name === on)) {
    throw new VdpaQemuError('usage', `--on ${on}: no host report is of that host`);
  }
  const content = text.startsWith('\ufeff') ? text.slice(1) : text;
  let read: ReadDocument;
  try {
    read = await readValidatedDocument(options.as ?? documentKindOf(content), content, file, { reports, on, parents });
  } catch (thrown) {
    if (thrown instanceof VdpaQemuError) return unreadable(file, thrown, content);
    throw thrown;
  }
  const { document, findings } = read;
  const subject = subjectOf(document, { reports, on, parents });
  const paths = new PathFinder(document);
  const found = [
    ...findings.map((finding) => located(finding, document, paths)),
    ...validationRules
      .filter(({ appliesTo }) => appliesTo.includes(document.kind))
      .flatMap((rule) => rule.check(subject).map((hit) => findingOf(rule, hit, document, paths))),
  ];
  for (const opinion of opinions) {
    const said = await opinion.check(document);
    for (const finding of said) found.push({ ...located(finding, document, paths), by: opinion.name });
  }
  const sorted = firstOfEach(sortByPlace(found));
  return { file: summaryOf(file, document.kind, document.configuration?.digest ?? null, sorted), findings: sorted };
}

/** A file that could not be read or parsed at all. */
export function unreadable(file: string, thrown: unknown, text = ''): DocumentValidation {
  const said = printable(messageOf(thrown));
  const message = (said.startsWith(`${printable(file)}: `) ? said.slice(printable(file).length + 2) : said).slice(
    0,
    4000,
  );
  const place = placeOf(thrown, text);
  const finding: ValidationFinding = {
    code: 'validate.unreadable',
    severity: 'error',
    file,
    path: '',
    message,
    ...(place ? { place } : {}),
  };
  return { file: { ...summaryOf(file, null, null, [finding]), read: false }, findings: [finding] };
}

function placeOf(thrown: unknown, text: string): ValidationFinding['place'] | undefined {
  if (!(thrown instanceof VdpaQemuError) || !thrown.place) return undefined;
  const { line, column, offset } = thrown.place;
  return placed(offset === undefined ? { line, column } : placeAt(text, offset));
}

function summaryOf(
  file: string,
  kind: DocumentKind | null,
  digest: string | null,
  findings: readonly ValidationFinding[],
): ValidatedFile {
  const count = (severity: Finding['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return { file, kind, read: true, digest, errors: count('error'), warnings: count('warning'), notes: count('info') };
}

function findingOf(rule: ValidationRule, hit: Hit, document: ValidatedDocument, paths: PathFinder): ValidationFinding {
  const { path, message, fix, evidence, severity = rule.severity, assumed = false } = hit;
  return {
    code: rule.code,
    severity: assumed && severity === 'error' ? 'warning' : severity,
    file: document.file,
    path,
    ...placeMember(hit.place ?? paths.find(path), document),
    message: message.slice(0, 4000),
    ...(fix === undefined ? {} : { fix: fix.slice(0, 4000) }),
    ...(evidence === undefined ? {} : { evidence }),
    source: rule.source,
  };
}

function located({ place, ...finding }: Finding, document: ValidatedDocument, paths: PathFinder): ValidationFinding {
  const word = document.kind === 'qemu-argv' ? /^\/(\d{1,6})$/.exec(finding.path)?.[1] : undefined;
  const known = place && { line: place.line, column: place.column };
  const at = word === undefined ? known : { ...known, word: Number(word) + 1 };
  return { ...finding, file: document.file, ...placeMember(at ?? paths.find(finding.path), document) };
}

function placeMember(at: TextPlace | undefined, document: ValidatedDocument): Pick<ValidationFinding, 'place'> {
  const place = placed(at);
  if (!place) return {};
  const option = place.word === undefined ? undefined : optionAt(document, place.word);
  return { place: option === undefined ? place : { ...place, option } };
}

/** Number of the option that a word belongs to: options stand in the order of their words. */
function optionAt({ commandLine }: ValidatedDocument, word: number): number | undefined {
  const starts = commandLine?.starts ?? [];
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? Infinity) <= word) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? undefined : low;
}

function placed(at: TextPlace | undefined): ValidationFinding['place'] | undefined {
  const members = Object.entries(at ?? {}).filter(([, value]) => value !== undefined);
  return members.length === 0 ? undefined : Object.fromEntries(members);
}
