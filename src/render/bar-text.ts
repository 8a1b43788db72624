import { barMapOf, type BarMap, type GapRow, type PageItem, type PageRow } from '../doorbell/bar-map.ts';
import { printable } from '../model/fact.ts';
import type { DeviceAssessment } from '../model/generated/assessment.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';
import { clip, describeBar, stateWords } from './bar-words.ts';

const cells = 16;
const letters: Readonly<Record<PageItem['kind'], string>> = {
  notify: 'n',
  beyond: '#',
  bar: 'B',
  msix: 'M',
  registers: 'R',
  doorbell: 'D',
};
/** What is drawn over what. */
const depth: readonly PageItem['kind'][] = ['notify', 'beyond', 'bar', 'msix', 'registers', 'doorbell'];

/** Draws the notify BAR of a device as pages in text, sixteen cells to a page of 4096 bytes; ends with a newline. */
export function renderBarText(device: VdpaDevice, judged: DeviceAssessment): string {
  const map = barMapOf(device, judged);
  if (typeof map === 'string') return `  no drawing: ${printable(map)}\n`;
  const lines = [
    `${describeBar(map)}; a cell is 256 bytes: D doorbell, R registers, M MSI-X, B another BAR, n rest of the notify capability, . undeclared, # not in the BAR`,
    `${'offset'.padEnd(12)}${'4 KiB page'.padEnd(cells + 4)}${'64 KiB page'.padEnd(46)}what is in the 4 KiB page`,
    ...rowsOf(map),
  ];
  return lines.map((line) => `  ${printable(line).trimEnd()}\n`).join('');
}

function rowsOf({ rows }: BarMap): string[] {
  return rows.map((row, position) => {
    const before = rows[position - 1]?.large;
    const same = before !== undefined && before.offset === row.large?.offset;
    const around = row.large === undefined ? '' : same ? '|' : `+ ${row.large.offset}: ${stateWords[row.large.state]}`;
    return row.kind === 'gap' ? gapLine(row, around) : pageLine(row, around);
  });
}

function gapLine({ label }: GapRow, around: string): string {
  return `${' '.repeat(12)}${'...'.padEnd(cells + 4)}${around.padEnd(46)}${label}`;
}

function pageLine(row: PageRow, around: string): string {
  const picture = Array.from({ length: cells }, (_, cell) => letterAt(row.items, cell)).join('');
  const words = row.items.flatMap(({ label }) => (label === '' ? [] : [label]));
  const what = words.length > 4 ? [...words.slice(0, 4), `${words.length - 4} more`] : words;
  const state = row.state === 'none' ? '' : `${stateWords[row.state]}: `;
  return `${row.offset.padEnd(12)}[${picture}]  ${around.padEnd(46)}${clip(`${state}${what.join(', ')}`, 200)}`;
}

function letterAt(items: readonly PageItem[], cell: number): string {
  const [from, to] = [cell * 256, (cell + 1) * 256];
  const kinds = items.filter((item) => item.from < to && item.to > from).map(({ kind }) => kind);
  const top = depth.findLast((kind) => kinds.includes(kind));
  return top === undefined ? '.' : letters[top];
}
