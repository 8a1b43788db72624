import type { BarMap, GapRow, PageItem, PageRow } from '../doorbell/bar-map.ts';
import { describeBar, stateWords } from './bar-words.ts';
import { faint, ink, itemColours, margin, stateColours, text, width, type Piece } from './bar-svg-style.ts';
import { element, type XmlElement } from './xml.ts';

/** Pixels. */
const rowHeight = 26;
const pageLeft = 120;
const pageWidth = 256;
const labelLeft = pageLeft + pageWidth + 12;
const largeLeft = 756;
const largeWidth = 12;
const largeLabelLeft = largeLeft + largeWidth + 8;

/** A BAR as a column of pages of 4 KiB, and beside it those of 64 KiB. */
export function pagesOf(map: BarMap): Piece {
  const elements = [
    text(margin, 14, describeBar(map), { fill: faint }),
    text(margin, 36, 'offset', { fill: faint }),
    text(pageLeft, 36, '4 KiB page', { fill: faint }),
    text(labelLeft, 36, 'what is in it', { fill: faint }),
    text(largeLeft, 36, '64 KiB page', { fill: faint }),
  ];
  const top = 44;
  const rows = map.rows.flatMap((row, position) => {
    const y = top + position * rowHeight;
    return row.kind === 'page' ? pageRow(row, y) : gapRow(row, y);
  });
  return {
    height: top + map.rows.length * rowHeight + 10,
    elements: [...elements, ...rows, ...largePages(map, top)],
  };
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

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
