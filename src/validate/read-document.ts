import { fromLibvirt } from '../import/from-libvirt.ts';
import { findingsOf, type Imported } from '../import/from-options.ts';
import { fromPlan } from '../import/from-plan.ts';
import { fromQemuArgv } from '../import/from-qemu-argv.ts';
import { refuseLarge } from '../import/limits.ts';
import { readConfigurationJson, readPlanJson, type Breach } from '../import/own-document.ts';
import { commandLineOf } from '../import/qemu-options.ts';
import type { TextPlace } from '../import/text-place.ts';
import { wordsOf } from '../import/words.ts';
import { elementText, parseXml, type XmlNode } from '../import/xml-document.ts';
import { VdpaQemuError } from '../model/error.ts';
import type { Finding } from '../model/finding.ts';
import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import explainConfiguration from '../model/generated/guest-configuration.explain.js';
import type { HostReport } from '../model/generated/host-report.ts';
import explainPlan from '../model/generated/vm-plan.explain.js';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import { ourNamespace } from '../model/own-namespace.ts';
import { parseJson } from '../model/parse-json.ts';
import { segmentsOf } from '../model/pointer.ts';
import { planVm } from '../plan/plan-vm.ts';
import { loadSpec } from '../spec/load.ts';
import type { Against, DocumentKind, ReadDocument, ValidatedDocument } from './document.ts';
import { placeInJson } from './json-place.ts';
import { schemaFindings, type Explain } from './schema-findings.ts';
import { readReportDocument } from './read-report.ts';

/** What the rules here say better. */
const saidByRules = new Set(['import.libvirt-drops', 'import.machine-alias']);

/**
 * Reads a document of a known kind. What is wrong with a part of it is a finding.
 * @throws VdpaQemuError bad-input where the text as a whole cannot be read
 */
export async function readValidatedDocument(
  kind: DocumentKind,
  text: string,
  file: string,
  against: Against,
): Promise<ReadDocument> {
  if (kind !== 'host-report') refuseLarge(text, file);
  const { reports } = against;
  const base = { kind, file, text, placeOf: (): undefined => undefined };
  switch (kind) {
    case 'spec':
      return readSpec(base, against);
    case 'host-report':
      return await readReportDocument(base);
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

function readSpec(base: ValidatedDocument, { reports, on, parents }: Against): ReadDocument {
  const { spec, findings, place } = loadSpec(base.text, base.file);
  const [syntax] = findings.filter(({ code }) => code === 'spec.syntax');
  if (syntax) {
    const { line = 1, column = 1 } = syntax.place ?? {};
    throw new VdpaQemuError(
      'bad-input',
      `${base.file}: is not YAML: line ${line}, column ${column}: ${syntax.message}`,
      { place: { line, column } },
    );
  }
  if (!spec || reports.length === 0) return { document: base, findings };
  const names = reports.map(({ host }) => host.name);
  const target = on ?? spec.hosts?.find((name) => names.includes(name)) ?? names[0];
  const { plan, findings: planned } = planVm(spec, reports, target, { parents });
  const document = { ...base, configuration: plan && fromPlan(plan, 'spec') };
  return { document, findings: [...findings, ...planned.map(place)] };
}

function readLibvirt(base: ValidatedDocument, reports: readonly HostReport[]): ReadDocument {
  const xml = parseXml(base.text, base.file);
  const wanted = base.kind === 'libvirt' ? 'domain' : 'interface';
  if (xml.name !== wanted || xml.namespace !== null) {
    throw new VdpaQemuError('bad-input', `${base.file}: the root element is ${elementText(xml)}, not <${wanted}>`);
  }
  const imported = fromLibvirt(wanted === 'domain' ? xml : around(xml), base.file, reports);
  const args = xml.children.filter(({ name, namespace }) => name === 'commandline' && namespace !== null);
  const words = args.flatMap(({ children }) =>
    children.map((arg) => ({ text: arg.attributes.get('value') ?? '', place: arg.place })),
  );
  const commandLine = commandLineOf(words, base.file);
  const read = withImported({ ...base, xml, commandLine }, imported);
  return { ...read, findings: [...read.findings, ...embeddedDigest(xml, imported.configuration, base.file)] };
}

/** The digest that `gen` leaves in <metadata>: it is of the guest as it was generated. */
function embeddedDigest(xml: XmlNode, { digest }: GuestConfiguration, file: string): Finding[] {
  const metadata = xml.children.find(({ name, namespace }) => name === 'metadata' && namespace === null);
  const own = metadata?.children.find(({ name, namespace }) => name === 'guest-abi' && namespace === ourNamespace);
  const said = own?.attributes.get('digest');
  if (!own || said === undefined || digest === null || said === digest) return [];
  const message = `the digest in <metadata> is ${said.slice(0, 12)}.., and what this XML shows to the guest has ${digest.slice(0, 12)}..: it was changed since it was generated`;
  const { line = 1, column = 1 } = own.place;
  return [
    {
      code: 'validate.digest-differs',
      severity: 'warning',
      path: '/domain/metadata[1]/guest-abi[1]',
      message,
      place: { file, line, column },
      fix: 'generate it anew, or remove the element',
    },
  ];
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
    content: '',
    place,
  });
  return element('domain', [element('devices', [node])]);
}

function readCommandLine(base: ValidatedDocument, reports: readonly HostReport[]): ReadDocument {
  const words = wordsOf(base.text, base.file);
  const commandLine = commandLineOf(words, base.file);
  return withImported({ ...base, words, commandLine }, fromQemuArgv(words, base.file, reports));
}

function withImported(base: ValidatedDocument, { configuration, complaints, places }: Imported): ReadDocument {
  const told = complaints.filter(({ code }) => !saidByRules.has(code));
  return {
    document: { ...base, configuration, placeOf: (pointer) => places.get(pointer) },
    findings: findingsOf(told, base.file),
  };
}

function breached(document: ValidatedDocument, kind: string, explain: Explain, breach: Breach): ReadDocument {
  const { text, file } = document;
  return { document, findings: schemaFindings(parseJson(text, file), kind, explain, '', breach) };
}

function readConfiguration(base: ValidatedDocument): ReadDocument {
  const read = readConfigurationJson(base.text, base.file);
  if (read.breach) return breached(base, 'GuestConfiguration', explainConfiguration, read.breach);
  const { configuration, digest } = read.value;
  return {
    document: { ...base, configuration, placeOf: (pointer) => placeInJson(base.text, `/guest${pointer}`) },
    findings: digestFinding('/digest', digest, configuration.digest),
  };
}

function readPlan(base: ValidatedDocument): ReadDocument {
  const read = readPlanJson(base.text, base.file);
  if (read.breach) return breached(base, 'VmPlan', explainPlan, read.breach);
  const plan = read.value;
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
