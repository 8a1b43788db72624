import { compare } from '../model/finding.ts';
import type { Baseline } from '../model/generated/baseline.ts';
import type { BaselineFindings } from './findings.ts';
import { hostsText, type HostTable, type Tally } from './tally.ts';

/** Whether some hosts can use KVM, and others cannot, or may not: gen refuses accelerator: auto there. */
export function isMixed(kvm: Tally<boolean | undefined>): boolean {
  return kvm.values.includes(true) && kvm.values.some((value) => value !== true);
}

/**
 * What the hosts' CPUs have in common: no more than that is in a report. Which features they share, `virsh
 * hypervisor-cpu-baseline` tells.
 * @param cpus JSON texts of [vendor, model]
 */
export function cpuOf(
  cpus: Tally<string>,
  kvm: Tally<boolean | undefined>,
  table: HostTable,
  findings: BaselineFindings,
): Baseline['cpu'] {
  const models = cpus.values.map((text) => {
    const [vendor, model] = JSON.parse(text) as [string, string];
    return { vendor, model, hosts: table.sample(cpus.hostsWhere((one) => one === text)) };
  });
  models.sort((a, b) => compare(a.vendor, b.vendor) || compare(a.model, b.model));
  if (models.length > 1) {
    const list = models.slice(0, 4).map(({ model, hosts }) => `${model} on ${hostsText(hosts, 2)}`);
    findings.add(
      'baseline.cpu-differs',
      'warning',
      '/cpu/models',
      `the hosts have ${models.length} kinds of CPU: ${list.join('; ')}`,
      'name a CPU model in the spec that all of them run (virsh hypervisor-cpu-baseline), not host or max',
    );
  }
  const can = kvm.hostsWhere((value) => value === true);
  const cannot = kvm.hostsWhere((value) => value === false);
  const unsure = kvm.hostsWhere((value) => value === undefined);
  const mixed = isMixed(kvm);
  if (mixed) {
    const which = [
      ...(cannot.length > 0 ? [`cannot be used on ${hostsText(table.sample(cannot))}`] : []),
      ...(unsure.length > 0 ? [`is not known on ${hostsText(table.sample(unsure))}`] : []),
    ];
    findings.add(
      'baseline.accelerators-differ',
      'warning',
      '/cpu/kvm',
      `KVM ${which.join(', and ')}: a guest does not migrate between KVM and TCG, so that of the spec is under TCG on all of them`,
      'leave those hosts out, or probe them as a user who may open /dev/kvm, for a guest under KVM',
    );
  }
  const word =
    can.length > 0 && cannot.length > 0 ? 'some' : unsure.length > 0 ? 'unknown' : can.length > 0 ? 'all' : 'none';
  return { models, kvm: word };
}
