import { bytesInWords, stateWords } from './bar-words.ts';
import { faint, ink, itemColours, margin, stateColours, text, width, type Piece } from './bar-svg-style.ts';
import { element } from './xml.ts';

export function legend(): Piece {
  const samples: readonly (readonly [string, string, string])[] = [
    [itemColours.doorbell, ink, 'doorbell'],
    [itemColours.registers, ink, 'other registers'],
    [itemColours.msix, ink, 'MSI-X table or pending bits'],
    [itemColours.bar, ink, 'another BAR'],
    [itemColours.beyond, ink, 'not in the BAR'],
    ...(['exclusive', 'own-virtqueues', 'other-registers', 'undeclared', 'unverified', 'none'] as const).map(
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
