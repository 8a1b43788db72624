import { describe, expect, test } from 'vitest';
import { VdpaQemuError } from '../../src/model/error.ts';
import { maxYamlBytes, parseYaml, parseYamlStream, type YamlDocument } from '../../src/spec/yaml-document.ts';

function document(text: string): YamlDocument {
  const parsed = parseYaml(text);
  if (!('data' in parsed)) throw new Error(`no YAML: ${JSON.stringify(parsed)}`);
  return parsed;
}

describe('parseYaml', () => {
  test('YAML 1.2: no, on and 0777 are what they look like', () => {
    expect(document('[no, on, off, yes, true, 0777, 0o17, 0x10, ~, 1_000, 12:30:45]').data).toEqual([
      'no',
      'on',
      'off',
      'yes',
      true,
      777,
      15,
      16,
      null,
      '1_000',
      '12:30:45',
    ]);
  });

  test('<< is a key like any other', () => {
    expect(document('a: &a {x: 1}\nb: {<<: *a}').data).toEqual({ a: { x: 1 }, b: { '<<': { x: 1 } } });
  });

  test('a key that is a list does not make node print a warning', () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listen);
    expect(document('? [a, b]\n: c').data).toEqual({ '[ a, b ]': 'c' });
    expect([...parseYamlStream('? [a, b]\n: c', 'stream')]).toEqual([{ '[ a, b ]': 'c' }]);
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      process.off('warning', listen);
      expect(warnings).toEqual([]);
    });
  });

  test('exactly 1 MiB is read', () => {
    const text = `a: ${'x'.repeat(maxYamlBytes - 3)}`;
    expect(text).toHaveLength(maxYamlBytes);
    expect(document(text).data).toEqual({ a: 'x'.repeat(maxYamlBytes - 3) });
    expect(() => parseYaml(`${text} `)).toThrow('larger than 1048576 bytes (1048577)');
  });
});

describe('locate', () => {
  const { locate } = document(`# first line
interfaces:
  - id: net0
    vdpa: {hostA: vp0}
  - {id: net1, "odd/key~": 1}
1: number
`);
  test.each<[pointer: string, key: string | undefined, line: number, column: number]>([
    ['', undefined, 2, 1],
    ['/interfaces', undefined, 3, 3],
    ['/interfaces/0', undefined, 3, 5],
    ['/interfaces/0/id', undefined, 3, 9],
    ['/interfaces/0/vdpa/hostA', undefined, 4, 19],
    ['/interfaces/0/vdpa', 'hostA', 4, 12],
    ['/interfaces/1/odd~1key~0', undefined, 5, 28],
    ['', 'interfaces', 2, 1],
    // what is not there is at the nearest that is
    ['/interfaces/1/missing/deep', undefined, 5, 5],
    ['/interfaces/7', undefined, 3, 3],
    ['/nothing', undefined, 2, 1],
    ['/interfaces/1', 'missing', 5, 5],
    ['/interfaces', 'missing', 3, 3],
    ['/interfaces/0/id', 'missing', 3, 9],
    ['/missing', 'key', 2, 1],
  ])('%s %s', (pointer, key, line, column) => {
    expect(locate(pointer, key)).toEqual({ line, column });
  });

  test('in an empty text', () => {
    expect(document('').locate('/a')).toEqual({ line: 1, column: 1 });
    expect(document('# only a comment\n').locate('')).toMatchObject({ column: 1 });
  });
});

describe('parseYamlStream', () => {
  test.each<[text: string, documents: unknown[]]>([
    ['', []],
    ['# comment\n', []],
    ['a: 1', [{ a: 1 }]],
    ['a: 1\n---\nb: 2\n...\n', [{ a: 1 }, { b: 2 }]],
    ['---\n', [null]],
    ['{"a": 1}', [{ a: 1 }]],
  ])('%j', (text, documents) => {
    expect([...parseYamlStream(text, 'stream')]).toEqual(documents);
  });

  test.each<[what: string, text: string, message: string]>([
    ['a duplicate key in the second', 'a: 1\n---\nb: 1\nb: 2\n', '4:1: Map keys must be unique'],
    ['nesting', '['.repeat(100_000), 'cannot be read as YAML: nested too deeply'],
    ['an alias inside of itself', '&a [*a]', 'cannot be read as YAML: an alias stands inside of what it names'],
    [
      'many aliases',
      `a: &a [x]\nb: [${'*a,'.repeat(40)}]`,
      'cannot be read as YAML: Excessive alias count indicates a resource exhaustion attack',
    ],
  ])('%s', (_, text, message) => {
    const read = (): unknown[] => [...parseYamlStream(text, 'stream')];
    expect(read).toThrow(VdpaQemuError);
    expect(read).toThrow(expect.objectContaining({ code: 'bad-input', message: `stream: ${message}` }) as Error);
  });
});

describe('YAML 1.2 and nothing else', () => {
  test.each(['%YAML 1.1\n---\na: yes\n', '%YAML 1.3\n---\na: 1\n', '%YAML  1.1 # old\n---\na: 1\n'])('%j', (text) => {
    expect(parseYaml(text)).toMatchObject([
      { line: 1, column: 1, message: expect.stringMatching(/^YAML 1\.2 is read here; got /) as string },
    ]);
  });

  test.each(['%YAML 1.2\n---\na: yes\n', '%YAML 1.2 # this\n---\na: yes\n'])('%j', (text) => {
    expect(parseYaml(text)).toMatchObject({ data: { a: 'yes' } });
  });

  test.each(['!!binary AAAA', '!!timestamp 2001-01-01', '!!set {a}', '!!omap [a: 1]'])(
    'no tags besides: %s',
    (value) => {
      expect(parseYaml(`a: ${value}\n`)).toMatchObject([
        { message: expect.stringMatching(/Unresolved tag/) as string },
      ]);
    },
  );

  test('a stream, too', () => {
    expect(() => [...parseYamlStream('%YAML 1.1\n---\na: yes\n', 'f')]).toThrow(/f: 1:1: YAML 1\.2 is read here/);
    expect(() => [...parseYamlStream('a: !!binary AAAA\n', 'f')]).not.toThrow();
  });
});
