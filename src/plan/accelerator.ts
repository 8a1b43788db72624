import { isKnown, isUnknown } from '../model/fact.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { CompleteSpec } from '../spec/defaults.ts';
import type { PlanFindings } from './findings.ts';
import type { Host } from './host.ts';
import type { MachineType } from './machine-type.ts';

/** KVM where the spec leaves it open and the host has it. Which hosts differ in that is for checkAccelerators() to say. */
export function chooseAccelerator(spec: CompleteSpec, host: Host, machine: MachineType): 'kvm' | 'tcg' {
  if (spec.accelerator !== 'auto') return spec.accelerator;
  return hasKvm(host.report.host, machine.architecture) ? 'kvm' : 'tcg';
}

/** Whether the guest may run under KVM on some host of the domain. */
export function mayUseKvm(spec: CompleteSpec, hosts: readonly Host[], machine: MachineType): boolean {
  return hosts.some((host) => chooseAccelerator(spec, host, machine) === 'kvm');
}

/**
 * Checks over all hosts of the migration domain that one accelerator can run the guest: from KVM to
 * TCG it is lost, and the other way it finds another CPU (see the rule migration.accelerator-differs).
 */
export function checkAccelerators(
  spec: CompleteSpec,
  hosts: readonly Host[],
  machine: MachineType,
  findings: PlanFindings,
): void {
  if (spec.accelerator === 'tcg') return;
  const lacking = hosts.filter((host) => !hasKvm(host.report.host, machine.architecture));
  if (spec.accelerator === 'kvm') {
    for (const host of lacking) {
      findings.warning(
        'plan.kvm-missing',
        '/accelerator',
        `accelerator is kvm, but host ${host.name} has none: ${whyNoKvm(host, machine)}`,
      );
    }
    return;
  }
  const having = hosts.filter((host) => !lacking.includes(host)).map(({ name }) => name);
  if (having.length > 0 && lacking.length > 0) {
    const which = lacking.map((host) => `${host.name} (${whyNoKvm(host, machine)})`).join(', ');
    findings.error(
      'plan.accelerators-differ',
      '/accelerator',
      `accelerator is auto, and ${having.join(', ')} can use KVM, but not ${which}: a guest does not migrate between KVM and TCG`,
      'write accelerator: tcg, or leave those hosts out of the migration domain',
    );
    return;
  }
  for (const host of lacking.filter((one) => runsItsGuests(one, machine) && isUnknown(one.report.host.kvm))) {
    findings.warning(
      'plan.kvm-unknown',
      '/accelerator',
      `accelerator is auto, and becomes tcg, as it is not known whether host ${host.name} has KVM: ${whyNoKvm(host, machine)}`,
      'probe as a user who may open /dev/kvm, or write the accelerator',
    );
  }
}

function runsItsGuests({ report }: Host, { architecture }: MachineType): boolean {
  return report.host.architecture === architecture;
}

/** /dev/kvm can be opened there, and it runs guests of that architecture. */
export function hasKvm(host: HostReport['host'], architecture: string): boolean {
  return isKnown(host.kvm) && host.kvm && host.architecture === architecture;
}

function whyNoKvm(host: Host, machine: MachineType): string {
  const { kvm, architecture } = host.report.host;
  if (!runsItsGuests(host, machine))
    return `an ${architecture} host, and ${machine.name} is for ${machine.architecture}`;
  return isKnown(kvm) ? 'no /dev/kvm' : kvm.detail;
}
