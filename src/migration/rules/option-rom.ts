import { isKnown } from '../../model/fact.ts';
import type { Guest } from '../../model/generated/guest-configuration.ts';
import { isSameQemu } from '../same-qemu.ts';
import type { Hit, MigrationRule } from '../rule.ts';

/** ROMs of NICs come with a package of the host. Those of VGA adapters have had one size, 64 KiB, everywhere. */
export const optionRomRules: readonly MigrationRule[] = [
  {
    code: 'migration.option-rom-size',
    severity: 'warning',
    effect: 'unknown',
    asks: 'has a NIC an option ROM whose size the host decides (neither romsize= nor the same QEMU of the same package)?',
    source:
      'QEMU hw/pci/pci.c: pci_add_option_rom() rounds the size of the file up; migration/ram.c: parse_ramblock(): a RAM block of the stream',
    check: (migration) => (isSameQemu(migration) ? [] : romsOf((migration.target ?? migration.source).guest)),
  },
];

/** Models of NICs with a ROM by default. */
const withRom = /^(e1000|e1000-82544gc|e1000-82545em|e1000e|rtl8139|ne2k_pci|pcnet|vmxnet3|i8255.*)$/;

function romsOf({ interfaces, otherDevices }: Guest): Hit[] {
  return [
    ...interfaces.flatMap(({ id, optionRom, properties }, index) =>
      optionRom === false || isGiven(properties, 'romsize') ? [] : [hit(`/interfaces/${index}`, id)],
    ),
    ...otherDevices.flatMap(({ id, driver, properties }, index) =>
      !isKnown(driver) || !withRom.test(driver) || hasNone(properties) || isGiven(properties, 'romsize')
        ? []
        : [hit(`/otherDevices/${index}`, id ?? driver)],
    ),
  ];
}

type Properties = Readonly<Record<string, unknown>>;

function isGiven(properties: object, name: string): boolean {
  return typeof (properties as Properties)[name] === 'number' && (properties as Properties)[name] !== -1;
}

function hasNone(properties: object): boolean {
  const { romfile, rombar } = properties as { romfile?: unknown; rombar?: unknown };
  return romfile === '' || rombar === 0 || rombar === false;
}

function hit(path: string, id: string | null): Hit {
  return {
    path,
    unknown: true,
    message: `${id ?? path.slice(1)}: its option ROM has the size that the package of each host gives it, and the QEMUs are not known to be the same`,
    fix: "romfile= (no ROM; <rom enabled='no'/> in libvirt), or romsize=, at both ends",
  };
}
