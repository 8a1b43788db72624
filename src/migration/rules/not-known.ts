import { isKnown } from '../../model/fact.ts';
import type { Unknown } from '../../model/generated/guest-configuration.ts';
import { pointerOf } from '../../model/pointer.ts';
import type { Migration } from '../migration.ts';
import type { Hit, MigrationRule } from '../rule.ts';

/**
 * What the guest has may stand in the way of a migration without being known. Of most leaves it need not be: what
 * addresses, a MAC, a UUID, an amount of memory or the properties of a known device model are does not decide whether
 * QEMU can migrate, and one configuration at both ends leaves the same thing to the same choice. It matters
 *
 * - what a device is: any model can be one that QEMU does not migrate. Where libvirt chooses it (not-present), it is one
 *   that migrates;
 * - options that are not understood, or not here: they can make such a device, or one that the host decides;
 * - what the host decides at each end anew: the interrupt controller of the board virt under KVM, the content of a file.
 *
 * A running QEMU has told itself what it refuses (migration.blocked). The CPU model has a rule of its own.
 */
export const notKnownRules: readonly MigrationRule[] = [
  {
    code: 'migration.not-known',
    severity: 'warning',
    effect: 'unknown',
    asks: 'is all of the guest known that could stand in the way: what its devices are, its options, what the host decides?',
    source:
      'QEMU migration/savevm.c: qemu_savevm_state_blocked(); hw/arm/virt.c: finalize_gic_version(); docs/guest-abi.md: what is not determined',
    check: ({ source }) => [...drivers(source), ...options(source), ...machineOptions(source)],
  },
];

type Source = Migration['source'];

function drivers({ guest, running }: Source): Hit[] {
  if (running !== null) return [];
  return guest.otherDevices.flatMap(({ id, driver }, index): Hit[] => {
    if (isKnown(driver) || driver.unknown === 'not-present') return [];
    return [hit(['otherDevices', index, 'driver'], `what device ${id ?? `${index + 1} of the others`} is`, driver)];
  });
}

function options({ guest: { otherOptions }, running }: Source): Hit[] {
  if (!isKnown(otherOptions)) {
    return running === null ? [hit(['otherOptions'], 'what else the configuration says', otherOptions)] : [];
  }
  return Object.entries(otherOptions).flatMap(([name, value]): Hit[] => {
    // the content of a file is that of the host, even where the VM runs
    if (isKnown(value) || (running !== null && value.unknown !== 'not-asked')) return [];
    return [hit(['otherOptions', name], `what -${name} does`, value)];
  });
}

function machineOptions({ guest, binding, running }: Source): Hit[] {
  return Object.entries(guest.machineOptions).flatMap(([name, value]): Hit[] => {
    if (isKnown(value)) return [];
    // without KVM it is the same everywhere
    const byHost = name === 'gic-version' && value.unknown === 'not-present';
    if (byHost ? binding.accelerator === 'tcg' : running !== null) return [];
    return [hit(['machineOptions', name], `machine option ${name}`, value)];
  });
}

function hit(place: readonly (string | number)[], what: string, { detail }: Unknown): Hit {
  return { path: pointerOf(place), unknown: true, message: `${what} is not known: ${detail}` };
}
