import type { PageItem, PageState } from '../doorbell/bar-map.ts';
import { printable } from '../model/fact.ts';
import { clip } from './bar-words.ts';
import { element, type XmlElement } from './xml.ts';

/** Pixels. The text is monospaced, so that what fits can be counted. */
export const width = 1000;
export const margin = 24;
export const lineHeight = 18;
/** of one character at 12 pixels, with a little to spare over DejaVu Sans Mono */
export const character = 7.3;
export const charactersIn = (pixels: number): number => Math.floor(pixels / character);

export const ink = '#1b1b1b';
export const faint = '#5a5a5a';
export const stateColours: Readonly<Record<PageState, { readonly fill: string; readonly strong: string }>> = {
  exclusive: { fill: '#d9f0dc', strong: '#1b7f3b' },
  'own-virtqueues': { fill: '#d8e8fb', strong: '#1f5fae' },
  'other-registers': { fill: '#fbdada', strong: '#b3261e' },
  'beyond-bar': { fill: '#fbdada', strong: '#b3261e' },
  hazard: { fill: '#fbdada', strong: '#b3261e' },
  unsafe: { fill: '#fbdada', strong: '#b3261e' },
  undeclared: { fill: '#fdeec8', strong: '#8a5a00' },
  unverified: { fill: '#e3e6ea', strong: '#4a5560' },
  none: { fill: '#f4f4f4', strong: '#9a9a9a' },
};
export const itemColours: Readonly<Record<PageItem['kind'], string>> = {
  doorbell: '#0b3d91',
  registers: '#e07b00',
  msix: '#7b2d8b',
  bar: '#6b4f2a',
  notify: 'none',
  beyond: '#8c8c8c',
};
/** A piece of the drawing, and how high it is. */
export interface Piece {
  readonly height: number;
  readonly elements: readonly XmlElement[];
}

export function lines(all: readonly string[]): Piece {
  return {
    height: all.length * lineHeight + 10,
    elements: all.map((line, index) => text(margin, 14 + index * lineHeight, line, { room: width - 2 * margin })),
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

export function text(
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

/** Breaks a text between words into lines of at most `length` characters. */
export function wrap(words: string, length: number): string[] {
  const all: string[] = [];
  for (const word of words.split(' ')) {
    const line = all.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= length) all[all.length - 1] = `${line} ${word}`;
    else all.push(word);
  }
  return all;
}
