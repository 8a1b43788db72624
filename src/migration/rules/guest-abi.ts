import { isKnown } from '../../model/fact.ts';
import { differencesOf, type Difference } from '../differences.ts';
import { featureSwitches } from '../features.ts';
import type { Migration } from '../migration.ts';
import type { Effect, Hit, MigrationRule } from '../rule.ts';

/** What becomes of a guest when a property differs between the two command lines. */
interface Row {
  readonly code: string;
  readonly severity: MigrationRule['severity'];
  readonly effect: Effect;
  readonly what: string;
  readonly source: string;
  /** fields of a Difference; those that no row takes are told by the last */
  readonly fields: RegExp;
  /** where it does not always hold */
  readonly holds?: (difference: Difference) => boolean | 'unknown';
  readonly why: string;
}

const configSpace = 'QEMU hw/pci/pci.c: get_pci_config_device()';

const rows: readonly Row[] = [
  {
    code: 'migration.machine-differs',
    severity: 'error',
    effect: 'fails',
    what: 'the machine type',
    source: 'QEMU migration/savevm.c: configuration_post_load()',
    fields: /^\/machine$/,
    why: 'QEMU compares the names',
  },
  {
    code: 'migration.architecture-differs',
    severity: 'error',
    effect: 'fails',
    what: 'the architecture',
    source: 'QEMU migration/savevm.c: configuration_post_load()',
    fields: /^\/architecture$/,
    why: 'the guest is for another processor',
  },
  {
    code: 'migration.memory-differs',
    severity: 'error',
    effect: 'fails',
    what: 'size and name of the RAM block',
    source: 'QEMU migration/ram.c: parse_ramblock()',
    fields: /^\/(memoryBytes|ramBlock)$/,
    why: 'RAM blocks are matched by name and size',
  },
  {
    code: 'migration.cpu-count-differs',
    severity: 'error',
    effect: 'lost',
    what: 'the number of CPUs',
    source: 'QEMU migration/savevm.c: qemu_loadvm_section_start_full(): unknown section',
    fields: /^\/cpu\/count$/,
    // with more there, what the guest sees is another topology
    holds: ({ before, after }) => Number(before) > Number(after),
    why: 'each CPU is a section of the stream',
  },
  {
    code: 'migration.cpu-differs',
    severity: 'error',
    effect: 'state-lost',
    what: 'CPU model and topology',
    source: 'QEMU target/i386/cpu.c: CPUID is made from the command line and is not in the stream',
    fields: /^\/cpu\/(model|sockets|cores|threads)$/,
    why: 'the guest has seen other CPU features, and may use what is not there',
  },
  {
    code: 'migration.page-per-vq-differs',
    severity: 'error',
    effect: 'lost',
    what: 'page-per-vq',
    source: `${configSpace}; hw/virtio/virtio-pci.c: the notify capability`,
    fields: /^\/(interfaces|vdpaDevices)\/\*\/pagePerVq$/,
    why: 'the notify BAR has another layout',
  },
  {
    code: 'migration.vectors-differ',
    severity: 'error',
    effect: 'lost',
    what: 'MSI-X vectors',
    source: `${configSpace}; the MSI-X capability holds the number`,
    fields: /^\/interfaces\/\*\/vectors$/,
    why: 'the MSI-X capability has another size',
  },
  {
    code: 'migration.device-gone',
    severity: 'error',
    effect: 'lost',
    what: 'a device that the destination lacks, or has at another PCI address',
    source:
      'QEMU migration/savevm.c: qemu_loadvm_section_start_full(): unknown section; sections are named by PCI address',
    fields: /^\/(rootPorts|interfaces|disks|vdpaDevices|otherDevices)\/-$/,
    why: 'its state finds no device to go to',
  },
  {
    code: 'migration.device-added',
    severity: 'warning',
    effect: 'none',
    what: 'a device that only the destination has',
    source: 'QEMU migration/savevm.c: sections that do not come are not missed, unless a device asks for them',
    fields: /^\/(rootPorts|interfaces|disks|vdpaDevices|otherDevices)\/\+$/,
    why: 'the guest sees it when it looks at the bus again',
  },
  {
    code: 'migration.option-rom-differs',
    severity: 'error',
    effect: 'fails',
    what: 'the option ROM and its size',
    source: 'QEMU migration/ram.c: parse_ramblock(): the ROM is a RAM block',
    fields: /^\/interfaces\/\*\/(optionRom|properties\/romsize)$/,
    holds: ({ field, before }) => (field.endsWith('romsize') || before === true ? true : 'unknown'),
    why: 'the ROM is a RAM block of the stream, matched by name and size',
  },
  {
    code: 'migration.pci-config-differs',
    severity: 'error',
    effect: 'lost',
    what: 'what PCI config space shows: root ports, capabilities, transitional or not',
    source: configSpace,
    fields:
      /^\/(rootPorts\/\*\/(chassis|port|multifunction)|(interfaces|disks|vdpaDevices)\/\*\/(transitional|properties\/(ats|aer|disable-modern|modern-pio-notify|multifunction)))$/,
    why: 'config space is compared byte by byte',
  },
  {
    code: 'migration.disk-queues-differ',
    severity: 'error',
    effect: 'lost',
    what: 'request queues of a disk',
    source: 'QEMU hw/virtio/virtio.c: virtio_load()',
    fields: /^\/disks\/\*\/queues$/,
    why: 'the virtqueues of the stream find no place',
  },
  {
    code: 'migration.mtu-setting-differs',
    severity: 'error',
    effect: 'state-lost',
    what: 'host_mtu',
    source: 'virtio 1.3, 5.1.4: mtu is read when the driver starts, and not again',
    fields: /^\/interfaces\/\*\/mtu$/,
    // whether one is offered at all is a feature
    holds: ({ before, after }) => before !== null && after !== null,
    why: 'the guest has read another MTU',
  },
  {
    code: 'migration.config-size-differs',
    severity: 'warning',
    effect: 'none',
    what: 'properties that decide how long the configuration space of a NIC is',
    source:
      'QEMU hw/net/virtio-net.c: virtio_net_set_config_size(); hw/virtio/virtio.c: virtio_load() skips what does not fit',
    fields: /^\/interfaces\/\*\/(mq|properties\/(rss|hash|speed|duplex))$/,
    why: 'the configuration space has another length, of which a guest that did not take the feature reads nothing',
  },
  {
    code: 'migration.mac-setting-differs',
    severity: 'error',
    effect: 'state-lost',
    what: 'mac= of the guest device',
    source: 'QEMU hw/net/virtio-net.c: virtio_net_device_realize() writes mac= to the vDPA device',
    fields: /^\/interfaces\/\*\/mac$/,
    why: 'QEMU writes it to the vDPA device at the destination, and frames to the guest may not reach it',
  },
  {
    code: 'migration.ring-size-differs',
    severity: 'warning',
    effect: 'none',
    what: 'ring sizes',
    source: 'QEMU hw/virtio/virtio.c: virtio_load() takes the sizes from the stream without a check',
    fields: /^\/interfaces\/\*\/(rxQueueSize|txQueueSize)$|^\/vdpaDevices\/\*\/queueSize$/,
    why: 'the guest keeps its rings, and may be offered other sizes at its next reset',
  },
  {
    code: 'migration.identity-differs',
    severity: 'warning',
    effect: 'none',
    what: 'UUID and boot order',
    source: 'QEMU migration/savevm.c: the UUID is compared only with the capability validate-uuid',
    fields: /^\/uuid$|\/bootIndex$/,
    why: 'the guest sees it at its next boot',
  },
  {
    code: 'migration.guest-abi-differs',
    severity: 'warning',
    effect: 'unknown',
    what: 'any other property that the guest sees',
    source: 'docs/guest-abi.md: what the guest sees, or the stream carries',
    fields: /./,
    why: 'what it does is not known',
  },
];

/** Decided by the vDPA device, or a feature: other rules speak of them. */
const elsewhere = new RegExp(
  `^/interfaces/\\*/(queuePairs|iommuPlatform|packed|properties/(?!rss$|hash$)(${[...featureSwitches].join('|')}))$`,
);

/** The guest ABI of both configurations, leaf by leaf: libvirt accepts many of these differences without a word. */
export const guestAbiRules: readonly MigrationRule[] = rows.map((row) => ({
  code: row.code,
  severity: row.severity,
  effect: row.effect,
  asks: `with --with: is it the same? ${row.what}`,
  source: row.source,
  check: (migration) =>
    differencesIn(migration).flatMap((difference) => (rowOf(difference) === row ? hitsOf(row, difference) : [])),
}));

const differences = new WeakMap<Migration, Difference[]>();

function differencesIn(migration: Migration): Difference[] {
  const { source, target } = migration;
  if (!target) return [];
  const known = differences.get(migration);
  if (known) return known;
  const found = differencesOf(source.guest, target.guest).filter(({ field }) => !elsewhere.test(field));
  differences.set(migration, found);
  return found;
}

function rowOf({ field }: Difference): Row | undefined {
  return rows.find(({ fields }) => fields.test(field));
}

function hitsOf(row: Row, difference: Difference): Hit[] {
  const { path, label, before, after } = difference;
  if (!isKnown(before) || !isKnown(after)) {
    const [where, fact] = isKnown(before) ? ['destination', after] : ['source', before];
    const detail = (fact as { detail: string }).detail;
    return [{ path, unknown: true, message: `${label} of the ${where} is not known: ${detail}` }];
  }
  const holds = row.holds?.(difference) ?? true;
  if (holds === false) return [];
  const message = `${label} is ${shown(before)} at the source and ${shown(after)} at the destination: ${row.why}`;
  return [
    {
      path,
      message,
      unknown: holds === 'unknown' || row.effect === 'unknown',
      evidence: { source: before, destination: after },
    },
  ];
}

function shown(value: string | number | boolean | null): string {
  return value === null ? 'not there' : String(value);
}
