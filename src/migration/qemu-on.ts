import { isKnown } from '../model/fact.ts';
import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import { hostOf, type KnownQemu } from '../plan/host.ts';
import { emulatorWith } from '../plan/machine-type.ts';

/**
 * The QEMU that runs a configuration on a host: the one at its path; where the path is of another host or not known,
 * the first that has the machine type. undefined: the report knows none.
 */
export function qemuOn(report: HostReport, configuration: GuestConfiguration): KnownQemu | undefined {
  const host = hostOf(report);
  const { emulator } = configuration.binding;
  const { machine } = configuration.guest;
  // a command line may begin with a bare name
  const named =
    isKnown(emulator) && emulator !== null
      ? host.qemu.find(({ path }) => path === emulator || path.slice(path.lastIndexOf('/') + 1) === emulator)
      : undefined;
  return named ?? emulatorWith(isKnown(machine) ? machine : '', host);
}
