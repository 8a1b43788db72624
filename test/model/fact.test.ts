import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isKnown, isUnknown, knownOr, printable, unknown, type Fact } from '../../src/model/fact.ts';
import { reportWith, device } from '../report-builder.ts';

describe('known and unknown', () => {
  test.each<[what: string, fact: unknown, known: boolean]>([
    ['a number', 0, true],
    ['false', false, true],
    ['null', null, true],
    ['a mapping', { value: 1 }, true],
    ['a text', 'unknown', true],
    ['a list', [], true],
    ['why it is not known', { unknown: 'EBUSY', detail: 'in use' }, false],
  ])('%s', (_, fact, known) => {
    expect(isKnown(fact)).toBe(known);
    expect(isUnknown(fact)).toBe(!known);
  });

  test('knownOr', () => {
    const size: Fact<number> = unknown('EIO', 'x');
    expect(knownOr(4096, 0)).toBe(4096);
    expect(knownOr(size, 0)).toBe(0);
    expect(knownOr<boolean, string>(false, 'fallback')).toBe(false);
  });
});

describe('unknown', () => {
  test('is a fact that a report takes, whatever was in the text', () => {
    const fact = unknown('EIO', `a\u001b[31m\n${'x'.repeat(5000)}\u0085`);
    expect(fact.detail).toHaveLength(2000);
    expect(fact.detail.startsWith('a\\x1b[31m\\x0axxx')).toBe(true);
    // reportWith throws where the schema is breached
    expect(reportWith(device('vp0', { open: fact })).devices[2]?.open).toEqual(fact);
  });
});

describe('printable', () => {
  test.each([
    ['plain text: äöü 漢字 😀', 'plain text: äöü 漢字 😀'],
    ['\u0000\u0007\t\r\n\u001b', '\\x00\\x07\\x09\\x0d\\x0a\\x1b'],
    ['\u007f\u0080\u009b\u009f\u00a0', '\\x7f\\x80\\x9b\\x9f\u00a0'],
    ['a\u202ecba\u2066\u2069\u061c', 'a\\u{202e}cba\\u{2066}\\u{2069}\\u{61c}'],
    ['\u2028\u2029\u200b\u200f\ufeff\u{e0041}', '\\u{2028}\\u{2029}\\u{200b}\\u{200f}\\u{feff}\\u{e0041}'],
  ])('%j', (text, wanted) => {
    expect(printable(text)).toBe(wanted);
  });

  test('leaves no control character, and no invisible one, in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(
          /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u,
        );
      }),
    );
  });
});
