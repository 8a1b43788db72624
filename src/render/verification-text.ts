import { printable } from '../model/fact.ts';
import type { DeviceVerification, Verification } from '../model/generated/verification.ts';

type Verdict = DeviceVerification['verdict'];
export type PaintVerdict = (verdict: Verdict, text: string) => string;

const colours: Record<Verdict, number> = { active: 32, inactive: 36, partial: 33, 'not-yet': 36, unknown: 33 };

export const uncoloured: PaintVerdict = (_, text) => text;
export const inColour: PaintVerdict = (verdict, text) => `\u001b[${colours[verdict]}m${text}\u001b[0m`;

/** The verdicts of a VM as a table per device with a plain sentence each; `verbose`: also what was ruled out, and what is not known. */
export function renderVerification(
  { qemu, machine, runState, devices }: Verification,
  paint: PaintVerdict,
  verbose = false,
): string {
  const head = `QEMU ${qemu}, ${machine ?? 'machine type unknown'}, ${runState}`;
  if (devices.length === 0) return `${printable(head)}\nno vDPA device\n`;
  return [printable(head), '', ...devices.map((device) => renderDevice(device, paint, verbose))].join('\n');
}

function renderDevice(device: DeviceVerification, paint: PaintVerdict, verbose: boolean): string {
  const { frontend, charDevice, pagePerVq, driverReady } = device;
  const title = [
    `${device.device}  ${frontend}`,
    ...(charDevice === null ? [] : [charDevice]),
    `page-per-vq ${pagePerVq === null ? 'unknown' : pagePerVq ? 'on' : 'off'}`,
    `driver ${driverReady === null ? 'unknown' : driverReady ? 'up' : 'not up'}`,
  ].join(', ');
  const width = Math.max(4, ...device.virtqueues.map(({ role }) => role.length));
  const listed = (what: string, all: readonly string[]): string[] =>
    all.length === 0 ? [] : [`  ${' '.repeat(width + 16)}${what}: ${printable(all.join('; '))}`];
  const rows = device.virtqueues.flatMap(({ index, role, verdict, reasons, ruledOut, notKnown }, at) => {
    const reason = reasons.map(({ message }) => message).join('; ');
    const before = device.virtqueues[at - 1]?.reasons.map(({ message }) => message).join('; ');
    const words = before === reason ? '(as above)' : reason;
    return [
      `  ${String(index).padEnd(4)}${printable(role).padEnd(width)}  ${paint(verdict, verdict.padEnd(8))}  ${printable(words)}`,
      ...(verbose && words === reason ? [...listed('ruled out', ruledOut), ...listed('not known', notKnown)] : []),
    ];
  });
  const lines = [
    `${printable(title)}: ${paint(device.verdict, device.verdict)}`,
    `  ${printable(device.summary)}`,
    ...(rows.length === 0
      ? []
      : [`  ${'vq'.padEnd(4)}${'role'.padEnd(width)}  ${'verdict'.padEnd(8)}  reason`, ...rows]),
  ];
  return `${lines.join('\n')}\n`;
}
