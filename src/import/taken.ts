import { isKnown } from '../model/fact.ts';
import { knownText, type Complaint, type Option } from './option.ts';
import type { PciTree } from './pci-tree.ts';

/** Two devices at one PCI address, or two root ports of one chassis and slot: QEMU does not start with them. */
export function refuseTaken(devices: readonly Option[], tree: PciTree, complain: (complaint: Complaint) => void): void {
  const addresses = new Map<string, string>();
  const slots = new Map<string, string>();
  const claim = (taken: Map<string, string>, key: string, device: Option, what: string): void => {
    const name = knownText(device, 'id') ?? knownText(device, 'driver') ?? 'a device';
    const other = taken.get(key);
    if (other === undefined) {
      taken.set(key, name);
      return;
    }
    const message = `${name} and ${other} have the same ${what}: QEMU does not start`;
    complain({ code: 'import.place-taken', severity: 'error', message, place: device.place });
  };
  for (const device of devices) {
    const address = tree.addressOf(device);
    if (isKnown(address) && address !== null) claim(addresses, address, device, `PCI address ${address}`);
    if (knownText(device, 'driver') === 'pcie-root-port') {
      // hw/pci/pcie_port.c: pcie_chassis_add_slot()
      const chassis = device.values.get('chassis') ?? 0;
      const slot = device.values.get('slot') ?? 0;
      if (isKnown(chassis) && isKnown(slot)) {
        const place = `chassis ${Number(chassis)} and slot ${Number(slot)}`;
        claim(slots, place, device, place);
      }
    }
  }
}
