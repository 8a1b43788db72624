import { printable } from '../model/fact.ts';
import type { Assessment, DeviceAssessment, VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import { renderBarText } from './bar-text.ts';
import { describeOutlook } from './bar-words.ts';

/** Colours a verdict for a terminal. */
export type Paint = (verdict: DeviceAssessment['verdict'], text: string) => string;

const colours = { safe: 32, unavailable: 36, unsafe: 31, unknown: 33 } as const;

export const plain: Paint = (_, text) => text;
export const coloured: Paint = (verdict, text) => `\u001b[${colours[verdict]}m${text}\u001b[0m`;

/** What may stand below the table of a device. */
export interface AssessmentExtras {
  /** the notify BAR, page by page */
  readonly draw?: boolean;
  /** the same device on hosts with other page sizes */
  readonly pageSizes?: boolean;
}

/** The verdicts of a host as a table per device with a plain sentence each. */
export function renderAssessment(
  assessment: Assessment,
  report: HostReport,
  paint: Paint,
  extras: AssessmentExtras = {},
): string {
  const { host } = report;
  const pages = typeof host.pageSize === 'number' ? `${host.pageSize}-byte pages` : 'page size unknown';
  const head = `${host.name}: ${host.architecture}, kernel ${host.kernelRelease}, ${pages}`;
  if (assessment.devices.length === 0) return `${printable(head)}\nno vDPA devices\n`;
  return [printable(head), '', ...assessment.devices.map(withExtras)].join('\n');

  function withExtras(device: DeviceAssessment, index: number): string {
    const facts = report.devices[index];
    const sizes = extras.pageSizes ? device.pageSizes.map((one) => `  ${printable(describeOutlook(one))}\n`) : [];
    const drawing = extras.draw && facts ? renderBarText(facts, device) : '';
    return `${renderDevice(device, paint)}${sizes.join('')}${drawing}`;
  }
}

function renderDevice(device: DeviceAssessment, paint: Paint): string {
  const title = `${device.name}  ${device.class}, parent ${device.parentDriver ?? 'unknown'}, doorbells ${device.layout}`;
  const rows = device.virtqueues.map(({ index, role, kernel, verdict, reasons }) => ({
    cells: [String(index), role, kernel, verdict, witnessesOf(reasons)],
    verdict,
    reason: reasons.map(({ message }) => message).join('; '),
  }));
  const header = ['vq', 'role', 'kernel', 'verdict', 'by'];
  const widths = header.map((word, column) =>
    Math.max(word.length, ...rows.map(({ cells }) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  const table = rows.map(({ cells, verdict, reason }, index) => {
    const same = index > 0 && rows[index - 1]?.reason === reason;
    const [vq = '', role = '', kernel = '', , by = ''] = cells;
    const painted = paint(verdict, verdict.padEnd(widths[3] ?? 0));
    return `  ${printable(line([vq, role, kernel]))}  ${painted}  ${by.padEnd(widths[4] ?? 0)}  ${printable(same ? '(as above)' : reason)}`.trimEnd();
  });
  const lines = [
    `${printable(title)}: ${paint(device.verdict, device.verdict)}`,
    `  ${printable(device.summary)}`,
    ...(rows.length === 0 ? [] : [`  ${line(header)}  reason`.trimEnd(), ...table]),
    ...device.advice.map((text) => `  -> ${printable(text)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Whose word the reasons are, the one that decided first. */
function witnessesOf(reasons: VirtqueueAssessment['reasons']): string {
  return [...new Set(reasons.map(({ by }) => by))].join(', ');
}
