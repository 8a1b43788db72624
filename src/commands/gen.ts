import { packageFile, readDocument, templateNames } from '../host/documents.ts';
import { VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import { hasErrors, sortFindings } from '../model/finding.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import { documentLabel, standardInput } from '../model/standard-input.ts';
import { planVm } from '../plan/plan-vm.ts';
import { renderJson } from '../render/json.ts';
import { renderLibvirtXml } from '../render/libvirt-xml.ts';
import { renderQemuArgv } from '../render/qemu-argv.ts';
import { renderCommand } from '../render/shell.ts';
import { loadSpec } from '../spec/load.ts';
import { applySettings } from '../spec/template.ts';
import { maxYamlBytes } from '../spec/yaml-document.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { readReports } from './read-reports.ts';
import { deliver, tell } from './result.ts';

export interface GenOptions extends GlobalOptions {
  readonly spec: string | undefined;
  readonly template: string | undefined;
  readonly set: readonly string[];
  readonly host: readonly string[];
  readonly on: string | undefined;
  readonly format: 'qemu' | 'libvirt' | 'plan';
}

/** Reads a spec and the hosts' reports, plans the VM, and delivers it in the wanted format. */
export async function gen(options: GenOptions, io: Io): Promise<ExitCode> {
  const { text, file } = readSpec(options);
  const { spec, findings, place } = loadSpec(text, file);
  if (!spec) {
    tell(findings, options, io);
    return 2;
  }
  const reports = await readReports(options.host);
  const { plan, findings: planned } = planVm(spec, reports, options.on);
  const all = sortFindings([...findings, ...planned.map(place)]);
  tell(all, options, io);
  if (!plan || hasErrors(all)) return 1;
  deliver(render(plan, options), options, io);
  return 0;
}

function readSpec({ spec, template, set }: GenOptions): { text: string; file: string } {
  if ((spec === undefined) === (template === undefined)) {
    throw new VdpaQemuError('usage', 'give either a SPEC file or --template NAME');
  }
  if (template !== undefined) {
    if (!templateNames().includes(template)) {
      throw new VdpaQemuError('usage', `no template ${printable(template)}; there are: ${templateNames().join(', ')}`);
    }
    const text = readDocument(packageFile(`templates/${template}.yaml`), maxYamlBytes);
    return { text: applySettings(text, set), file: `template ${template}` };
  }
  const file = spec ?? standardInput;
  const text = readDocument(file, maxYamlBytes);
  return { text: set.length > 0 ? applySettings(text, set) : text, file: documentLabel(file) };
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
      return json ? renderJson(argv) : `${lockedMemoryNote(plan)}${renderCommand(argv)}`;
    }
  }
}

/** QEMU has no option for it: whoever starts QEMU has to raise the limit, or the kernel answers ENOMEM. */
function lockedMemoryNote({ binding: { lockedMemoryBytes } }: VmPlan): string {
  if (lockedMemoryBytes === 0) return '';
  return `# needs RLIMIT_MEMLOCK ${lockedMemoryBytes}: as root, start it with prlimit --memlock=${lockedMemoryBytes}:${lockedMemoryBytes}\n`;
}
