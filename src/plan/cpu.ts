import { isKnown } from '../model/fact.ts';
import type { QemuCapabilities } from '../model/generated/host-report.ts';
import type { CompleteSpec } from '../spec/defaults.ts';
import type { PlanFindings } from './findings.ts';
import type { Host } from './host.ts';
import { emulatorWith, type MachineType } from './machine-type.ts';

/** Checks the virtual CPUs, and the accelerator that runs them, over all hosts of the migration domain. */
export function checkCpus(
  spec: CompleteSpec,
  hosts: readonly Host[],
  machine: MachineType,
  findings: PlanFindings,
): void {
  const { model, count } = spec.cpu;
  for (const host of hosts) {
    const capabilities = emulatorWith(machine.name, host)?.capabilities;
    checkModel(model, host, capabilities?.cpuModels, findings);
    const most = capabilities?.machines.find(({ name }) => name === machine.name)?.cpuMax;
    if (most === undefined || count <= most) continue;
    findings.error(
      'plan.too-many-cpus',
      '/cpu/count',
      `cpu.count is ${count}, but ${machine.name} on host ${host.name} has at most ${most}`,
    );
  }
  const withKvm = hosts.filter((host) => canUseKvm(host, machine));
  if (spec.accelerator === 'auto' && withKvm.length > 0 && withKvm.length < hosts.length) {
    const without = hosts.filter((host) => !withKvm.includes(host)).map(({ name }) => name);
    findings.warning(
      'plan.accelerators-differ',
      '/accelerator',
      `accelerator is auto, and ${without.join(', ')} cannot use KVM while ${withKvm.map(({ name }) => name).join(', ')} can: a guest does not migrate between KVM and TCG`,
      'write accelerator: tcg, or leave those hosts out of the migration domain',
    );
  }
  const mayRunOnKvm = spec.accelerator === 'kvm' || (spec.accelerator === 'auto' && withKvm.length > 0);
  if (machine.architecture === 'aarch64' && mayRunOnKvm && model !== 'host' && model !== 'max') {
    findings.warning(
      'plan.cpu-model-with-kvm',
      '/cpu/model',
      `CPU model ${model} with KVM: Arm hosts run only the models host and max under KVM`,
    );
  }
}

/** Where the report does not tell, nothing is said: QEMU ends at once with a model that it does not have. */
function checkModel(model: string, host: Host, known: QemuCapabilities['cpuModels'], findings: PlanFindings): void {
  if (known === undefined || !isKnown(known) || known.includes(model)) return;
  findings.error('plan.cpu-model-missing', '/cpu/model', `QEMU of host ${host.name} has no CPU model ${model}`);
}

/** /dev/kvm can be opened there, and it runs guests of the machine's architecture. */
export function canUseKvm({ report: { host } }: Host, { architecture }: MachineType): boolean {
  return isKnown(host.kvm) && host.kvm && host.architecture === architecture;
}
