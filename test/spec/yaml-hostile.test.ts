/** YAML of an attacker, up to 1 MiB: an answer within a second, few findings, and no parser that runs out of stack. */
import { describe, expect, test } from 'vitest';
import { VdpaQemuError } from '../../src/model/error.ts';
import { parseReports } from '../../src/report/parse-reports.ts';
import { loadSpec } from '../../src/spec/load.ts';
import { applySettings } from '../../src/spec/template.ts';
import { parseYaml } from '../../src/spec/yaml-document.ts';

const full = (text: string): string => text.repeat(Math.floor((1 << 20) / text.length));
const many = (count: number, of: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => of(index)).join('');
/** Each of 60 lists in lists around an alias of the one before. */
const chain = many(900, (n) => `a${n}: &a${n} ${'['.repeat(60)}${n > 0 ? `*a${n - 1}` : '1'}${']'.repeat(60)}\n`);

const faulty: readonly (readonly [string, string])[] = [
  ['directives', full('%x\n')],
  ['lines {}', full('{}\n')],
  ['closing brackets', full(']')],
  ['escapes', `"${full('\\q').slice(2)}"`],
  ['list entries without commas', `[${full('{}').slice(2)}]`],
  ['unknown tags', '- !t x\n'.repeat(20_000)],
  ['binary', `name: !!binary ${'A'.repeat(750_000)}\n`],
  ['one key', 'a: 1\n'.repeat(10_000)],
];
const refused: readonly (readonly [string, string])[] = [
  ['tags', full('!a ')],
  ['brackets', full('[')],
  ['block lists', full('- ')],
  ['blank lines', full('\n')],
  ['lists as keys', full('? - a\n')],
  ['aliases that nest deeper than anything written', chain],
];
const other: readonly (readonly [string, string])[] = [
  ['documents', full('---\na\n')],
  ['ends of documents', full('...\n')],
  ['one long key', `${'a'.repeat((1 << 20) - 3)}: `],
  ['one long number', '1'.repeat(1 << 20)],
  ['unknown keys', many(30_000, (n) => `k${n}: 1\n`)],
  ['unknown keys of devices', `interfaces:\n${many(28, (n) => `- id: n${n}\n${many(500, (k) => `  k${k}: 1\n`)}`)}`],
  ['many devices', `interfaces: [${'{},'.repeat(20_000)}]`],
  ['a list in a list, 31 times', `a: &a [${'{},'.repeat(20_000)}]\nb: [${'*a,'.repeat(31)}]`],
  [
    'hosts that devices do not name',
    `name: a\nmachine: pc-q35-10.0\nmemory: 1GiB\ninterfaces: [${many(28, (n) => `{id: n${n}, vdpa: {z${n}: v${n}}},`)}]\nmigration: {hosts: [${many(10_000, (n) => `h${n},`)}]}`,
  ],
  ['hosts', `migration: {hosts: [${many(4000, (n) => `h${n},`)}]}`],
];

/** Milliseconds of this process, and what came out: others may use the machine as well. */
async function timed<T>(work: () => T | Promise<T>): Promise<T | VdpaQemuError> {
  const start = process.cpuUsage();
  let said: T | VdpaQemuError;
  try {
    said = await work();
  } catch (thrown) {
    if (!(thrown instanceof VdpaQemuError)) throw thrown;
    said = thrown;
  }
  const { user, system } = process.cpuUsage(start);
  // a machine that does nothing else takes a third; coverage and neighbours take the rest
  expect((user + system) / 1000).toBeLessThan(3000);
  return said;
}

describe('YAML that takes time', () => {
  test.each(faulty)('full of faults: %s', async (_, text) => {
    const said = await timed(() => loadSpec(text, 'vm.yaml'));
    if (said instanceof VdpaQemuError) throw said;
    expect(said.findings.length).toBeGreaterThan(0);
    expect(said.findings.length).toBeLessThanOrEqual(51);
    expect(new Set(said.findings.map(({ code }) => code))).toEqual(new Set(['spec.syntax']));
    expect(await timed(() => parseReports(text, 'host'))).toBeInstanceOf(VdpaQemuError);
    expect(await timed(() => applySettings(text, ['name=a']))).toBe(text);
  });

  test.each(refused)('refused as a whole: %s', async (_, text) => {
    for (const read of [() => loadSpec(text, 'f'), () => parseReports(text, 'f')]) {
      const said = await timed<unknown>(read);
      expect(said).toMatchObject({
        code: 'bad-input',
        message: expect.stringMatching(
          /^f: cannot be read as YAML: (more than \d+ tokens|nested too deeply|Excessive)/,
        ) as string,
      });
    }
    expect(await timed(() => applySettings(text, ['name=a']))).toBe(text);
  });

  test.each(other)('no spec, and no report: %s', async (_, text) => {
    const said = await timed(() => loadSpec(text, 'vm.yaml'));
    if (!(said instanceof VdpaQemuError)) expect(said.findings.length).toBeLessThanOrEqual(101);
    expect(await timed(() => parseReports(text, 'host'))).toBeInstanceOf(VdpaQemuError);
    await timed(() => applySettings(text, ['schemaVersion=1']));
  });
});

describe('bounds', () => {
  test('after 50 faults no more are looked for, and that is said', () => {
    const problems = parseYaml(']'.repeat(60));
    expect(problems).toHaveLength(51);
    expect(problems).toMatchObject({
      49: { line: 1, column: 50 },
      50: { line: 1, column: 50, message: '50 errors are enough: more are not looked for' },
    });
    expect(parseYaml(']'.repeat(49))).toHaveLength(49);
    expect(parseYaml('a: 1\n'.repeat(61))).toHaveLength(51);
  });

  test('64 levels are read, more are not', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{a: ', '}'],
    ] as const) {
      expect(parseYaml(`${open.repeat(62)}1${close.repeat(62)}`)).toHaveProperty('data');
      expect(() => parseYaml(`${open.repeat(66)}1${close.repeat(66)}`)).toThrow('nested too deeply');
    }
    expect(() => parseYaml('- '.repeat(66))).toThrow('nested too deeply');
  });
});
