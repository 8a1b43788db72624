import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import { behind, pciStep } from './address.ts';
import type { Option } from './option.ts';
import { integerOf } from './option-values.ts';
import { knownText } from './option.ts';

/** Where devices sit, by their `bus` and `addr`. */
export interface PciTree {
  /** path from the root bus, `02.0/00.0`; null: not a PCI device */
  addressOf: (device: Option) => Fact<string | null>;
  /** the device is behind a PCIe port, not on the root bus nor on a conventional one */
  behindPort: (device: Option) => Fact<boolean>;
  /** the name of a bus that is not PCI, with the label of its controller replaced by the controller's address */
  busName: (bus: string) => string;
}

/** Root bus of q35 and virt, and of i440fx. */
const rootBuses: ReadonlySet<string> = new Set(['pcie.0', 'pci.0']);

const ports: ReadonlySet<string> = new Set(['pcie-root-port', 'ioh3420', 'xio3130-downstream']);

/** Device models that are on no PCI bus. */
const elsewhere =
  /^(?:isa-|usb-(?!ehci|uhci)|scsi-(?!pci)|ide-|hda-|sysbus-|pc-dimm$|nvdimm$|virtio-(?:[a-z-]+-)?device$|virtserialport$|virtconsole$|tpm-(?:tis|crb)|vmcoreinfo$|vmgenid$|pvpanic$|intel-iommu$|smbus-|i2c-|loader$|generic-sdhci$|floppy$|cxl-)/;

/** More bridges in a row than PCI bus numbers allow to be useful. */
const maxDepth = 32;

/**
 * Resolves addresses among the devices of one configuration. A device without `addr` gets one from QEMU by the order of
 * creation: it is not guessed here, but for the only device behind a PCIe port, which has slot 0 alone
 * (hw/pci/pcie_port.c).
 */
export function pciTreeOf(devices: readonly Option[]): PciTree {
  const byId = new Map(devices.flatMap((device) => [[knownText(device, 'id') ?? '', device] as const]));
  byId.delete('');
  const population = new Map<string, number>();
  for (const device of devices) {
    const bus = knownText(device, 'bus');
    if (bus !== undefined) population.set(bus, (population.get(bus) ?? 0) + 1);
  }
  const driverOf = (device: Option | undefined): string => knownText(device, 'driver') ?? '';
  const busIsPort = (bus: string): boolean => ports.has(driverOf(byId.get(bus)));

  const places = placesByOrder(devices.filter((device) => !elsewhere.test(driverOf(device))));

  const step = (device: Option, bus: string): Fact<string> => {
    const addr = device.values.get('addr');
    if (addr === undefined) {
      if (busIsPort(bus) && population.get(bus) === 1) return pciStep(0, 0);
      return unknown('not-present', `no PCI address is given: the order of creation decides it (${places(device)})`);
    }
    if (isUnknown(addr)) return addr;
    return parseAddress(addr) ?? unknown('malformed', `addr ${JSON.stringify(addr).slice(0, 40)} is no slot.function`);
  };

  const resolve = (device: Option, depth: number): Fact<string | null> => {
    const driver = driverOf(device);
    const bus = device.values.get('bus');
    if (bus !== undefined && isUnknown(bus)) return bus;
    const name = bus === undefined ? undefined : String(bus);
    if (elsewhere.test(driver)) return null;
    if (name === undefined) return step(device, 'pcie.0');
    if (rootBuses.has(name)) return step(device, name);
    const bridge = byId.get(name);
    if (!bridge) {
      if (/\.[0-9]+$/.test(name) && byId.has(name.replace(/\.[0-9]+$/, ''))) return null;
      return unknown('not-present', `bus ${name} is of no device of this configuration`);
    }
    if (depth > maxDepth) return unknown('malformed', `bus ${name} is behind itself, or more than ${maxDepth} bridges`);
    const above = resolve(bridge, depth + 1);
    if (isUnknown(above)) return unknown(above.unknown, `of its bus ${name}: ${above.detail}`);
    const own = step(device, name);
    return isUnknown(own) || above === null ? own : behind(above, own);
  };

  return {
    addressOf: (device) => resolve(device, 0),
    behindPort: (device) => {
      const bus = device.values.get('bus');
      if (bus === undefined) return false;
      if (isUnknown(bus)) return bus;
      const bridge = byId.get(String(bus));
      const driver = bridge?.values.get('driver');
      if (driver !== undefined && isUnknown(driver)) return driver;
      if (bridge) return ports.has(driverOf(bridge));
      return rootBuses.has(String(bus)) ? false : unknown('not-present', `bus ${String(bus)} is of no device here`);
    },
    busName: (bus) => {
      const [, controller = '', number = ''] = /^(.+)(\.[0-9]+)$/.exec(bus) ?? [];
      const owner = byId.get(controller);
      const address = owner ? resolve(owner, 0) : null;
      return typeof address === 'string' ? `${address}${number}` : bus;
    },
  };
}

/**
 * The place of a device among those that QEMU puts in the first free slot of their bus (hw/pci/pci.c:
 * do_pci_register_device()), and the slots that are not free: two of them are where the same is said of them. A device
 * of any type may be on PCI; one that names no bus is on the root bus, whatever that is called.
 */
function placesByOrder(devices: readonly Option[]): (device: Option) => string {
  const busOf = (device: Option): string => {
    const bus = knownText(device, 'bus');
    return bus === undefined || rootBuses.has(bus) ? 'the root bus' : bus;
  };
  const waiting = new Map<string, Option[]>();
  const taken = new Map<string, string[]>();
  const put = <T>(to: Map<string, T[]>, bus: string, one: T): void => {
    const list = to.get(bus);
    if (list) list.push(one);
    else to.set(bus, [one]);
  };
  for (const device of devices) {
    const addr = device.values.get('addr');
    if (addr === undefined) put(waiting, busOf(device), device);
    else put(taken, busOf(device), (isUnknown(addr) ? undefined : parseAddress(addr)) ?? 'a slot that is not known');
  }
  const orders = new Map([...waiting.values()].flatMap((on) => on.map((device, at) => [device, at + 1] as const)));
  return (device) => {
    const bus = busOf(device);
    const others = (taken.get(bus) ?? []).sort();
    return `${orders.get(device) ?? 1} on ${bus}${others.length === 0 ? '' : ` beside ${others.join(', ')}`}`;
  };
}

/** `0x2`, `0x2.0x1`, `2.1` (hex with and without 0x), or a number: slot * 8 + function (hw/core/qdev-properties-system.c: set_pci_devfn()). */
function parseAddress(addr: string | number | boolean): string | undefined {
  if (typeof addr === 'number') {
    return Number.isInteger(addr) && addr >= 0 && addr < 256 ? pciStep(addr >> 3, addr & 7) : undefined;
  }
  const match = /^(?:0x)?([0-9a-f]{1,2})(?:\.(?:0x)?([0-7]))?$/i.exec(String(addr));
  const slot = integerOf(`0x${match?.[1] ?? ''}`);
  return match && slot !== undefined && slot < 32 ? pciStep(slot, Number(match[2] ?? 0)) : undefined;
}
