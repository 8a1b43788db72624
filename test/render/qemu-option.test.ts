import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderOption, type OptionParts } from '../../src/render/qemu-option.ts';

/**
 * Reads an option as QEMU does (util/qemu-option.c: get_opt_value(), opts_do_parse()): a value ends at a comma that is
 * not doubled, and what comes first without a key is the value of the implied key.
 */
function parseOption(text: string): { first: string; parts: [string, string][] } {
  const items: string[] = [];
  for (let at = 0; at < text.length;) {
    let item = '';
    for (; at < text.length; at++) {
      if (text.charAt(at) !== ',') item += text.charAt(at);
      else if (text.charAt(at + 1) === ',') item += text.charAt(at++);
      else break;
    }
    items.push(item);
    at++;
  }
  let first = '';
  const parts: [string, string][] = [];
  for (const [index, item] of items.entries()) {
    const equals = item.indexOf('=');
    if (index === 0 && equals < 0) first = item;
    else parts.push([item.slice(0, equals), item.slice(equals + 1)]);
  }
  return { first, parts };
}

test.each<[string, OptionParts, string]>([
  ['pc-q35-10.0', {}, 'pc-q35-10.0'],
  ['', {}, ''],
  ['', { guest: 'vm1' }, 'guest=vm1'],
  ['', { a: undefined, b: 1 }, 'b=1'],
  ['socket', { server: true, wait: false }, 'socket,server=on,wait=off'],
  ['x', { romfile: null, bus: 'pci.1' }, 'x,romfile=,bus=pci.1'],
  ['x', { empty: '' }, 'x,empty='],
  ['x', { gone: undefined }, 'x'],
  ['x', { size: 536870912, none: 0 }, 'x,size=536870912,none=0'],
  ['a,b', { path: '/a,b,,c' }, 'a,,b,path=/a,,b,,,,c'],
  ['x', { z: 1, a: 2 }, 'x,z=1,a=2'],
])('%j with %j is %j', (first, parts, text) => expect(renderOption(first, parts)).toBe(text));

describe('what is written is read back', () => {
  const value = fc.string({
    unit: fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(',', ',,', '=', ' ', ',on') },
      { arbitrary: fc.string({ unit: 'grapheme', maxLength: 1 }), weight: 3 },
    ),
  });
  const key = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,12}$/);

  test('any values, with a first value', () => {
    fc.assert(
      fc.property(
        value.filter((first) => first !== '' && !first.includes('=')),
        fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, maxLength: 6 }),
        (first, parts) => {
          const text = renderOption(first, Object.fromEntries(parts));
          expect(parseOption(text)).toEqual({ first, parts });
        },
      ),
    );
  });

  test('any values, without one', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, minLength: 1, maxLength: 6 }),
        (parts) => {
          expect(parseOption(renderOption('', Object.fromEntries(parts)))).toEqual({ first: '', parts });
        },
      ),
    );
  });

  test('a value can add no part of its own', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const { parts } = parseOption(renderOption('driver', { a, b, last: true }));
        expect(parts).toEqual([
          ['a', a],
          ['b', b],
          ['last', 'on'],
        ]);
      }),
    );
  });
});
