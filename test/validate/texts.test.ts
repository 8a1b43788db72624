/** What a person and a CI system get to read. */
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { renderSarif } from '../../src/render/validation-sarif.ts';
import { inSeverityColour, plainSeverity, renderValidation } from '../../src/render/validation-text.ts';
import type { Validation } from '../../src/model/generated/validation.ts';
import { validationRules } from '../../src/validate/rules/index.ts';
import { unreadable, validateDocument } from '../../src/validate/validate-document.ts';
import { validationOf } from '../../src/validate/validation.ts';
import { args, domain, l1, nic } from './samples.ts';

const usual = { quiet: false, verbose: false };

async function sample(): Promise<Validation> {
  const lines = args('rx_queue_size=300,mq=on,vectors=10');
  const words = lines.split(/\s+/).filter((word) => word !== '');
  return validationOf([
    await validateDocument(domain(nic({ drv: "<driver page_per_vq='yes'/>", more: "<target dev='a'/>" })), {
      file: 'a b/vm.xml',
    }),
    await validateDocument(lines, { file: '/abs/vm.args' }),
    await validateDocument(JSON.stringify(words), { file: 'words.json' }),
    await validateDocument(JSON.stringify(l1), { file: 'host.json' }),
    await validateDocument('- a\n- b', { file: 'spec\u001b[31m.yaml' }),
    unreadable('gone.yaml', new Error('no such file or directory')),
  ]);
}

describe('text', () => {
  test('one line per finding, its fix, and a line per file', async () => {
    expect(renderValidation(await sample(), plainSeverity, usual)).toMatchInlineSnapshot(`
      "a b/vm.xml:11:1: error: page_per_vq must be on or off, or libvirt refuses it; got "yes" [validate.libvirt-switch]
        fix: page_per_vq='on'
      a b/vm.xml:12:1: warning: there is no host interface that <target> could name [validate.libvirt-no-effect]
      /abs/vm.args:4:1: option 7: error: net0: rx_queue_size must be a power of two from 256 to 1024, or QEMU does not start; got 300 [validate.ring-size]
      words.json: option 7: error: net0: rx_queue_size must be a power of two from 256 to 1024, or QEMU does not start; got 300 [validate.ring-size]
      spec\\x1b[31m.yaml:1:1: error: the document must be a mapping; got a list [spec.schema]
      gone.yaml: error: no such file or directory [validate.unreadable]
      a b/vm.xml: libvirt domain: 1 error, 1 warning
      /abs/vm.args: QEMU command line: 1 error, 1 note
      words.json: QEMU command line: 1 error, 1 note
      host.json: host report: nothing found
      spec\\x1b[31m.yaml: VM spec: 1 error
      gone.yaml: could not be read
      "
    `);
  });

  test('quiet: errors alone; verbose: notes and sources', async () => {
    const quiet = renderValidation(await sample(), plainSeverity, { quiet: true, verbose: false });
    expect(quiet).not.toMatch(/warning|nothing found/);
    const verbose = renderValidation(await sample(), plainSeverity, { quiet: false, verbose: true });
    expect(verbose).toMatch(/^ {2}source: libvirt /m);
    expect(verbose).toMatch(/: info: /);
  });

  test('only the word of the severity has colour, and nothing from outside can have any', async () => {
    const coloured = renderValidation(await sample(), inSeverityColour, usual);
    expect(coloured).toContain('\u001b[31merror\u001b[0m');
    expect(coloured).toContain('spec\\x1b[31m.yaml');
    expect(coloured.replaceAll(/\u001b\[(?:31|33|36)m(?:error|warning|info)\u001b\[0m/g, '')).not.toMatch(/\u001b/);
  });

  test('names of other programs stand before what they say', () => {
    const finding = { code: 'a.b', severity: 'error', file: 'f', path: '/x', message: 'm', by: 'virsh' } as const;
    const whole: Validation = { schemaVersion: 1, kind: 'Validation', files: [], findings: [finding] };
    expect(renderValidation(whole, plainSeverity, usual)).toBe('f: /x: error: virsh: m [a.b]\n');
    expect(renderSarif(whole, [], '1.0.0')).toContain('virsh: m');
  });
});

test('a program that was not asked is named without --verbose', () => {
  const finding = {
    code: 'opinion.not-asked',
    severity: 'info',
    file: 'f',
    path: '',
    message: 'm',
    by: 'virsh',
  } as const;
  const whole: Validation = { schemaVersion: 1, kind: 'Validation', files: [], findings: [finding] };
  expect(renderValidation(whole, plainSeverity, usual)).toBe('f: info: virsh: m [opinion.not-asked]\n');
  expect(renderValidation(whole, plainSeverity, { ...usual, quiet: true })).toBe('');
});

describe('SARIF', () => {
  const shipped = createRequire(import.meta.url)('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json') as object;
  // a draft 4 schema, all keywords of which mean the same in draft 7 but for these two
  const schema = Object.fromEntries(Object.entries(shipped).filter(([key]) => key !== 'id' && key !== '$schema'));
  const check = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(schema);

  test('a file that is named twice is one artifact', async () => {
    const { files, findings, ...rest } = await sample();
    const twice = { ...rest, files: [...files, ...files], findings: [...findings, ...findings] };
    const log = JSON.parse(renderSarif(twice, validationRules, '1.2.3')) as {
      runs: { artifacts: object[]; results: { partialFingerprints: object }[] }[];
    };
    check(log);
    expect(check.errors ?? []).toEqual([]);
    expect(log.runs[0]?.artifacts.length).toBe(files.length);
    expect(log.runs[0]?.results[0]?.partialFingerprints).toEqual({
      'finding/v1': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  test('keeps to the SARIF 2.1.0 schema', async () => {
    for (const validation of [await sample(), validationOf([])]) {
      const log = JSON.parse(renderSarif(validation, validationRules, '1.2.3')) as object;
      check(log);
      expect(check.errors).toBeNull();
    }
    expect(check({ version: '2.1.0' })).toBe(false);
  });

  test('says where, by which rule, and which files could not be read', async () => {
    const log = JSON.parse(renderSarif(await sample(), validationRules, '1.2.3')) as {
      runs: [
        {
          tool: { driver: { rules: { id: string }[] } };
          invocations: [{ executionSuccessful: boolean; toolExecutionNotifications: object[] }];
          artifacts: { location: { uri: string } }[];
          results: {
            ruleId: string;
            ruleIndex: number;
            level: string;
            properties: { option?: number };
            locations: [{ physicalLocation: { artifactLocation: { uri: string }; region?: { startLine: number } } }];
          }[];
        },
      ];
    };
    const [run] = log.runs;
    for (const { ruleId, ruleIndex } of run.results) expect(run.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    expect(run.artifacts.map(({ location }) => location.uri)).toEqual([
      'a%20b/vm.xml',
      'file:///abs/vm.args',
      'words.json',
      'host.json',
      'spec%1B%5B31m.yaml',
      'gone.yaml',
    ]);
    expect(renderSarif(validationOf([unreadable('\ud800', new Error('no'))]), [], '1.0.0')).toContain('"%EF%BF%BD"');
    expect(run.invocations[0]).toMatchObject({
      executionSuccessful: false,
      toolExecutionNotifications: [{ level: 'error' }],
    });
    const ring = run.results.filter(({ ruleId }) => ruleId === 'validate.ring-size');
    expect(ring.map(({ level, properties }) => [level, properties.option])).toEqual([
      ['error', 7],
      ['error', 7],
    ]);
    expect(ring[0]?.locations[0].physicalLocation.region?.startLine).toBe(4);
    expect(ring[1]?.locations[0].physicalLocation.region).toBeUndefined();
    expect(run.results.some(({ level }) => level === 'note')).toBe(true);
  });
});
