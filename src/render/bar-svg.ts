import {
  barMapOf,
  type BarMap,
  type GapRow,
  type PageItem,
  type PageRow,
  type PageState,
} from '../doorbell/bar-map.ts';
import { printable } from '../model/fact.ts';
import type { Assessment, DeviceAssessment } from '../model/generated/assessment.ts';
import type { HostReport, VdpaDevice } from '../model/generated/host-report.ts';
import { bytesInWords, clip, describeBar, describeOutlook, stateWords } from './bar-words.ts';
import { element, renderXml, type XmlElement } from './xml.ts';

/** Pixels. The text is monospaced, so that what fits can be counted. */
const width = 1000;
const margin = 24;
const rowHeight = 26;
const lineHeight = 18;
const pageLeft = 120;
const pageWidth = 256;
const labelLeft = pageLeft + pageWidth + 12;
const largeLeft = 756;
const largeWidth = 12;
const largeLabelLeft = largeLeft + largeWidth + 8;
/** of one character at 12 pixels, with a little to spare over DejaVu Sans Mono */
const character = 7.3;
const charactersIn = (pixels: number): number => Math.floor(pixels / character);

const ink = '#1b1b1b';
const faint = '#5a5a5a';
const stateColours: Readonly<Record<PageState, { readonly fill: string; readonly strong: string }>> = {
  exclusive: { fill: '#d9f0dc', strong: '#1b7f3b' },
  'own-virtqueues': { fill: '#d8e8fb', strong: '#1f5fae' },
  'other-registers': { fill: '#fbdada', strong: '#b3261e' },
  'beyond-bar': { fill: '#fbdada', strong: '#b3261e' },
  hazard: { fill: '#fbdada', strong: '#b3261e' },
  undeclared: { fill: '#fdeec8', strong: '#8a5a00' },
  none: { fill: '#f4f4f4', strong: '#9a9a9a' },
};
const itemColours: Readonly<Record<PageItem['kind'], string>> = {
  doorbell: '#0b3d91',
  registers: '#e07b00',
  msix: '#7b2d8b',
  bar: '#6b4f2a',
  notify: 'none',
  beyond: '#8c8c8c',
};
const verdictColours: Readonly<Record<DeviceAssessment['verdict'], string>> = {
  safe: '#1b7f3b',
  unavailable: '#1f5fae',
  unsafe: '#b3261e',
  unknown: '#8a5a00',
};

/** A piece of the drawing, and how high it is. */
interface Piece {
  readonly height: number;
  readonly elements: readonly XmlElement[];
}

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
    for (const [index, judged] of assessment.devices.entries()) {
      const device = report.devices[index];
      if (device) add(panel(device, judged));
    }
    if (assessment.devices.length === 0) add(lines(['no vDPA devices']));
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
    ...(typeof map === 'string' ? [answers(judged, map)] : [bar(map)]),
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

function bar(map: BarMap): Piece {
  const elements = [
    text(margin, 14, describeBar(map), { fill: faint }),
    text(margin, 36, 'offset', { fill: faint }),
    text(pageLeft, 36, '4 KiB page', { fill: faint }),
    text(labelLeft, 36, 'what is in it', { fill: faint }),
    text(largeLeft, 36, '64 KiB page', { fill: faint }),
  ];
  const top = 44;
  for (const [position, row] of map.rows.entries()) {
    const y = top + position * rowHeight;
    elements.push(...(row.kind === 'page' ? pageRow(row, y) : gapRow(row, y)));
  }
  elements.push(...largePages(map, top));
  return { height: top + map.rows.length * rowHeight + 10, elements };
}

function pageRow({ offset, state, items }: PageRow, y: number): XmlElement[] {
  const colours = stateColours[state];
  const height = rowHeight - 4;
  const box = { x: pageLeft, y, width: pageWidth, height };
  const doorbells = items.filter(({ kind }) => kind === 'doorbell');
  const rest = items.filter(({ kind }) => kind !== 'doorbell');
  const words = [...doorbells, ...rest].flatMap(({ label }) => (label === '' ? [] : [label]));
  return [
    text(margin, y + 15, offset, { room: pageLeft - margin - 8 }),
    element('rect', { ...box, fill: colours.fill }),
    ...[...rest, ...doorbells].flatMap((item) => itemRect(item, y, height)),
    element('rect', { ...box, fill: 'none', stroke: colours.strong, 'stroke-width': state === 'none' ? 1 : 2 }),
    text(labelLeft, y + 15, words.join(', '), {
      fill: state === 'none' ? faint : ink,
      room: largeLeft - labelLeft - 10,
    }),
  ];
}

function itemRect({ kind, from, to }: PageItem, y: number, height: number): XmlElement[] {
  if (kind === 'notify') return [];
  const scale = pageWidth / 4096;
  const wide = Math.max((to - from) * scale, 6);
  const left = Math.min(pageLeft + from * scale, pageLeft + pageWidth - wide);
  const inset = kind === 'doorbell' ? 0 : 5;
  return [
    element('rect', {
      x: round(left),
      y: y + inset,
      width: round(wide),
      height: height - 2 * inset,
      fill: itemColours[kind],
    }),
  ];
}

function gapRow({ label }: GapRow, y: number): XmlElement[] {
  return [
    text(pageLeft + pageWidth / 2, y + 15, '...', { fill: faint, anchor: 'middle' }),
    text(labelLeft, y + 15, label, { fill: faint, room: largeLeft - labelLeft - 10 }),
  ];
}

/** One bar beside all rows of the same 65536-byte page, and what that page would be. */
function largePages({ rows }: BarMap, top: number): XmlElement[] {
  const groups: { first: number; last: number; page: NonNullable<GapRow['large']> }[] = [];
  for (const [position, row] of rows.entries()) {
    if (row.large === undefined) continue;
    const open = groups.at(-1);
    if (open?.page.offset === row.large.offset && open.last === position - 1) open.last = position;
    else groups.push({ first: position, last: position, page: row.large });
  }
  return groups.flatMap(({ first, last, page }) => {
    const y = top + first * rowHeight;
    const height = (last - first + 1) * rowHeight - 4;
    const { fill, strong } = stateColours[page.state];
    const place = `at ${page.offset}:`;
    const room = width - margin - largeLabelLeft;
    const words = stateWords[page.state];
    const label =
      last > first
        ? [text(largeLabelLeft, y + 15, place, { room }), text(largeLabelLeft, y + 31, words, { fill: strong, room })]
        : [text(largeLabelLeft, y + 15, words, { fill: strong, room })];
    return [element('rect', { x: largeLeft, y, width: largeWidth, height, fill, stroke: strong }), ...label];
  });
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

function lines(all: readonly string[]): Piece {
  return {
    height: all.length * lineHeight + 10,
    elements: all.map((line, index) => text(margin, 14 + index * lineHeight, line, { room: width - 2 * margin })),
  };
}

function legend(): Piece {
  const samples: readonly (readonly [string, string, string])[] = [
    [itemColours.doorbell, ink, 'doorbell'],
    [itemColours.registers, ink, 'other registers'],
    [itemColours.msix, ink, 'MSI-X table or pending bits'],
    [itemColours.bar, ink, 'another BAR'],
    [itemColours.beyond, ink, 'not in the BAR'],
    ...(['exclusive', 'own-virtqueues', 'other-registers', 'undeclared', 'none'] as const).map(
      (state) => [stateColours[state].fill, stateColours[state].strong, stateWords[state]] as const,
    ),
  ];
  const elements = samples.flatMap(([fill, stroke, words], index) => {
    const x = margin + (index % 3) * 320;
    const y = Math.floor(index / 3) * 22;
    return [element('rect', { x, y, width: 16, height: 14, fill, stroke }), text(x + 24, y + 12, words, {})];
  });
  const height = Math.ceil(samples.length / 3) * 22;
  const note = `a page is drawn as ${bytesInWords(4096n)} from left to right; a doorbell page may be mapped into a guest only where it holds nothing else`;
  return {
    height: height + 32,
    elements: [...elements, text(margin, height + 12, note, { fill: faint, room: width - 2 * margin })],
  };
}

interface TextStyle {
  readonly fill?: string;
  readonly size?: number;
  readonly bold?: boolean;
  readonly anchor?: 'middle';
  /** pixels; what does not fit is cut off */
  readonly room?: number;
}

function text(
  x: number,
  y: number,
  words: string,
  { fill = ink, size = 12, bold, anchor, room }: TextStyle,
): XmlElement {
  const safe = printable(words);
  const fits = room === undefined ? safe : clip(safe, charactersIn((room * 12) / size));
  return element(
    'text',
    {
      x,
      y,
      fill,
      'font-size': size === 12 ? undefined : size,
      'font-weight': bold ? 'bold' : undefined,
      'text-anchor': anchor,
      'xml:space': 'preserve',
    },
    fits,
  );
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Breaks a text between words into lines of at most `length` characters. */
function wrap(words: string, length: number): string[] {
  const all: string[] = [];
  for (const word of words.split(' ')) {
    const line = all.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= length) all[all.length - 1] = `${line} ${word}`;
    else all.push(word);
  }
  return all;
}
