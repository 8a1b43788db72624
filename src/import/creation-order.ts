import { knownText, type Option } from './option.ts';

/**
 * Devices in the order in which QEMU creates them: those in JSON, as all of libvirt's are, after all others
 * (system/vl.c: qemu_create_cli_devices()).
 */
export function inOrderOfCreation(devices: readonly Option[]): Option[] {
  const late = ({ text }: Option): boolean => text === '' || text.startsWith('{');
  return [...devices.filter((device) => !late(device)), ...devices.filter(late)];
}

/** What QEMU gives to devices by the order in which they are created. */
export interface CreationOrder {
  /** number of a NIC among those without a MAC address, from 1 */
  readonly mac: ReadonlyMap<Option, number>;
  /** number of a device among those of its bus that name no place on it, from 1; only where there is more than one */
  readonly place: ReadonlyMap<Option, number>;
}

/** Kinds of device on buses that are not PCI, and the properties that name a place there. */
const families: readonly { readonly drivers: RegExp; readonly places: readonly string[] }[] = [
  { drivers: /^usb-(?!ehci|uhci|ohci|xhci)/, places: ['port'] },
  { drivers: /^scsi-(?!pci)/, places: ['scsi-id', 'lun'] },
  { drivers: /^ide-/, places: ['unit'] },
  { drivers: /^virt(?:serialport|console)$/, places: ['nr'] },
  { drivers: /^(?:pc-dimm|nvdimm)$/, places: ['slot', 'addr'] },
  { drivers: /^isa-serial$/, places: ['index'] },
  { drivers: /^hda-/, places: ['cad'] },
];

/** Device models that take the next of QEMU's own MAC addresses where they are given none (net/net.c: qemu_macaddr_default_if_unset()). */
const nics =
  /^(?:virtio-net|e1000|igb|rtl8139|ne2k_|pcnet|vmxnet3|i82(?:5|8)|tulip|sun(?:gem|hme)|usb-net|xgmac|lance)/;

function takesMac(driver: string, { values }: Option): boolean {
  return (nics.test(driver) || values.has('netdev')) && !values.has('mac');
}

/** The order of devices, as far as it decides what the guest sees. */
export function orderOf(devices: readonly Option[]): CreationOrder {
  const groups = new Map<number, Option[]>();
  const mac: Option[] = [];
  for (const device of devices) {
    const driver = knownText(device, 'driver') ?? '';
    if (takesMac(driver, device)) mac.push(device);
    const at = families.findIndex(({ drivers }) => drivers.test(driver));
    const family = families[at];
    if (!family || family.places.some((place) => device.values.has(place))) continue;
    // a controller can be named with its bus or not: there may be but one
    groups.set(at, [...(groups.get(at) ?? []), device]);
  }
  const place = [...groups.values()].flatMap((group) =>
    group.length < 2 ? [] : group.map((device, index) => [device, index + 1] as const),
  );
  return { mac: new Map(mac.map((device, index) => [device, index + 1])), place: new Map(place) };
}
