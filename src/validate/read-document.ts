import { digestOf, undeterminedIn } from '../import/digest.ts';
import { fromLibvirt } from '../import/from-libvirt.ts';
import { findingsOf, type Imported } from '../import/from-options.ts';
import { fromPlan } from '../import/from-plan.ts';
import { fromQemuArgv } from '../import/from-qemu-argv.ts';
import { commandLineOf } from '../import/qemu-options.ts';
import { maxConfigurationBytes } from '../import/read.ts';
import type { TextPlace } from '../import/text-place.ts';
import { wordsOf } from '../import/words.ts';
import { parseXml, type XmlNode } from '../import/xml-document.ts';
import { VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import type { Finding } from '../model/finding.ts';
import validateGuestConfiguration from '../model/generated/guest-configuration.validate.js';
import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import validatePlan from '../model/generated/vm-plan.validate.js';
import { fieldOf, segmentsOf } from '../model/pointer.ts';
import { planVm } from '../plan/plan-vm.ts';
import { loadSpec } from '../spec/load.ts';
import type { DocumentKind, ValidatedDocument } from './document.ts';
import { placeInJson } from './json-place.ts';
import { readReportDocument } from './read-report.ts';

/** A document, and what was found while it was read. */
export interface ReadDocument {
  readonly document: ValidatedDocument;
  readonly findings: readonly Finding[];
}

/** A real guest has some hundreds of options and some tens of devices; to compare devices takes time. */
const maxOptions = 4096;
const maxDevices = 1024;

/** What the rules here say better. */
const saidByRules = new Set(['import.libvirt-drops', 'import.machine-alias']);

/**
 * Reads a document of a known kind. What is wrong with a part of it is a finding.
 * @param on of several reports, the host that a spec is planned for
 * @throws VdpaQemuError bad-input where the text as a whole cannot be read
 */
export function readValidatedDocument(
  kind: DocumentKind,
  text: string,
  file: string,
  reports: readonly HostReport[],
  on: string | undefined,
): ReadDocument {
  if (kind !== 'host-report' && text.length > maxConfigurationBytes) {
    throw new VdpaQemuError('bad-input', `${file}: larger than ${maxConfigurationBytes} bytes`);
  }
  const base = { kind, file, text, placeOf: (): undefined => undefined };
  switch (kind) {
    case 'spec':
      return readSpec(base, reports, on);
    case 'host-report':
      return readReportDocument(base);
    case 'plan':
      return readPlan(base);
    case 'guest-configuration':
      return readConfiguration(base);
    case 'libvirt':
    case 'libvirt-interface':
      return readLibvirt(base, reports);
    case 'qemu-argv':
      return readCommandLine(base, reports);
  }
}

function readSpec(base: ValidatedDocument, reports: readonly HostReport[], on: string | undefined): ReadDocument {
  const { spec, findings, place } = loadSpec(base.text, base.file);
  const [syntax] = findings.filter(({ code }) => code === 'spec.syntax');
  if (syntax) {
    const { line = 1, column = 1 } = syntax.place ?? {};
    throw new VdpaQemuError(
      'bad-input',
      `${base.file}: is not YAML: line ${line}, column ${column}: ${syntax.message}`,
    );
  }
  if (!spec || reports.length === 0) return { document: base, findings };
  const names = reports.map(({ host }) => host.name);
  const target = on ?? spec.hosts?.find((name) => names.includes(name)) ?? names[0];
  const { plan, findings: planned } = planVm(spec, reports, target);
  const document = { ...base, configuration: plan && fromPlan(plan, 'spec') };
  return { document, findings: [...findings, ...planned.map(place)] };
}

function readLibvirt(base: ValidatedDocument, reports: readonly HostReport[]): ReadDocument {
  const xml = parseXml(base.text, base.file);
  const wanted = base.kind === 'libvirt' ? 'domain' : 'interface';
  if (xml.name !== wanted || xml.namespace !== null) {
    throw new VdpaQemuError(
      'bad-input',
      `${base.file}: the root element is <${xml.name.slice(0, 60)}>, not <${wanted}>`,
    );
  }
  const devices = xml.children.find(({ name }) => name === 'devices')?.children ?? [];
  if (devices.length > maxDevices) throw tooMany(base, maxDevices, 'devices');
  const imported = fromLibvirt(wanted === 'domain' ? xml : around(xml), base.file, reports);
  const args = xml.children.filter(({ name, namespace }) => name === 'commandline' && namespace !== null);
  const words = args.flatMap(({ children }) =>
    children.map((arg) => ({ text: arg.attributes.get('value') ?? '', place: arg.place })),
  );
  const commandLine = commandLineOf(words);
  return withImported({ ...base, xml, commandLine }, imported);
}

/** An interface alone is read as the one device of a domain of which nothing else is known. */
function around(node: XmlNode): XmlNode {
  const { place } = node;
  const element = (name: string, children: readonly XmlNode[]): XmlNode => ({
    name,
    namespace: null,
    attributes: new Map(),
    children,
    text: '',
    place,
  });
  return element('domain', [element('devices', [node])]);
}

function readCommandLine(base: ValidatedDocument, reports: readonly HostReport[]): ReadDocument {
  const words = wordsOf(base.text, base.file);
  const commandLine = commandLineOf(words);
  if (commandLine.options.length > maxOptions) throw tooMany(base, maxOptions, 'options');
  return withImported({ ...base, words, commandLine }, fromQemuArgv(words, reports));
}

function tooMany({ file }: ValidatedDocument, most: number, what: string): VdpaQemuError {
  return new VdpaQemuError('bad-input', `${file}: more than ${most} ${what}`);
}

function withImported(base: ValidatedDocument, { configuration, complaints, places }: Imported): ReadDocument {
  const told = complaints.filter(({ code }) => !saidByRules.has(code));
  return {
    document: { ...base, configuration, placeOf: (pointer) => places.get(pointer) },
    findings: findingsOf(told, base.file),
  };
}

interface Validator<T> {
  (data: unknown): data is T;
  errors?: { instancePath: string; message?: string | undefined }[] | null;
}

/** The value, or the first breach of its schema as a finding. */
function checked<T>({ text, file }: ValidatedDocument, validate: Validator<T>, what: string): T | Finding {
  const data = jsonOf(text, file);
  if (validate(data)) return data;
  const { instancePath = '', message = '' } = validate.errors?.[0] ?? {};
  const field = instancePath === '' ? 'the document' : printable(fieldOf(instancePath)).slice(0, 200);
  return {
    code: 'validate.schema',
    severity: 'error',
    path: instancePath.slice(0, 1000),
    message: `is no ${what}: ${field} ${message}`,
  };
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const why = cause instanceof RangeError ? 'nested too deeply' : printable((cause as Error).message);
    throw new VdpaQemuError('bad-input', `${file}: is not JSON: ${why}`, { cause });
  }
}

function isFinding(value: object): value is Finding {
  return 'code' in value && 'severity' in value;
}

/** The digest is made anew: what a file says of itself is not believed. */
function readConfiguration(base: ValidatedDocument): ReadDocument {
  const data = checked<GuestConfiguration>(base, validateGuestConfiguration, 'GuestConfiguration');
  if (isFinding(data)) return { document: base, findings: [data] };
  const { interfaces, disks, vdpaDevices } = data.guest;
  if (interfaces.length + disks.length + vdpaDevices.length > maxDevices) throw tooMany(base, maxDevices, 'devices');
  const configuration = { ...data, digest: digestOf(data.guest), undetermined: undeterminedIn(data.guest) };
  const findings = digestFinding('/digest', data.digest, configuration.digest);
  return {
    document: { ...base, configuration, placeOf: (pointer) => placeInJson(base.text, `/guest${pointer}`) },
    findings,
  };
}

function readPlan(base: ValidatedDocument): ReadDocument {
  const plan = checked<VmPlan>(base, validatePlan, 'VmPlan');
  if (isFinding(plan)) return { document: base, findings: [plan] };
  const configuration = fromPlan(plan);
  const findings = digestFinding('/guestAbiDigest', plan.guestAbiDigest, configuration.digest);
  const placeOf = (pointer: string): TextPlace => placeInJson(base.text, inPlan(pointer, configuration, plan));
  return { document: { ...base, configuration, placeOf }, findings };
}

/** Devices of a configuration are sorted by address; those of a plan stand as in its spec. */
function inPlan(pointer: string, { guest }: GuestConfiguration, { guestAbi }: VmPlan): string {
  const [list = '', index = ''] = segmentsOf(pointer);
  if (list !== 'interfaces' && list !== 'disks' && list !== 'vdpaDevices') return `/guestAbi${pointer}`;
  const id = guest[list][Number(index)]?.id;
  const at = guestAbi[list].findIndex((device) => device.id === id);
  return `/guestAbi/${list}/${at < 0 ? index : at}`;
}

function digestFinding(path: string, said: string | null, found: string | null): Finding[] {
  if (said === found) return [];
  const message = `the digest must be that of the guest ABI, ${found ?? 'none, for not all of it is known'}; got ${said ?? 'none'}`;
  return [{ code: 'validate.digest', severity: 'error', path, message, fix: 'do not edit it by hand: make it anew' }];
}
