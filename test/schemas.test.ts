/** The schemas are sound, what is generated from them is current, and everything that is shipped keeps to them. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { assessHost } from '../src/doorbell/assess.ts';
import type { HostReport } from '../src/model/generated/host-report.ts';
import { planVm } from '../src/plan/plan-vm.ts';
import { loadSpec } from '../src/spec/load.ts';
import { reportWith } from './report-builder.ts';

const names = readdirSync('schemas').filter((name) => name.endsWith('.schema.json'));

function read(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join('schemas', name), 'utf8')) as Record<string, unknown>;
}

/** Compiles one schema beside the others, as strictly as schemas/generate.mjs. */
function compile(name: string): ValidateFunction {
  const schemas = names.filter((other) => other !== name).map(read);
  const options = { strict: true, strictRequired: false, strictTypes: false, allowUnionTypes: true } as const;
  return new Ajv2020({ ...options, allErrors: true, schemas }).compile(read(name));
}

function expectValid(validate: ValidateFunction, data: unknown): void {
  validate(data);
  expect(validate.errors ?? []).toEqual([]);
}

function filesIn(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
}

test('what is generated from the schemas is current', () => {
  const { status, stderr } = spawnSync(process.execPath, ['schemas/generate.mjs', '--check'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

describe('every schema', () => {
  test('is there', () => expect(names.length).toBeGreaterThanOrEqual(8));

  test.each(names)('%s compiles in strict mode, under its own name, and refuses what is no object', (name) => {
    const schema = read(name);
    expect(schema['$id']).toBe(name);
    expect(schema['$schema']).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(String(schema['description'])).not.toBe('');
    const validate = compile(name);
    for (const wrong of [null, 1, 'text', [], { unheardOf: 1 }]) expect(validate(wrong)).toBe(false);
  });

  test.each(names)('%s closes every object, or says what its other keys hold', (name) => {
    const open: string[] = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { type, properties, additionalProperties } = node as Record<string, unknown>;
      if (type === 'object' && properties !== undefined && additionalProperties === undefined) open.push(path);
      for (const [key, entry] of Object.entries(node)) walk(entry, `${path}/${key}`);
    };
    walk(read(name), '');
    expect(open).toEqual([]);
  });
});

describe('what is shipped keeps to the schemas', () => {
  const validateReport = compile('host-report.schema.json');
  const validateSpec = compile('vm-spec.schema.json');
  const reports = filesIn('examples', '.json');
  const specs = [...filesIn('examples', '.yaml'), ...filesIn('templates', '.yaml')];

  test('there are such files', () => {
    expect(reports.length).toBeGreaterThanOrEqual(2);
    expect(specs.length).toBeGreaterThanOrEqual(7);
  });
  test.each(reports)('%s', (file) => {
    const report = JSON.parse(readFileSync(file, 'utf8')) as HostReport;
    expectValid(validateReport, report);
    expectValid(compile('assessment.schema.json'), assessHost(report));
  });
  test.each(specs)('%s', (file) => expectValid(validateSpec, parse(readFileSync(file, 'utf8'))));
});

describe('what is planned keeps to the schemas', () => {
  const validatePlan = compile('vm-plan.schema.json');
  const validateFinding = compile('finding.schema.json');
  const bodies = {
    nothing: '',
    'a NIC and a disk': 'interfaces: [{ id: n, vdpa: vp0, bootIndex: 1 }]\ndisks: [{ id: d, file: /d }]\n',
    'vDPA disks': 'disks: [{ id: d, vdpa: blk0, attach: device }]\nqmpSocket: /run/q\n',
    'a disk over blockdev': 'disks: [{ id: d, vdpa: blk0, attach: blockdev }]\n',
    'generic devices': 'vdpaDevices: [{ id: g, vdpa: vp1, queueSize: 256 }, { id: h, vdpa: sim0 }]\n',
  };

  test.each(Object.entries(bodies))('%s', (_, body) => {
    const text = `schemaVersion: 1\nname: web1\nmachine: q35\nmemory: 1GiB\n${body}`;
    const { spec } = loadSpec(text, 'vm.yaml');
    const { plan, findings } = planVm(spec!, [reportWith()]);
    expectValid(validatePlan, plan);
    expect(findings.map(({ code }) => code)).toContain('plan.machine-alias');
    for (const finding of findings) expectValid(validateFinding, finding);
  });

  test('every plan that is kept in test/golden and what is changed in it is seen', () => {
    const kept = filesIn('test/golden', 'plan.json');
    expect(kept.length).toBeGreaterThanOrEqual(10);
    for (const file of kept) {
      const plan = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      expectValid(validatePlan, plan);
      expect(validatePlan({ ...plan, surprise: true })).toBe(false);
      expect(validatePlan({ ...plan, guestAbi: { ...(plan['guestAbi'] as object), machine: 'Q35' } })).toBe(false);
    }
  });
});
