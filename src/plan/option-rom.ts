import type { CompleteSpec } from '../spec/defaults.ts';
import type { PlanFindings } from './findings.ts';
import type { Host } from './host.ts';
import { emulatorWith, type MachineType } from './machine-type.ts';

/**
 * The option ROM of a NIC is a RAM block of the migration stream, as large as the file of each host, rounded up to a
 * power of two (QEMU hw/pci/pci.c: pci_add_option_rom()). Only of the same QEMU, of the same package, is it known to be
 * the same.
 */
export function checkOptionRoms(
  { interfaces }: CompleteSpec,
  hosts: readonly Host[],
  machine: MachineType,
  findings: PlanFindings,
): void {
  if (hosts.length < 2) return;
  const packages = new Set(
    hosts.map((host) => {
      const known = emulatorWith(machine.name, host)?.capabilities;
      return known ? `${known.version} (${known.package})` : `not known on ${host.name}`;
    }),
  );
  if (packages.size < 2) return;
  const found = [...packages].join(', ');
  for (const [index, { id, optionRom }] of interfaces.entries()) {
    if (!optionRom) continue;
    findings.warning(
      'plan.option-rom-size',
      `/interfaces/${index}/bootIndex`,
      `${id} has an option ROM, as the guest may boot from it, and its size is that of each host's package: a migration fails where they differ, and QEMU is ${found}`,
      'boot from a disk, or see that the ROM files are of one size',
    );
  }
}
