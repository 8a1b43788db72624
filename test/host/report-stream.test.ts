import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { streamDocuments } from '../../src/host/report-stream.ts';
import { temporaryDirectory } from './fixtures.ts';

function documentsIn(text: string | Buffer, max = 1 << 20): [string, string, boolean][] {
  const file = path.join(temporaryDirectory(), 'r.json');
  writeFileSync(file, text);
  return [...read(file, max)];
}

function* read(file: string, max: number): Generator<[string, string, boolean]> {
  for (const { bytes, label, json } of streamDocuments(file, max)) yield [bytes.toString(), path.basename(label), json];
}

describe('layouts', () => {
  test('NDJSON, with blank lines, CRLF and no newline at the end', () => {
    expect(documentsIn('\n{"a":1}\r\n\n  {"a":2}\n{"a":3}')).toEqual([
      ['{"a":1}\r', 'r.json:2', true],
      ['  {"a":2}', 'r.json:4', true],
      ['{"a":3}', 'r.json:5', true],
    ]);
  });

  test('indented documents, one after the other', () => {
    const document = JSON.stringify({ a: { b: [1] } }, null, 2);
    const found = documentsIn(`${document}\n${document}\n`);
    expect(found.map(([text]) => JSON.parse(text) as unknown)).toEqual([{ a: { b: [1] } }, { a: { b: [1] } }]);
    expect(found.map(([, label]) => label)).toEqual(['r.json', 'r.json:8']);
  });

  test('JSON in another layout, and YAML, come whole', () => {
    const flat = '{\n"a": {\n"b": 1\n}\n}\n';
    expect(documentsIn(flat)).toEqual([[flat, 'r.json', false]]);
    expect(documentsIn('kind: HostReport\n---\nkind: HostReport\n')).toEqual([
      ['kind: HostReport\n---\nkind: HostReport\n', 'r.json', false],
    ]);
    expect(documentsIn('{"a": {}\n}\n')).toEqual([['{"a": {}\n}\n', 'r.json', false]]);
  });

  test('nothing in an empty file', () => {
    expect(documentsIn('')).toEqual([]);
    expect(documentsIn('\n \n')).toEqual([]);
  });

  test('lines longer than what is read at once', () => {
    const long = JSON.stringify({ a: 'x'.repeat(700_000) });
    expect(documentsIn(`${long}\n{}\n${long}\n`).map(([text]) => text.length)).toEqual([long.length, 2, long.length]);
  });
});

describe('bounds', () => {
  test.each([
    ['a line', `{"a":1}\n{"a":"${'x'.repeat(2_000_000)}"}\n`],
    ['a line without an end', 'x'.repeat(2_000_000)],
    ['an indented document', `{\n${'  "a": 1,\n'.repeat(300_000)}`],
  ])('%s that is too long', (_, text) => {
    expect(() => documentsIn(text)).toThrow(/r\.json:\d+: a document of more than 1048576 bytes/);
  });

  test('a file that is not there, and a directory', () => {
    const directory = temporaryDirectory();
    expect(() => [...read(path.join(directory, 'none'), 1)]).toThrow('no such file or directory');
    expect(() => [...read(directory, 1)]).toThrow('is a directory');
  });
});
