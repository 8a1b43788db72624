import { asList, asObject, member } from '../host/qmp-value.ts';
import { isUnknown, type Fact } from '../model/fact.ts';
import { checked } from './answers.ts';

/**
 * Guest physical address of a virtio-pci device's common configuration: the start of BAR 4, where QEMU puts it
 * (hw/virtio/virtio-pci.c: virtio_pci_realize()). undefined: the device has no id, or the guest has not placed the BAR.
 */
export function commonRegisters(pci: Fact<unknown>, path: string): number | undefined {
  const id = /^\/machine\/peripheral\/([^/]+)$/.exec(path)?.[1];
  const buses = checked(pci, asList, 'query-pci');
  if (id === undefined || isUnknown(buses)) return undefined;
  for (const device of buses.flatMap(devicesOn)) {
    if (member(device, 'qdev_id') !== id) continue;
    for (const entry of asList(member(device, 'regions'), 'query-pci: regions')) {
      const region = asObject(entry, 'query-pci: a region');
      const address = member(region, 'address');
      if (member(region, 'bar') === 4 && typeof address === 'number' && address > 0 && Number.isSafeInteger(address)) {
        return address;
      }
    }
  }
  return undefined;
}

/** The functions on a bus and behind its bridges (qapi/pci.json: PciInfo, PciBridgeInfo). */
function devicesOn(bus: unknown): Readonly<Record<string, unknown>>[] {
  const devices = member(asObject(bus, 'query-pci: a bus'), 'devices');
  if (devices === undefined) return [];
  return asList(devices, 'query-pci: devices').flatMap((entry) => {
    const device = asObject(entry, 'query-pci: a device');
    const bridge = member(device, 'pci_bridge');
    return bridge === undefined ? [device] : [device, ...devicesOn(bridge)];
  });
}
