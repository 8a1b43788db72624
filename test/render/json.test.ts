import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderJson } from '../../src/render/json.ts';

test.each([
  [
    { b: 1, a: [{ d: null, c: true }] },
    '{\n  "a": [\n    {\n      "c": true,\n      "d": null\n    }\n  ],\n  "b": 1\n}\n',
  ],
  [{ Z: 1, a: 2, é: 3, A: 4 }, '{\n  "A": 4,\n  "Z": 1,\n  "a": 2,\n  "é": 3\n}\n'],
  [{ gone: undefined }, '{}\n'],
  [[], '[]\n'],
  [null, 'null\n'],
  ['a\n', '"a\\n"\n'],
  ['\t\u009b\u202e\u{e0041}😀', '"\\t\\u009b\\u202e\\udb40\\udc41😀"\n'],
  [[3, 1, 2], '[\n  3,\n  1,\n  2\n]\n'],
])('%j', (value, text) => expect(renderJson(value)).toBe(text));

/** Keys of every object in the text, in the order in which they stand there. */
function keysIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.values(value).flatMap(keysIn);
  return Array.isArray(value) ? below : [Object.keys(value), ...below];
}

/** The same value with every object's keys put in the other order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, entry]) => [key, reversed(entry)]),
  );
}

describe('any value', () => {
  // keys like 1 stand first in every JavaScript object, whatever was done
  const key = fc.string({ unit: 'grapheme', maxLength: 4 }).filter((name) => !/^\d+$/.test(name));
  const json = fc.jsonValue({ stringUnit: 'grapheme' });
  const value = fc.oneof(
    json,
    fc.dictionary(key, fc.oneof(json, fc.dictionary(key, json, { noNullPrototype: true })), { noNullPrototype: true }),
  );

  test('is read back, whole', () => {
    fc.assert(
      fc.property(value, (input) => {
        const text = renderJson(input);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(input)));
        expect(text).toMatch(/[^\n]\n$/);
      }),
    );
  });

  test('gives the same bytes, however its keys were ordered, and when written again', () => {
    fc.assert(
      fc.property(value, (input) => {
        const text = renderJson(input);
        expect(renderJson(reversed(input))).toBe(text);
        expect(renderJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  test('has its keys sorted by code unit', () => {
    fc.assert(
      fc.property(fc.dictionary(key, fc.dictionary(key, fc.integer())), (input) => {
        for (const keys of keysIn(JSON.parse(renderJson(input)))) {
          const names = keys.filter((name) => !/^\d+$/.test(name));
          expect(names).toEqual([...names].sort());
        }
      }),
    );
  });
});
