import { packageFile, readDocument, templateNames } from '../host/documents.ts';
import { VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import { standardInput } from '../model/standard-input.ts';
import { renderJson } from '../render/json.ts';
import { renderLibvirtXml } from '../render/libvirt-xml.ts';
import { renderQemuArgv } from '../render/qemu-argv.ts';
import { renderCommand } from '../render/shell.ts';
import { applySettings } from '../spec/template.ts';
import { maxYamlBytes } from '../spec/yaml-document.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { planSpec, readSpecText, type SpecText } from './plan-spec.ts';
import { readReports } from './read-reports.ts';
import { deliver } from './result.ts';

export interface GenOptions extends GlobalOptions {
  readonly spec: string | undefined;
  readonly template: string | undefined;
  readonly set: readonly string[];
  readonly host: readonly string[];
  readonly on: string | undefined;
  /** files with the operator's own rows on parent drivers */
  readonly parents: readonly string[];
  readonly format: 'qemu' | 'libvirt' | 'plan';
}

/** Reads a spec and the hosts' reports, plans the VM, and delivers it in the wanted format. */
export async function gen(options: GenOptions, io: Io): Promise<ExitCode> {
  const planned = await planSpec(chooseSpec(options), () => readReports(options.host), options.on, options, io);
  if (typeof planned === 'number') return planned;
  deliver(render(planned.plan, options), options, io);
  return 0;
}

function chooseSpec({ spec, template, set }: GenOptions): SpecText {
  if ((spec === undefined) === (template === undefined)) {
    throw new VdpaQemuError('usage', 'give either a SPEC file or --template NAME');
  }
  if (template === undefined) {
    const given = readSpecText(spec ?? standardInput);
    return set.length > 0 ? settled(given, set) : given;
  }
  if (!templateNames().includes(template)) {
    throw new VdpaQemuError('usage', `no template ${printable(template)}; there are: ${templateNames().join(', ')}`);
  }
  const text = readDocument(packageFile(`templates/${template}.yaml`), maxYamlBytes);
  return settled({ text, file: `template ${template}` }, set);
}

/** A setting lays the text out anew: a line of it is none of the file's, so that messages have to say so. */
function settled({ text, file }: SpecText, set: readonly string[]): SpecText {
  const changed = applySettings(text, set);
  return { text: changed, file: set.length === 0 || changed === text ? file : `${file} with --set` };
}

function render(plan: VmPlan, { format, json }: GenOptions): string {
  switch (format) {
    case 'plan':
      return renderJson(plan);
    case 'libvirt': {
      const xml = renderLibvirtXml(plan);
      return json ? renderJson({ schemaVersion: 1, kind: 'LibvirtDomain', xml }) : xml;
    }
    case 'qemu': {
      const argv = renderQemuArgv(plan);
      return json ? renderJson(argv) : `${digestNote(plan)}${lockedMemoryNote(plan)}${renderCommand(argv)}`;
    }
  }
}

/** QEMU has no place for it. */
function digestNote({ guestAbiDigest }: VmPlan): string {
  return `# guest ABI sha256:${guestAbiDigest}\n`;
}

/** QEMU has no option for it: whoever starts QEMU has to raise the limit, or the kernel answers ENOMEM. */
function lockedMemoryNote({ binding: { lockedMemoryBytes } }: VmPlan): string {
  if (lockedMemoryBytes === 0) return '';
  return `# needs RLIMIT_MEMLOCK ${lockedMemoryBytes}: as root, start it with prlimit --memlock=${lockedMemoryBytes}:${lockedMemoryBytes}\n`;
}
