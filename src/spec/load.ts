import { messageOf, VdpaQemuError } from '../model/error.ts';
import { sortFindings, type Finding } from '../model/finding.ts';
import type { VmSpec } from '../model/generated/vm-spec.ts';
import validateSpec from '../model/generated/vm-spec.validate.js';
import { segmentsOf } from '../model/pointer.ts';
import { fillDefaults, type CompleteSpec } from './defaults.ts';
import { specRules } from './rules.ts';
import { describeSchemaErrors, shownBreaches, type SchemaBreach } from './schema-errors.ts';
import { parseYaml, type YamlDocument, type YamlProblem } from './yaml-document.ts';

/** A spec that was read: complete where nothing is wrong with it, and all that was found in one run. */
export interface LoadedSpec {
  readonly spec: CompleteSpec | undefined;
  readonly findings: readonly Finding[];
  /** gives a finding about the spec its file, line and column */
  readonly place: (finding: Finding) => Finding;
}

/**
 * Parses, checks and completes a VM spec.
 * @param text YAML or JSON
 * @param file name for messages
 * @throws VdpaQemuError bad-input where the text is too large, nested too deeply, or an alias bomb
 */
export function loadSpec(text: string, file: string): LoadedSpec {
  const document = parse(text, file);
  if (!('data' in document)) {
    const findings = document.map(({ line, column, message }): Finding => ({
      code: 'spec.syntax',
      severity: 'error',
      path: '',
      message,
      place: { file, line, column },
    }));
    return { spec: undefined, findings, place: (finding) => finding };
  }
  const place = (finding: Finding): Finding => ({
    ...finding,
    place: { file, ...document.locate(finding.path) },
  });
  const other = otherKind(document.data);
  if (other) return { spec: undefined, findings: [place(other)], place };
  const data = shortened(document.data);
  const breaches = validateSpec(data) ? [] : describeSchemaErrors(validateSpec.errors ?? []);
  const usable = breaches.length === 0 ? (data as VmSpec) : usablePart(data, breaches);
  const schemaFindings = shownBreaches(breaches).map(({ path, key, message }): Finding => ({
    code: 'spec.schema',
    severity: 'error',
    path,
    message,
    place: { file, ...document.locate(path, key) },
  }));
  const ruleFindings = usable ? checkRules(usable).map(place) : [];
  const sorted = sortFindings([...schemaFindings, ...ruleFindings]);
  const sound = breaches.length === 0 && !sorted.some(({ severity }) => severity === 'error');
  return { spec: sound ? fillDefaults(data as VmSpec) : undefined, findings: sorted, place };
}

/** `kind` of our other documents (schemas/). */
const otherKinds: ReadonlySet<string> = new Set([
  'Assessment',
  'Baseline',
  'GuestConfiguration',
  'HostReport',
  'MigrationCheck',
  'Observation',
  'ParentKnowledge',
  'Validation',
  'Verification',
  'VmPlan',
]);

/** A document of ours that is no spec: a spec has no `kind`. All its keys would be told as unknown otherwise. */
function otherKind(data: unknown): Finding | undefined {
  const kind = isRecord(data) ? data['kind'] : undefined;
  if (typeof kind !== 'string' || !otherKinds.has(kind)) return undefined;
  return { code: 'spec.schema', severity: 'error', path: '/kind', message: `this is a ${kind}, not a VM spec` };
}

function parse(text: string, file: string): YamlDocument | readonly YamlProblem[] {
  try {
    return parseYaml(text);
  } catch (cause) {
    throw new VdpaQemuError('bad-input', `${file}: ${messageOf(cause)}`, { cause });
  }
}

/** Lists cut to one entry more than the schema allows: the breach is still there, and ajv's time is quadratic in them. */
function shortened(data: unknown): unknown {
  if (!isRecord(data) || Array.isArray(data)) return data;
  const copy = { ...data };
  for (const key of ['interfaces', 'disks', 'vdpaDevices']) {
    const devices = copy[key];
    if (Array.isArray(devices)) copy[key] = devices.slice(0, 29);
  }
  const { migration } = copy;
  if (isRecord(migration) && Array.isArray(migration['hosts'])) {
    copy['migration'] = { ...migration, hosts: migration['hosts'].slice(0, 10_001) };
  }
  return copy;
}

function checkRules(spec: VmSpec): Finding[] {
  return specRules.flatMap(({ code, severity, check }) =>
    check(spec).map((breach): Finding => ({ code, severity, ...breach })),
  );
}

/**
 * The spec without the values that breach the schema, so that the rules can speak of the rest in the same run; undefined
 * where no spec is left.
 */
function usablePart(data: unknown, breaches: readonly SchemaBreach[]): VmSpec | undefined {
  const copy = structuredClone(data);
  for (const { path, key } of breaches) {
    const segments = key === undefined ? segmentsOf(path) : [...segmentsOf(path), key];
    const last = segments.pop();
    const parent = segments.reduce<unknown>((value, segment) => (isRecord(value) ? value[segment] : undefined), copy);
    if (last !== undefined && isRecord(parent) && !Array.isArray(parent)) Reflect.deleteProperty(parent, last);
  }
  return validateSpec(copy) ? copy : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
