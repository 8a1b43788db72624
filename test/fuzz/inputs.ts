/** Texts for parsers: hostile pieces, sound documents, and sound documents with something changed. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { escapeXml } from '../../src/render/xml.ts';

/** What breaks quoting, escaping, terminals, prototypes, numbers and parsers. */
export const hostilePieces: readonly string[] = [
  ...',|,,|=|:|;|\'|"|`|$(id)|\\|\\\\|\n|\r|\r\n|\t|\0|]]>|<![CDATA[|<!--|-->|<?|?>|&|&amp;|&#0;|&#xd800;|&nobody;'.split(
    '|',
  ),
  '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
  '<!ENTITY a "&b;&b;">',
  '{"__proto__":{"polluted":true}}',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'unknown',
  '\u001b[2J\u001b]0;title\u0007',
  '\u009b31m',
  '\u202e',
  '\u2028',
  '\ufeff',
  '\ud800',
  '\udfff',
  '\ufffe',
  '9007199254740993',
  '0x20000000000001',
  '18446744073709551616',
  '-1',
  '1e999',
  'NaN',
  '&a *a',
  '*a',
  '!!js/function x',
  '? ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  '/',
  '../../etc/passwd',
  '/dev/vhost-vdpa-0',
  ',server=on',
  ',id=other',
  '-device',
  '-netdev',
  'virtio-net-pci',
  '%s%n',
];

export const piece: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...hostilePieces) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
);

/** Without lone surrogates: as it comes out of UTF-8. */
export function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** A value that a person or an attacker writes. */
export const value: fc.Arbitrary<string> = fc.array(piece, { maxLength: 5 }).map((parts) => parts.join(''));

const noise: fc.Arbitrary<string> = fc.array(piece, { maxLength: 30 }).map((parts) => parts.join(''));

interface Change {
  readonly at: number;
  readonly cut: number;
  readonly put: string;
  readonly twice: boolean;
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.integer({ min: 0, max: 40 }),
  put: fc.oneof(fc.constant(''), piece),
  twice: fc.boolean(),
});

function changed(text: string, changes: readonly Change[]): string {
  let result = text;
  for (const { at, cut, put, twice } of changes) {
    const start = Math.floor(at * result.length);
    const removed = result.slice(start, start + cut);
    result = `${result.slice(0, start)}${put}${twice ? removed + removed : ''}${result.slice(start + cut)}`;
  }
  return result.slice(0, 200_000);
}

/** How a leaf of a text is found, and written: the text stays well-formed, so that what is behind the parser runs too. */
export interface Leaves {
  readonly pattern: RegExp;
  readonly write: (value: string) => string;
}

export const xmlLeaves: Leaves = {
  pattern: /(?<==)'[^'<]*'|(?<=>)[^<>\n]+(?=<)/g,
  write: (text) => {
    const held = escapeXml(wellFormed(text));
    return `'${held}'`;
  },
};

export const jsonLeaves: Leaves = {
  pattern: /"[^"\\]*"(?!\s*:)|(?<=[:[,]\s*)-?\d+(?=\s*[,}\]])|true|false|null/g,
  // numbers, lists and objects of the corpus go in as they are
  write: (text) => (/^(?:-?\d+|\[\]|\{\}|null|true)$/.test(text) ? text : JSON.stringify(text)),
};

/** One of some sound texts, with up to four of its leaves replaced by hostile values. */
export function withLeaves(samples: readonly string[], { pattern, write }: Leaves): fc.Arbitrary<string> {
  const replaced = fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), value), {
    minLength: 1,
    maxLength: 4,
  });
  const found = samples.map((text) => ({ text, places: [...text.matchAll(pattern)] }));
  return fc.tuple(fc.constantFrom(...found), replaced).map(([{ text, places }, replacements]) => {
    const chosen = new Map(replacements.map(([at, put]) => [places[Math.floor(at * places.length)], put] as const));
    let [result, end] = ['', 0];
    for (const place of places) {
      const put = chosen.get(place);
      if (put === undefined) continue;
      result += text.slice(end, place.index) + write(put);
      end = place.index + place[0].length;
    }
    return result + text.slice(end);
  });
}

/** One of some sound texts, with up to six things changed; or noise. */
export function around(samples: readonly string[]): fc.Arbitrary<string> {
  const near = fc
    .tuple(fc.constantFrom(...samples), fc.array(change, { minLength: 1, maxLength: 6 }))
    .map(([text, changes]) => changed(text, changes));
  return fc.oneof({ weight: 5, arbitrary: near }, { weight: 2, arbitrary: noise });
}

export const golden = (ending: string): string[] =>
  ['quickstart', 'hostile-paths', 'generic-net', 'no-devices', 'arm-virt'].map((name) =>
    readFileSync(`test/golden/${name}/${ending}`, 'utf8'),
  );
