import { asCount, asList, asObject, member, optional } from '../host/qmp-value.ts';
import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { ObservedFunction } from '../model/generated/observation.ts';
import { checked } from './answers.ts';

/** Where a device is in the machine: its path in the object tree, and what QOM shows of its place on a bus. */
export interface DevicePlace {
  readonly path: string;
  /** `/machine/peripheral/pci.1/pci.1`: the bus has the name of its port */
  readonly parentBus?: unknown;
  /** slot * 8 + function */
  readonly addr?: unknown;
}

type Entry = Readonly<Record<string, unknown>>;

/** A function and the id of the bridge that it is behind; undefined: on the root bus. */
interface Placed {
  readonly entry: Entry;
  readonly behind: string | undefined;
}

/** What query-pci shows of a device: found by its id, or by its place where it has none. */
export function functionOf(pci: Fact<unknown>, place: DevicePlace): Fact<ObservedFunction> {
  const buses = checked(pci, asList, 'query-pci');
  if (isUnknown(buses)) return buses;
  const all = buses.flatMap((bus) => functionsOn(bus, undefined));
  const id = /^\/machine\/peripheral\/([^/]+)$/.exec(place.path)?.[1];
  const found = all.find((one) => (id === undefined ? isAt(one, place) : member(one.entry, 'qdev_id') === id));
  if (!found) return unknown('not-present', 'query-pci does not show the device');
  const ids = asObject(member(found.entry, 'id'), 'query-pci: id');
  return {
    vendor: asCount(member(ids, 'vendor'), 'query-pci: vendor'),
    device: asCount(member(ids, 'device'), 'query-pci: device'),
    modernBar: barOf(found.entry),
  };
}

/**
 * BAR 4, where QEMU puts common configuration and doorbells (hw/virtio/virtio-pci.c: virtio_pci_realize()). A BAR that
 * the guest has not placed, or has switched off, has the address -1 (hw/pci/pci-qmp-cmds.c: PCI_BAR_UNMAPPED).
 */
function barOf(entry: Entry): number | null {
  for (const one of asList(member(entry, 'regions'), 'query-pci: regions')) {
    const region = asObject(one, 'query-pci: a region');
    if (member(region, 'bar') !== 4) continue;
    const address = member(region, 'address');
    return typeof address === 'number' && address > 0 && Number.isSafeInteger(address) ? address : null;
  }
  return null;
}

/** The functions on a bus and behind its bridges (qapi/pci.json: PciInfo, PciBridgeInfo). */
function functionsOn(bus: unknown, behind: string | undefined): Placed[] {
  const devices = optional(member(asObject(bus, 'query-pci: a bus'), 'devices'), asList, 'query-pci: devices') ?? [];
  return devices.flatMap((one) => {
    const entry = asObject(one, 'query-pci: a device');
    const bridge = member(entry, 'pci_bridge');
    const id = member(entry, 'qdev_id');
    // No bus of QEMU's is called so.
    const inside = bridge === undefined ? [] : functionsOn(bridge, typeof id === 'string' ? id : '');
    return [{ entry, behind }, ...inside];
  });
}

function isAt({ entry, behind }: Placed, { parentBus, addr }: DevicePlace): boolean {
  if (typeof parentBus !== 'string' || typeof addr !== 'number' || addr < 0) return false;
  const bus = parentBus.replace(/^.*\//, '');
  const sameBus = behind === undefined ? /^pci(?:e)?\.0$/.test(bus) : behind === bus;
  return sameBus && member(entry, 'slot') === addr >> 3 && member(entry, 'function') === (addr & 7);
}
