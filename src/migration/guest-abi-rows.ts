import { isKnown } from '../model/fact.ts';
import type { Difference, Item } from './differences.ts';
import { featureDefault, featureSwitches } from './features.ts';
import type { Effect, MigrationRule } from './rule.ts';

/** What becomes of a guest when a property differs between the two command lines. */
export interface Row {
  readonly code: string;
  readonly severity: MigrationRule['severity'];
  readonly effect: Effect;
  readonly what: string;
  readonly source: string;
  /** fields of a Difference; those that no row takes are told by the last */
  readonly fields: RegExp;
  /** of those, the ones that it is about; the others are another row's */
  readonly about?: (difference: Difference) => boolean;
  /** where it does not always hold */
  readonly holds?: (difference: Difference) => boolean | 'unknown';
  readonly why: string;
}

const configSpace = 'QEMU hw/pci/pci.c: get_pci_config_device()';

/** The first that is about a difference tells what becomes of it. */
export const guestAbiRows: readonly Row[] = [
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
    code: 'migration.address-differs',
    severity: 'error',
    effect: 'lost',
    what: 'PCI addresses, or the order of devices that have none of their own',
    source: 'QEMU hw/pci/pci.c: pcibus_get_dev_path(): sections are named by it',
    fields: /\/(address|properties\/order)$/,
    // where the exchanged devices are of one kind, their sections are, too
    holds: ({ field, device }) => (field.endsWith('/order') && !driverOf(device).startsWith('usb-') ? 'unknown' : true),
    why: 'its section of the stream finds no device, or another',
  },
  {
    code: 'migration.stateless-device-gone',
    severity: 'warning',
    effect: 'none',
    what: 'a device that the destination lacks, and that has nothing in the stream',
    source: 'QEMU hw/misc/pvpanic-isa.c, hw/char/debugcon.c, hw/core/generic-loader.c: no vmstate',
    fields: /^\/otherDevices\/-$/,
    about: ({ device }) => stateless.has(driverOf(device)),
    why: 'the guest finds nothing there',
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
    code: 'migration.port-added',
    severity: 'error',
    effect: 'lost',
    what: 'a port of virtio-serial that only the destination has',
    source: 'QEMU hw/char/virtio-serial-bus.c: virtio_serial_load_device() compares the ports',
    fields: /^\/otherDevices\/\+$/,
    about: ({ device }) => /^virt(serialport|console)$/.test(driverOf(device)),
    why: 'the section of its bus lists its ports',
  },
  {
    code: 'migration.device-added',
    severity: 'warning',
    effect: 'none',
    what: 'a device that only the destination has',
    source: 'QEMU migration/savevm.c: sections that do not come are not missed, unless a device asks for them',
    fields: /^\/(rootPorts|interfaces|disks|vdpaDevices|otherDevices)\/\+$/,
    // without an address of its own it may take another's
    holds: ({ device }) => (isKnown(device?.address ?? null) ? true : 'unknown'),
    why: 'the guest sees it when it looks at the bus again',
  },
  {
    code: 'migration.option-rom-differs',
    severity: 'error',
    effect: 'fails',
    what: 'the option ROM and its size',
    source: 'QEMU migration/ram.c: parse_ramblock(): the ROM is a RAM block',
    fields: /^\/interfaces\/\*\/(optionRom|properties\/romsize)$/,
    // romsize of no ROM says nothing
    holds: ({ field, before, device, counterpart }) =>
      field.endsWith('romsize') ? [device, counterpart].some(hasRom) : before === true ? true : 'unknown',
    why: 'the ROM is a RAM block of the stream, matched by name and size',
  },
  {
    code: 'migration.pci-config-differs',
    severity: 'error',
    effect: 'lost',
    what: 'what PCI config space shows: root ports, capabilities, transitional or not',
    source: configSpace,
    fields:
      /^\/(rootPorts\/\*\/(port|multifunction)|(interfaces|disks|vdpaDevices)\/\*\/(transitional|properties\/(ats|aer|disable-modern|modern-pio-notify|multifunction)))$/,
    why: 'config space is compared byte by byte',
  },
  {
    code: 'migration.chassis-differs',
    severity: 'info',
    effect: 'none',
    what: 'the chassis of a root port',
    source: 'QEMU hw/pci/pcie_port.c: pcie_chassis_add_slot(): only QEMU itself looks at it',
    fields: /^\/rootPorts\/\*\/chassis$/,
    why: 'the guest does not see it',
  },
  {
    code: 'migration.queue-pairs-setting-differs',
    severity: 'error',
    effect: 'lost',
    what: 'queue pairs of a NIC that is not over vDPA',
    source: 'QEMU hw/net/virtio-net.c: vmstate_virtio_net_device, max_queue_pairs',
    fields: /^\/interfaces\/\*\/queuePairs$/,
    why: 'QEMU compares the numbers',
  },
  {
    code: 'migration.feature-setting-differs',
    severity: 'warning',
    effect: 'none',
    what: 'a feature of a NIC that is not over vDPA',
    source: 'QEMU hw/virtio/virtio.c: virtio_set_features_nocheck(): what the guest took has to be offered',
    fields: new RegExp(`^/interfaces/\\*/(iommuPlatform|packed|properties/(${[...featureSwitches].join('|')}))$`),
    holds: ({ field, before, after }) => (isOffered(field, before) && !isOffered(field, after) ? 'unknown' : true),
    why: 'a guest that took it finds no such feature at the destination',
  },
  {
    code: 'migration.memory-backend-differs',
    severity: 'error',
    effect: 'fails',
    what: 'name and size of the RAM block of a device',
    source: 'QEMU migration/ram.c: parse_ramblock()',
    fields: /^\/otherDevices\/\*\/properties\/memdev(\.size)?$/,
    why: 'RAM blocks are matched by name and size',
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
    // whether one is offered at all is a feature: of the vDPA device's other rules speak
    holds: ({ before, after }) => (before !== null && after !== null ? true : before === null ? false : 'unknown'),
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

/** Devices that leave nothing in the stream. */
const stateless: ReadonlySet<string> = new Set(['pvpanic', 'isa-debugcon', 'isa-debug-exit', 'loader']);

function driverOf(device: Item | undefined): string {
  return device && 'driver' in device && isKnown(device.driver) ? device.driver : '';
}

function hasRom(device: Item | undefined): boolean {
  return device !== undefined && 'optionRom' in device && device.optionRom !== false;
}

/** A feature that nobody speaks of has its default. */
function isOffered(field: string, value: Difference['before']): boolean {
  const offered = value ?? featureDefault(field.replace(/^.*\//, ''));
  return offered === true || offered === 'on';
}
