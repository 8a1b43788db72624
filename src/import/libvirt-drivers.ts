import { unknown, type Fact } from '../model/fact.ts';
import { virtioDriver } from './libvirt-node.ts';
import type { Scalar } from './option-values.ts';
import { childOf, type XmlNode } from './xml-document.ts';

/**
 * The device model behind an element whose settings are not read here (libvirt 11.3, qemu_command.c), so that it is known
 * whether it can migrate. What is ambiguous, or libvirt's own choice, is left out.
 */
export function driverOfElement(node: XmlNode): string | undefined {
  const find = Object.hasOwn(drivers, node.name) ? drivers[node.name] : undefined;
  return find?.(node);
}

/** The place of a device on a bus that is not PCI, as libvirt counts it: property that names it -> place. */
export function placeOnBus(node: XmlNode, driver: string): Readonly<Record<string, Fact<Scalar>>> {
  const property = placeNames.find(([kind]) => kind.test(driver))?.[1];
  if (property === undefined) return {};
  const address = childOf(node, 'address')?.attributes;
  const numbers = ['controller', 'bus', 'target', 'port', 'unit', 'slot'].flatMap((name) => address?.get(name) ?? []);
  const none = unknown('not-present', 'no address is given: libvirt assigns one when the domain is defined');
  return { [property]: numbers.length === 0 ? none : numbers.join('.') };
}

const placeNames: readonly (readonly [RegExp, string])[] = [
  [/^usb-(?!ehci|ccid)/, 'port'],
  [/^scsi-/, 'scsi-id'],
  [/^ide-/, 'unit'],
  [/^virt(serialport|console)$/, 'nr'],
  [/^(pc-dimm|nvdimm)$/, 'slot'],
  [/^(floppy|usb-ccid)$/, 'unit'],
];

type Table = Readonly<Record<string, string>>;
const pick = (table: Table, key: string | undefined): string | undefined =>
  key !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
const get = (node: XmlNode | undefined, name: string): string | undefined => node?.attributes.get(name);

const drivers: Readonly<Record<string, (node: XmlNode) => string | undefined>> = {
  channel: (node) => (get(childOf(node, 'target'), 'type') === 'virtio' ? 'virtserialport' : undefined),
  console: (node) => (get(childOf(node, 'target'), 'type') === 'virtio' ? 'virtconsole' : undefined),
  controller: (node) => controllerDriver(get(node, 'type'), get(node, 'model')),
  crypto: (node) => virtioDriver('virtio-crypto', get(node, 'model')),
  disk: diskDriver,
  hub: (node) => (get(node, 'type') === 'usb' ? 'usb-hub' : undefined),
  input: inputDriver,
  interface: interfaceDriver,
  iommu: (node) => pick(iommus, get(node, 'model')),
  memory: (node) => pick(memories, get(node, 'model')),
  panic: (node) => pick({ isa: 'pvpanic', pvpanic: 'pvpanic-pci' }, get(node, 'model')),
  parallel: () => 'isa-parallel',
  serial: (node) => pick(serials, get(childOf(childOf(node, 'target'), 'model'), 'name')),
  sound: (node) => pick(sounds, get(node, 'model')),
  tpm: (node) => pick({ 'tpm-tis': 'tpm-tis', 'tpm-crb': 'tpm-crb' }, get(node, 'model')),
  video: videoDriver,
  vsock: (node) => virtioDriver('vhost-vsock', get(node, 'model')),
};

const iommus: Table = { intel: 'intel-iommu', amd: 'amd-iommu', virtio: 'virtio-iommu-pci' };
const memories: Table = { dimm: 'pc-dimm', nvdimm: 'nvdimm', 'virtio-mem': 'virtio-mem-pci' };
const serials: Table = { 'usb-serial': 'usb-serial', 'pci-serial': 'pci-serial', 'isa-debugcon': 'isa-debugcon' };
const sounds: Table = {
  ac97: 'AC97',
  es1370: 'ES1370',
  ich6: 'intel-hda',
  ich9: 'ich9-intel-hda',
  sb16: 'sb16',
  usb: 'usb-audio',
  virtio: 'virtio-sound-pci',
};
const usbControllers: Table = {
  'piix3-uhci': 'piix3-usb-uhci',
  'piix4-uhci': 'piix4-usb-uhci',
  ehci: 'usb-ehci',
  'ich9-ehci1': 'ich9-usb-ehci1',
  'ich9-uhci1': 'ich9-usb-uhci1',
  'ich9-uhci2': 'ich9-usb-uhci2',
  'ich9-uhci3': 'ich9-usb-uhci3',
  'pci-ohci': 'pci-ohci',
};
const scsiControllers: Table = {
  lsilogic: 'lsi53c895a',
  lsisas1068: 'mptsas1068',
  lsisas1078: 'megasas',
  vmpvscsi: 'pvscsi',
};

function controllerDriver(type: string | undefined, model: string | undefined): string | undefined {
  switch (type) {
    case 'usb':
      return pick(usbControllers, model);
    case 'scsi':
      return virtioDriver('virtio-scsi', model === 'virtio-scsi' ? 'virtio' : model) ?? pick(scsiControllers, model);
    case 'sata':
      return 'ich9-ahci';
    case 'ccid':
      return 'usb-ccid';
    case 'nvme':
      return 'nvme';
    default:
      return undefined;
  }
}

function diskDriver(node: XmlNode): string | undefined {
  const cdrom = get(node, 'device') === 'cdrom';
  switch (get(childOf(node, 'target'), 'bus')) {
    case 'sata':
    case 'ide':
      return cdrom ? 'ide-cd' : 'ide-hd';
    case 'scsi':
      return get(node, 'device') === 'lun' ? 'scsi-block' : cdrom ? 'scsi-cd' : 'scsi-hd';
    case 'usb':
      return 'usb-storage';
    case 'fdc':
      return 'floppy';
    default:
      return undefined;
  }
}

function inputDriver(node: XmlNode): string | undefined {
  const [type, bus] = [get(node, 'type'), get(node, 'bus')];
  if (bus === 'usb') return pick({ tablet: 'usb-tablet', mouse: 'usb-mouse', keyboard: 'usb-kbd' }, type);
  if (bus !== 'virtio') return undefined;
  const names = { tablet: 'tablet', mouse: 'mouse', keyboard: 'keyboard', passthrough: 'input-host' };
  const name = pick(names, type);
  return name === undefined ? undefined : virtioDriver(`virtio-${name}`, get(node, 'model') ?? 'virtio');
}

/** Models that are no virtio are handed on by their name. */
function interfaceDriver(node: XmlNode): string | undefined {
  if (get(node, 'type') === 'hostdev') return 'vfio-pci';
  const model = get(childOf(node, 'model'), 'type');
  return model === undefined || model.startsWith('virtio') ? undefined : model;
}

/** dumpxml marks the one that is VGA-compatible, where the model is one of two. */
function videoDriver(node: XmlNode): string | undefined {
  const model = childOf(node, 'model');
  const primary = get(model, 'primary') === 'yes';
  const outside = get(childOf(node, 'driver'), 'name') === 'vhostuser';
  switch (get(model, 'type')) {
    case 'virtio': {
      const name = `${outside ? 'vhost-user' : 'virtio'}-${primary ? 'vga' : 'gpu'}`;
      const gl = get(childOf(model, 'acceleration'), 'accel3d') === 'yes' && !outside ? '-gl' : '';
      return `${name}${gl}${primary ? '' : '-pci'}`;
    }
    case 'qxl':
      return primary ? 'qxl-vga' : 'qxl';
    default:
      return pick(
        { vga: 'VGA', cirrus: 'cirrus-vga', vmvga: 'vmware-svga', bochs: 'bochs-display', ramfb: 'ramfb' },
        get(model, 'type'),
      );
  }
}
