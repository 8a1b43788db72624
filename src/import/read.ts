import { VdpaQemuError } from '../model/error.ts';
import { sortFindings, type Finding } from '../model/finding.ts';
import { firstOfEach } from '../model/first-of-each.ts';
import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import { planVm } from '../plan/plan-vm.ts';
import { loadSpec } from '../spec/load.ts';
import { documentNameOf } from './document-name.ts';
import { fromLibvirt } from './from-libvirt.ts';
import { findingsOf, type Imported } from './from-options.ts';
import { fromPlan } from './from-plan.ts';
import { fromQemuArgv } from './from-qemu-argv.ts';
import { refuseLarge } from './limits.ts';
import type { ConfigurationKind } from './kinds.ts';
import { readConfigurationJson, readPlanJson, type Read } from './own-document.ts';
import type { TextPlace } from './text-place.ts';
import { wordsOf } from './words.ts';
import { parseXml } from './xml-document.ts';

export type { ConfigurationKind } from './kinds.ts';
export { maxConfigurationBytes } from './limits.ts';

export interface ReadOptions {
  /** name for messages; default `input` */
  readonly file?: string | undefined;
  /** default: told from the content */
  readonly as?: ConfigurationKind | undefined;
  /** a spec is planned on them; for the others they tell what an alias of a machine type means */
  readonly reports?: readonly HostReport[] | undefined;
  /** of a spec: the host that it is bound to */
  readonly on?: string | undefined;
  /** of a spec: the operator's own rows on parent drivers, as for planVm() */
  readonly parents?: readonly ParentRow[] | undefined;
}

export interface ReadConfiguration {
  readonly kind: ConfigurationKind;
  /** undefined where a spec cannot be loaded or planned; the findings say why */
  readonly configuration: GuestConfiguration | undefined;
  /** sorted; an error among them means that the text is wrong, or the spec cannot be planned */
  readonly findings: readonly Finding[];
  /** JSON pointer into guest -> where it stands in the text; for XML and command lines */
  readonly places: ReadonlyMap<string, TextPlace>;
}

/**
 * Reads a guest configuration from whatever describes one: a VM spec (YAML), a plan or GuestConfiguration (JSON), a
 * libvirt domain XML, or a QEMU command line. Pure.
 * @throws VdpaQemuError bad-input where the text as a whole cannot be read; usage where a spec is given without reports
 */
export function readGuestConfiguration(text: string, options: ReadOptions = {}): ReadConfiguration {
  const { file = 'input', reports = [] } = options;
  refuseLarge(text, file);
  const content = text.startsWith('\ufeff') ? text.slice(1) : text;
  const kind = options.as ?? kindOf(content);
  switch (kind) {
    case 'spec':
      return readSpec(content, file, options);
    case 'plan':
      return { kind, ...known(fromPlan(sound(readPlanJson(content, file), file))) };
    case 'guest-configuration':
      return { kind, ...known(sound(readConfigurationJson(content, file), file).configuration) };
    case 'libvirt':
      return imported(kind, file, fromLibvirt(parseXml(content, file), file, reports));
    case 'qemu-argv':
      return imported(kind, file, fromQemuArgv(wordsOf(content, file), file, reports));
  }
}

/** What a text is, by its beginning: XML, a JSON object, an option or the name of QEMU, else a spec. */
export function kindOf(text: string): ConfigurationKind {
  const start = text.trimStart();
  if (start.startsWith('<')) return 'libvirt';
  if (text.includes('\0') || start.startsWith('[')) return 'qemu-argv';
  if (start.startsWith('{')) {
    const name = documentNameOf(start);
    return name === 'VmPlan' ? 'plan' : name === 'GuestConfiguration' ? 'guest-configuration' : 'spec';
  }
  // comments say anything, also the name of QEMU
  const lines = start
    .slice(0, 4096)
    .replace(/^[ \t]*#.*\n?/gm, '')
    .trimStart();
  if (/^(?:---|%|["']?[A-Za-z_][\w-]*["']?[ \t]*:(?:\s|$))/.test(lines)) return 'spec';
  const commandLine =
    /^-{1,2}[a-zA-Z]/.test(lines) ||
    /^\d{4}-\d\d-\d\d \S+: starting up libvirt/.test(lines) ||
    /(?:^|[\s/'"])qemu-(?:system-|kvm)/.test(lines) ||
    /\s-{1,2}(?:M|accel|cpu|device|m|machine|name|netdev|nodefaults|smp)(?:\s|$)/.test(lines);
  return commandLine ? 'qemu-argv' : 'spec';
}

function known(configuration: GuestConfiguration): Omit<ReadConfiguration, 'kind'> {
  return { configuration, findings: [], places: new Map() };
}

function imported(
  kind: ConfigurationKind,
  file: string,
  { configuration, complaints, places }: Imported,
): ReadConfiguration {
  return { kind, configuration, findings: sortFindings(findingsOf(firstOfEach(complaints), file)), places };
}

function readSpec(text: string, file: string, { reports = [], on, parents }: ReadOptions): ReadConfiguration {
  const { spec, findings, place } = loadSpec(text, file);
  const none = { kind: 'spec', configuration: undefined, places: new Map<string, TextPlace>() } as const;
  if (!spec) return { ...none, findings };
  if (reports.length === 0) {
    throw new VdpaQemuError('usage', `${file} is a spec: it takes a host report to say what it gives to the guest`);
  }
  const planned = planVm(spec, reports, on, { parents });
  const all = sortFindings([...findings, ...planned.findings.map(place)]);
  return { ...none, configuration: planned.plan && fromPlan(planned.plan, 'spec'), findings: all };
}

/** @throws VdpaQemuError bad-input where it breaches its schema */
function sound<T>(read: Read<T>, file: string): T {
  if (read.breach) throw new VdpaQemuError('bad-input', `${file}: ${read.breach.message}`);
  return read.value;
}
