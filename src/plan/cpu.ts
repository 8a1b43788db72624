import { isKnown } from '../model/fact.ts';
import type { QemuCapabilities } from '../model/generated/host-report.ts';
import type { CompleteSpec } from '../spec/defaults.ts';
import { mayUseKvm } from './accelerator.ts';
import type { PlanFindings } from './findings.ts';
import type { Host } from './host.ts';
import { emulatorWith, type MachineType } from './machine-type.ts';

/** Checks the virtual CPUs over all hosts of the migration domain. */
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
  if (machine.architecture === 'aarch64' && mayUseKvm(spec, hosts, machine) && model !== 'host' && model !== 'max') {
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
