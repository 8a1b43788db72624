import { printable } from '../model/fact.ts';
import type { Destination, MigrationCheck, MigrationFinding } from '../model/generated/migration-check.ts';

type Verdict = Destination['verdict'];
/** Colours a verdict for a terminal. */
export type PaintMigration = (verdict: Verdict, text: string) => string;

const colours: Record<Verdict, number> = { can: 32, 'can-with-loss': 33, unknown: 33, cannot: 31 };

export const withoutColour: PaintMigration = (_, text) => text;
export const inVerdictColour: PaintMigration = (verdict, text) => `\u001b[${colours[verdict]}m${text}\u001b[0m`;

export interface MigrationTextOptions {
  /** only what decides the verdict */
  readonly quiet: boolean;
  /** also notes, and the source of each rule */
  readonly verbose: boolean;
}

/** Who the guest is, then a verdict, the devices and the reasons for each destination. */
export function renderMigrationCheck(
  check: MigrationCheck,
  paint: PaintMigration,
  options: MigrationTextOptions,
): string {
  const { source } = check;
  const state = source.running ? 'running' : `from ${source.origin}`;
  const host = source.host === null ? 'source host not reported' : `on ${source.host}`;
  const digest = source.digest === null ? 'guest ABI not fully known' : `guest ABI ${source.digest.slice(0, 16)}`;
  const head = `${source.name ?? 'unnamed guest'}: ${state}, ${host}, ${digest}`;
  const parts = check.destinations.map((destination) => renderDestination(destination, paint, options));
  return [`${printable(head)}\n`, ...parts].join('\n');
}

function renderDestination(
  { host, verdict, summary, devices, findings }: Destination,
  paint: PaintMigration,
  options: MigrationTextOptions,
): string {
  const lines = [
    `${printable(host)}: ${paint(verdict, verdict)}`,
    `  ${printable(summary)}`,
    ...devices.map((device) => `  ${printable(deviceText(device))}`),
    ...findings.filter((finding) => isShown(finding, options)).flatMap((finding) => findingLines(finding, options)),
  ];
  return `${lines.join('\n')}\n`;
}

const choices: Record<Destination['devices'][number]['chosenBy'], string> = {
  with: "named by the destination's configuration",
  option: 'named by --device',
  name: 'named by the spec',
  only: 'the only one that comes into question',
  any: 'one of several that come into question',
  none: 'there is none',
};

function deviceText({ device, id, vdpa, charDevice, chosenBy, candidates }: Destination['devices'][number]): string {
  const what = id ?? device.slice(1);
  const which = vdpa === null ? 'no device' : charDevice === null ? vdpa : `${vdpa} (${charDevice})`;
  const named = vdpa === null && candidates.length > 0;
  const others = chosenBy === 'any' || named ? `: ${candidates.slice(0, 8).join(', ')}` : '';
  return `${what} -> ${which}, ${choices[chosenBy]}${others}`;
}

function isShown({ severity, effect }: MigrationFinding, { quiet, verbose }: MigrationTextOptions): boolean {
  if (quiet) return effect !== 'none';
  return verbose || severity !== 'info';
}

const words: Record<MigrationFinding['effect'], string> = {
  refused: 'refused',
  'no-start': 'does not start',
  fails: 'fails',
  lost: 'guest lost',
  'state-lost': 'loses state',
  none: 'note',
  unknown: 'unknown',
};

function findingLines(finding: MigrationFinding, { verbose }: MigrationTextOptions): string[] {
  const { effect, message, code, fix, source } = finding;
  return [
    `  - ${words[effect]}: ${message} [${code}]`,
    ...(fix === undefined ? [] : [`    fix: ${fix}`]),
    ...(verbose ? [`    source: ${source}`] : []),
  ].map((line) => printable(line));
}
