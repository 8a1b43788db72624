import { afterEach, describe, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { VdpaQemuError } from '../../src/model/error.ts';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import validate from '../../src/model/generated/host-report.validate.js';
import { checkReport, parseReports, reportSchemaVersion } from '../../src/report/parse-reports.ts';
import { named, reportWith } from '../report-builder.ts';

const l1 = reportWith();
const l2 = reportWith(named('l2'));

afterEach(() => void vi.restoreAllMocks());

/** What parseReports throws on a text. */
async function refusalOf(text: string, file = 'host.json'): Promise<VdpaQemuError> {
  const thrown: unknown = await parseReports(text, file).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof VdpaQemuError)) throw new Error(`not refused as bad input: ${String(thrown)}`);
  expect(thrown.code).toBe('bad-input');
  return thrown;
}

/** The captured report with keys put over it that no type allows. */
const altered = (changes: Record<string, unknown>): unknown => ({ ...structuredClone(l1), ...changes });

describe('what is read', () => {
  test.each<[what: string, text: string, reports: HostReport[]]>([
    ['one JSON document on one line', JSON.stringify(l1), [l1]],
    ['one JSON document on many lines', JSON.stringify(l1, null, 2), [l1]],
    ['with space around it', `\n  \t${JSON.stringify(l1)}\n\n`, [l1]],
    ['with CRLF', JSON.stringify(l1, null, 2).replaceAll('\n', '\r\n'), [l1]],
    ['NDJSON', `${JSON.stringify(l1)}\n${JSON.stringify(l2)}\n`, [l1, l2]],
    ['NDJSON with blank lines and CRLF', `${JSON.stringify(l2)}\r\n\r\n \n${JSON.stringify(l1)}`, [l2, l1]],
    ['YAML', stringify(l1), [l1]],
    ['a YAML stream', `---\n${stringify(l1)}---\n${stringify(l2)}`, [l1, l2]],
    ['JSON as a YAML stream', `---\n${JSON.stringify(l1)}\n---\n${JSON.stringify(l2)}\n`, [l1, l2]],
    ['YAML after a comment', `# made on l1\n${stringify(l1)}`, [l1]],
  ])('%s', async (_, text, reports) => {
    expect(await parseReports(text, 'hosts')).toEqual(reports);
  });

  test('a report that names its host twice is left to the planner', async () => {
    expect(await parseReports(`${JSON.stringify(l1)}\n${JSON.stringify(l1)}`, 'hosts')).toHaveLength(2);
  });

  test.each(['a,b', "it's", '"; rm -rf /', '../../etc/passwd', '<&>', '\u2028', '日本', '__proto__', 'x'.repeat(200)])(
    'a host called %j keeps its name',
    async (name) => {
      const report = structuredClone(l1);
      report.host.name = name;
      for (const text of [JSON.stringify(report), stringify(report)]) {
        if (validate(report)) expect((await parseReports(text, 'host'))[0]?.host.name).toBe(name);
        else expect((await refusalOf(text)).message).toContain('host.name');
      }
    },
  );
});

describe('what is refused', () => {
  test.each<[what: string, text: string, message: string]>([
    ['nothing', '', 'host.json: is empty: no host report in it'],
    ['only space', ' \n\t\n', 'host.json: is empty: no host report in it'],
    ['only a comment', '# nothing yet\n', 'host.json: is empty: no host report in it'],
    ['null', 'null', 'host.json: is no host report: it must be a mapping'],
    ['a number', '42', 'host.json: is no host report: it must be a mapping'],
    ['a plain text', 'hello there\n', 'host.json: is no host report: it must be a mapping'],
    ['a list of reports', `[${JSON.stringify(l1)}]`, 'host.json: is no host report: it must be a mapping'],
    ['an empty mapping', '{}', 'host.json: is no host report: its kind is missing, not "HostReport"'],
    ['a mapping in YAML', 'name: web1\n', 'host.json: is no host report: its kind is missing, not "HostReport"'],
    ['another kind', '{"kind":"VmPlan"}', 'host.json: is no host report: its kind is "VmPlan", not "HostReport"'],
    ['a kind that is no text', '{"kind":[1]}', 'host.json: is no host report: its kind is a list, not "HostReport"'],
    [
      'a kind that is a mapping',
      '{"kind":{}}',
      'host.json: is no host report: its kind is a mapping, not "HostReport"',
    ],
    ['a document that ends early', '{"kind":', 'host.json: is not JSON: Unexpected end of JSON input'],
    ['a YAML stream of nothing', '---\n---\n', 'host.json (document 1): is no host report: it must be a mapping'],
    [
      'a flow sequence that ends early',
      'a: 1\n---\nb: [\n',
      'host.json: 4:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [
      'an alias in what it names',
      'a: &a [*a]\n',
      'host.json: cannot be read as YAML: an alias stands inside of what it names',
    ],
    ['an alias of nothing', 'a: *b\n', 'host.json: cannot be read as YAML: Unresolved alias'],
    ['nesting in YAML', '['.repeat(100_000), 'host.json: cannot be read as YAML: nested too deeply'],
    ['nesting in JSON', '{"a":'.repeat(100_000), 'host.json: is not JSON: Unexpected end of JSON input'],
  ])('%s', async (_, text, message) => {
    expect((await refusalOf(text)).message.replace(/^(.*Unresolved alias).*$/s, '$1')).toBe(message);
  });

  test('a whole document nested 100,000 deep is judged by its top', async () => {
    const text = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
    expect((await refusalOf(text)).message).toBe('host.json: is no host report: its kind is missing, not "HostReport"');
  });

  test('a kind nested 200,000 deep', async () => {
    const text = `{"kind": ${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect((await refusalOf(text)).message).toBe('host.json: is no host report: its kind is a list, not "HostReport"');
  });

  test('an alias bomb', async () => {
    const lines = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (const [index, name] of 'bcdefghi'.split('').entries()) {
      const before = 'abcdefghi'[index]!;
      lines.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(',')}]`);
    }
    const started = performance.now();
    expect((await refusalOf(lines.join('\n'))).message).toBe(
      'host.json: cannot be read as YAML: Excessive alias count indicates a resource exhaustion attack',
    );
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('a JSON parser without stack says that, not what broke in it', async () => {
    vi.spyOn(JSON, 'parse').mockImplementation(() => {
      throw new RangeError('Maximum call stack size exceeded');
    });
    expect((await refusalOf('{"a":1}')).message).toBe('host.json: is not JSON: nested too deeply');
  });

  test('one broken document on many lines speaks of the whole', async () => {
    const text = JSON.stringify(l1, null, 2).replace('"devices"', 'devices');
    const { message } = await refusalOf(text);
    expect(message).toMatch(/^host\.json: is not JSON: Expected property name or '}' in JSON at position 4/);
    expect(message).not.toContain('\n');
  });

  test('broken NDJSON speaks of the line that is broken', async () => {
    const { message } = await refusalOf(`${JSON.stringify(l1)}\n{"kind":}\n`);
    expect(message).toMatch(/^host\.json: line 2: is not JSON: Unexpected token/);
    expect(message).toContain('"{"kind":}"');
  });

  test.each([
    [`${JSON.stringify(l1)}\n{}\n`, 'host.json (document 2)'],
    [`{}\n${JSON.stringify(l1)}\n`, 'host.json (document 1)'],
    [`${stringify(l1)}---\nkind: x\n`, 'host.json (document 2)'],
  ])('among several documents the message counts: case %#', async (text, label) => {
    expect((await refusalOf(text)).message).toMatch(
      new RegExp(`^${label.replace(/[().]/g, '\\$&')}: is no host report`),
    );
  });
});

describe('the version', () => {
  test.each([JSON.stringify, stringify])('a newer one asks to update: %#', async (write) => {
    expect((await refusalOf(write(altered({ schemaVersion: 2 })))).message).toBe(
      'host.json: schemaVersion 2 is newer than this vdpa-qemu reads (1): update vdpa-qemu',
    );
  });

  test('a newer one is told also where nothing else fits', async () => {
    expect((await refusalOf('{"kind":"HostReport","schemaVersion":17}')).message).toBe(
      'host.json: schemaVersion 17 is newer than this vdpa-qemu reads (1): update vdpa-qemu',
    );
  });

  test.each([0, -1, '2', null, 1.5 - 1])('%j is wrong, not newer', async (schemaVersion) => {
    const { message } = await refusalOf(JSON.stringify(altered({ schemaVersion })));
    expect(message).toBe('host.json: schemaVersion must be equal to constant, says schemas/host-report.schema.json');
  });

  test('the one that is read is the one that is written', () => {
    expect(l1.schemaVersion).toBe(reportSchemaVersion);
  });
});

describe('breaches of the schema', () => {
  test.each<[what: string, document: unknown, message: string]>([
    ['an unknown key', altered({ colour: 1 }), 'the report must NOT have additional properties ("colour")'],
    ['a wrong type', altered({ host: { ...l1.host, name: 5 } }), 'host.name must be string'],
    ['a key is missing', altered({ host: undefined }), "the report must have required property 'host'"],
    ['a list is none', altered({ devices: {} }), 'devices must be array'],
    ['an entry is none', altered({ devices: [7] }), 'devices[0] must be object'],
  ])('%s', async (_, document, message) => {
    expect((await refusalOf(JSON.stringify(document))).message).toBe(
      `host.json: ${message}, says schemas/host-report.schema.json`,
    );
  });

  test.each(['\u001b[31mred', 'a\nb', '\u009b2J', '"quoted"', 'x'.repeat(5000)])(
    'the key %j can neither steer a terminal nor flood it',
    async (key) => {
      const { message } = await refusalOf(JSON.stringify(altered({ [key]: 1 })));
      expect(message).toMatch(/^host\.json: the report must NOT have additional properties \(/);
      expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      expect(message.length).toBeLessThan(250);
    },
  );

  test('a kind that would steer a terminal is shown, cut', async () => {
    const { message } = await refusalOf(JSON.stringify({ kind: `\u001b[2J\u009b${'x'.repeat(1000)}` }));
    expect(message).toMatch(/its kind is "\\u001b\[2J\\x9bx+, not "HostReport"$/);
    expect(message.length).toBeLessThan(200);
  });

  test('a parser message is made printable', async () => {
    const { message } = await refusalOf('{"a":\u001b}');
    expect(message).toMatch(/^host\.json: is not JSON: /);
    expect(message).not.toContain('\u001b');
  });

  test('a key called __proto__ changes nothing and is refused', async () => {
    const text = JSON.stringify(l1).replace('{', '{"__proto__":{"polluted":1},');
    expect((await refusalOf(text)).message).toContain('("__proto__")');
    expect('polluted' in {}).toBe(false);
  });
});

describe('checkReport', () => {
  test('gives what it was given', () => {
    expect(checkReport(l1, 'x')).toBe(l1);
  });

  test.each([undefined, null, true, 'text', 3, []])('%j is no mapping', (document) => {
    expect(() => checkReport(document, 'x')).toThrow(
      new VdpaQemuError('bad-input', 'x: is no host report: it must be a mapping'),
    );
  });
});
