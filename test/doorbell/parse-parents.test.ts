import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseParents } from '../../src/doorbell/parse-parents.ts';
import { VdpaQemuError } from '../../src/model/error.ts';

const head = 'schemaVersion: 1\nkind: ParentKnowledge\n';
const row = '  - {driver: newdpa, area: page-per-vq, exclusive: yes, source: "vendor manual, page 7"}\n';

function failure(text: string): { message: string; details: readonly string[] } {
  try {
    parseParents(text, 'own.yaml');
  } catch (error) {
    if (!(error instanceof VdpaQemuError)) throw error;
    expect(error.code).toBe('bad-input');
    return { message: error.message, details: error.details };
  }
  throw new Error('it was taken');
}

describe('parseParents', () => {
  test('YAML and JSON; `yes` is a word in YAML 1.2', () => {
    const wanted = [{ driver: 'newdpa', area: 'page-per-vq', exclusive: 'yes', source: 'vendor manual, page 7' }];
    expect(parseParents(`${head}parents:\n${row}`, 'own.yaml')).toEqual(wanted);
    const json = JSON.stringify({ schemaVersion: 1, kind: 'ParentKnowledge', parents: wanted });
    expect(parseParents(json, 'own.json')).toEqual(wanted);
  });

  test('no rows', () => {
    expect(parseParents(`${head}parents: []\n`, 'own.yaml')).toEqual([]);
  });

  test('every mistake at once, each with its place', () => {
    const text = `${head}parents:\n  - {driver: a/b, exclusive: maybe, sorce: x}\n  - {driver: x, exclusive: yes, source: s, kernels: {from: 6.12}}\n`;
    expect(failure(text)).toEqual({
      message: 'own.yaml: breaches schemas/parent-knowledge.schema.json',
      details: [
        'own.yaml:4:5: parents[0] lacks the key `source`',
        'own.yaml:4:37: parents[0] has an unknown key `sorce`; did you mean `source`?',
        expect.stringMatching(/^own\.yaml:4:14: parents\[0\]\.driver must be valid \(a kernel object's name/) as string,
        'own.yaml:4:30: parents[0].exclusive must be one of "yes", "no", "pci-config", "unknown"; got "maybe"',
        'own.yaml:5:60: parents[1].kernels.from must be a string; got 6.12',
      ],
    });
  });

  test('rows that contradict themselves, each with its place', () => {
    const text = `${head}parents:
  - {driver: a, exclusive: yes, hazard: a reset register, source: s}
  - {driver: b, exclusive: unknown, source: s, hazard: a reset register}
  - {driver: c, exclusive: yes, source: s, kernels: {from: "7.0", before: "6.0"}}
  - {driver: d, exclusive: yes, source: s, kernels: {from: "6.12", before: "6.12"}}
  - {driver: e, exclusive: yes, source: s, kernels: {before: "0.0"}}
`;
    expect(failure(text)).toEqual({
      message: 'own.yaml: rows that contradict themselves',
      details: [
        'own.yaml:4:33: parents[0].hazard says what else is in the page, so parents[0].exclusive must be "no"; got "yes"',
        'own.yaml:5:48: parents[1].hazard says what else is in the page, so parents[1].exclusive must be "no"; got "unknown"',
        'own.yaml:6:44: parents[2].kernels holds no version: from 7.0, before 6.0',
        'own.yaml:7:44: parents[3].kernels holds no version: from 6.12, before 6.12',
        'own.yaml:8:44: parents[4].kernels holds no version: from the first, before 0.0',
      ],
    });
  });

  test('a hazard with `no`, and ranges that hold a version', () => {
    const text = `${head}parents:
  - {driver: a, exclusive: no, hazard: a reset register, source: s}
  - {driver: b, exclusive: yes, source: s, kernels: {from: "6.12", before: "6.12.1"}}
  - {driver: c, exclusive: yes, source: s, kernels: {from: "6.12"}}
  - {driver: d, exclusive: yes, source: s, kernels: {before: "6.0"}}
`;
    expect(parseParents(text, 'own.yaml')).toHaveLength(4);
  });

  test.each<[what: string, text: string, message: RegExp]>([
    ['no YAML', 'a: [', /^own\.yaml:1:\d+: /],
    ['two documents', `${head}parents: []\n---\n${head}parents: []\n`, /^own\.yaml:4:1: More than one YAML document$/],
    ['nested too deeply', '['.repeat(50_000), /^own\.yaml: cannot be read as YAML: /],
    ['an alias without an end', `${head}parents: &a [*a]\n`, /^own\.yaml: cannot be read as YAML: /],
    ['too large', ' '.repeat(2 ** 20 + 1), /^own\.yaml: larger than 1048576 bytes/],
    ['nothing', '', /^own\.yaml: breaches /],
    [
      "rows on kernels are not the operator's",
      `${head}parents: []\nkernels: []\n`,
      /^own\.yaml:4:1: kernels cannot be given: /,
    ],
  ])('%s', (_, text, message) => {
    expect(failure(text).message).toMatch(message);
  });

  test('of very many mistakes the first hundred, in bounded time', () => {
    const start = process.cpuUsage();
    const { details } = failure(`${head}parents:\n${'- {driver: 1}\n'.repeat(5000)}`);
    const { user, system } = process.cpuUsage(start);
    expect(details).toHaveLength(101);
    expect(details.at(-1)).toMatch(/: \d+ more things are wrong$/);
    expect((user + system) / 1000).toBeLessThan(2000);
  });

  test('control characters do not come through', () => {
    const text = JSON.stringify({ schemaVersion: 1, kind: 'ParentKnowledge', parents: [{ driver: 'a\u001b[2J' }] });
    const { message, details } = failure(text);
    expect([message, ...details].join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  test('the example that is shipped', () => {
    const text = readFileSync('docs/parents-example.yaml', 'utf8');
    expect(parseParents(text, 'docs/parents-example.yaml').length).toBeGreaterThan(0);
  });
});
