import { printable } from '../model/fact.ts';
import type { Validation, ValidatedFile, ValidationFinding } from '../model/generated/validation.ts';

type Severity = ValidationFinding['severity'];
/** Colours the word of a severity for a terminal. */
export type PaintSeverity = (severity: Severity, text: string) => string;

const colours: Record<Severity, number> = { error: 31, warning: 33, info: 36 };

export const inSeverityColour: PaintSeverity = (severity, text) => `\u001b[${colours[severity]}m${text}\u001b[0m`;
export const plainSeverity: PaintSeverity = (_, text) => text;

export interface ValidationTextOptions {
  /** only errors */
  readonly quiet: boolean;
  /** also notes (those of programs that were not asked are always shown), and the source of each rule */
  readonly verbose: boolean;
}

/** A program that was to be asked and is not there: silence would be taken for its consent. */
const notAsked = 'opinion.not-asked';

/** One finding a line, as compilers write them, its fix below; then what became of each file. */
export function renderValidation(
  { files, findings }: Validation,
  paint: PaintSeverity,
  options: ValidationTextOptions,
): string {
  const shown = findings.filter(({ severity, code }) =>
    options.quiet ? severity === 'error' : options.verbose || severity !== 'info' || code === notAsked,
  );
  const lines = [
    ...shown.flatMap((finding) => findingLines(finding, paint, options)),
    ...(options.quiet ? [] : files.map((file) => printable(fileLine(file)))),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function findingLines(finding: ValidationFinding, paint: PaintSeverity, { verbose }: ValidationTextOptions): string[] {
  const { severity, message, code, fix, source, by } = finding;
  const said = by === undefined ? message : `${by}: ${message}`;
  return [
    `${printable(whereOf(finding))}: ${paint(severity, severity)}: ${printable(said)} [${code}]`,
    ...(fix === undefined ? [] : [`  fix: ${printable(fix)}`]),
    ...(verbose && source !== undefined ? [`  source: ${printable(source)}`] : []),
  ];
}

/** `vm.yaml:7:5`; `vm.args: option 12`; `plan.json: /guestAbi` where there is no line. */
function whereOf({ file, path, place }: ValidationFinding): string {
  const { line, column, word, option } = place ?? {};
  const lined = line === undefined ? file : `${file}:${line}${column === undefined ? '' : `:${column}`}`;
  if (option !== undefined) return `${lined}: option ${option}`;
  if (word !== undefined) return `${lined}: word ${word}`;
  return line === undefined && path !== '' ? `${file}: ${path}` : lined;
}

const kinds: Readonly<Record<NonNullable<ValidatedFile['kind']>, string>> = {
  spec: 'VM spec',
  'host-report': 'host report',
  libvirt: 'libvirt domain',
  'libvirt-interface': 'libvirt interface',
  'qemu-argv': 'QEMU command line',
  plan: 'plan',
  'guest-configuration': 'guest configuration',
};

function fileLine({ file, kind, read, errors, warnings, notes }: ValidatedFile): string {
  if (!read || kind === null) return `${file}: could not be read`;
  const counts = [count(errors, 'error'), count(warnings, 'warning'), count(notes, 'note')].filter((one) => one !== '');
  return `${file}: ${kinds[kind]}: ${counts.join(', ') || 'nothing found'}`;
}

function count(number: number, word: string): string {
  return number === 0 ? '' : `${number} ${word}${number === 1 ? '' : 's'}`;
}
