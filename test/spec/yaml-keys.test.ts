import { parseDocument } from 'yaml';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../src/spec/yaml-document.ts';
import { keyProblemsOf } from '../../src/spec/yaml-keys.ts';

const aliases = (count: number): string => `a: &a 1\nb: [${'*a, '.repeat(count)}]\n`;

describe('aliases', () => {
  test('a thousand are resolved, one more is too many', () => {
    expect(keyProblemsOf(parseDocument(aliases(1000)), 50).tooManyAliases).toBe(false);
    expect(keyProblemsOf(parseDocument(aliases(1001)), 50).tooManyAliases).toBe(true);
  });

  test('a text with too many is refused', () => {
    expect(() => parseYaml(aliases(1001))).toThrow('cannot be read as YAML: too many aliases');
  });
});

describe('keys that come twice', () => {
  test('their offsets, no more than are asked for', () => {
    const text = 'a: 1\nb: {c: 1, c: 2}\na: 2\na: 3\n';
    const document = parseDocument(text, { uniqueKeys: false });
    expect(new Set(keyProblemsOf(document, 50).duplicates)).toEqual(new Set([15, 21, 26]));
    expect(keyProblemsOf(document, 2).duplicates).toHaveLength(2);
  });
});
