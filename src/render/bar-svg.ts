import { barMapOf } from '../doorbell/bar-map.ts';
import type { Assessment, DeviceAssessment } from '../model/generated/assessment.ts';
import type { HostReport, VdpaDevice } from '../model/generated/host-report.ts';
import { legend } from './bar-svg-legend.ts';
import { pagesOf } from './bar-svg-pages.ts';
import { charactersIn, lines, margin, text, width, wrap, type Piece } from './bar-svg-style.ts';
import { describeOutlook } from './bar-words.ts';
import { element, renderXml, type XmlElement } from './xml.ts';

const verdictColours: Readonly<Record<DeviceAssessment['verdict'], string>> = {
  safe: '#1b7f3b',
  unavailable: '#1f5fae',
  unsafe: '#b3261e',
  unknown: '#8a5a00',
};

/** Devices of a host that are drawn. */
const shownDevices = 64;

/**
 * Draws the doorbells of a host: one panel per device with its notify BAR as pages of 4 KiB and 64 KiB; of a device
 * whose layout PCI config space does not tell, what the kernel answered per virtqueue.
 * @param report the report that was assessed
 * @returns an SVG document; the same input gives the same bytes
 */
export function renderBarSvg(report: HostReport, assessment: Assessment): string {
  return renderBarSvgs([{ report, assessment }]);
}

/** As renderBarSvg, for several hosts one below the other. */
export function renderBarSvgs(hosts: readonly { report: HostReport; assessment: Assessment }[]): string {
  const body: XmlElement[] = [];
  let y = margin;
  const add = ({ height, elements }: Piece): void => {
    body.push(element('g', { transform: `translate(0 ${y})` }, elements));
    y += height;
  };
  for (const { report, assessment } of hosts) {
    add(hostHead(report));
    for (const [index, judged] of assessment.devices.slice(0, shownDevices).entries()) {
      const device = report.devices[index];
      if (device) add(panel(device, judged));
    }
    if (assessment.devices.length === 0) add(lines(['no vDPA devices']));
    const more = assessment.devices.length - shownDevices;
    if (more > 0) add(lines([`and ${more} more devices, which are not drawn: give a report of fewer`]));
  }
  add(legend());
  const root = element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${y}`,
      width,
      height: y,
      'font-family': "'DejaVu Sans Mono', Menlo, Consolas, monospace",
      'font-size': 12,
    },
    [
      element('title', {}, 'Doorbells of vDPA devices, page by page'),
      element('rect', { width, height: y, fill: '#ffffff' }),
      ...body,
    ],
  );
  return renderXml(root);
}

function hostHead({ host }: HostReport): Piece {
  const pages = typeof host.pageSize === 'number' ? `${host.pageSize}-byte pages` : 'page size unknown';
  const label = `${host.name}: ${host.architecture}, kernel ${host.kernelRelease}, ${pages}`;
  return { height: 34, elements: [text(margin, 14, label, { size: 15, bold: true, room: width - 2 * margin })] };
}

function panel(device: VdpaDevice, judged: DeviceAssessment): Piece {
  const map = barMapOf(device, judged);
  const parts = [
    panelHead(judged),
    ...(typeof map === 'string' ? [answers(judged, map)] : [pagesOf(map)]),
    lines(judged.pageSizes.map(describeOutlook)),
  ];
  const elements: XmlElement[] = [];
  let y = 10;
  for (const part of parts) {
    elements.push(element('g', { transform: `translate(0 ${y})` }, part.elements));
    y += part.height;
  }
  const frame = element('rect', {
    x: margin / 2,
    y: 0,
    width: width - margin,
    height: y,
    rx: 6,
    fill: 'none',
    stroke: '#c4c4c4',
  });
  return { height: y + 16, elements: [frame, ...elements] };
}

function panelHead(judged: DeviceAssessment): Piece {
  const title = `${judged.name}: ${judged.class}, parent ${judged.parentDriver ?? 'unknown'}, doorbells ${judged.layout}`;
  const badge = 120;
  return {
    height: 28,
    elements: [
      text(margin, 16, title, { size: 14, bold: true, room: width - 2 * margin - badge - 8 }),
      element('rect', {
        x: width - margin - badge,
        y: 0,
        width: badge,
        height: 22,
        rx: 4,
        fill: verdictColours[judged.verdict],
      }),
      text(width - margin - badge / 2, 15, judged.verdict, { fill: '#ffffff', bold: true, anchor: 'middle' }),
    ],
  };
}

/** For a parent whose layout PCI config space does not tell. */
function answers({ virtqueues }: DeviceAssessment, why: string): Piece {
  const shown = 12;
  const rows = virtqueues.slice(0, shown).map(({ index, role, kernel, verdict }) => {
    const answer = kernel === 'mapped' ? 'the kernel maps it' : `the kernel's answer: ${kernel}`;
    return `vq ${String(index).padEnd(5)} ${role.padEnd(10)} ${answer.padEnd(32)} ${verdict}`;
  });
  const more = virtqueues.length > shown ? [`and ${virtqueues.length - shown} more virtqueues`] : [];
  const reason = virtqueues.find(({ verdict }) => verdict !== 'safe')?.reasons[0] ?? virtqueues[0]?.reasons[0];
  const because = reason === undefined ? [] : wrap(reason.message, charactersIn(width - 2 * margin)).slice(0, 3);
  return lines([`no page layout to draw: ${why}`, ...rows, ...more, ...because]);
}
