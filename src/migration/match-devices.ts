import { isKnown } from '../model/fact.ts';
import type { GuestConfiguration, GuestAddress } from '../model/generated/guest-configuration.ts';

interface Placed {
  readonly id: string | null;
  readonly address: GuestAddress | null;
}

/**
 * The device of another configuration that is this one: the one at its PCI address, because QEMU names migration
 * sections by it (hw/pci/pci.c: pcibus_get_dev_path()); where addresses are not known, the one with its id, then the
 * one at its place in the list.
 * @returns its index; -1: there is none
 */
export function counterpartOf(device: Placed, index: number, others: readonly Placed[]): number {
  const { id, address } = device;
  const known = address !== null && isKnown(address);
  if (known && others.every((other) => other.address !== null && isKnown(other.address))) {
    return others.findIndex((other) => other.address === address);
  }
  const byAddress = known ? others.findIndex((other) => other.address === address) : -1;
  if (byAddress >= 0) return byAddress;
  const byId = id === null ? -1 : others.findIndex((other) => other.id === id);
  return byId >= 0 ? byId : index < others.length ? index : -1;
}

/** The binding of the device at a place, such as `/interfaces/0`. */
export function bindingAt(
  configuration: GuestConfiguration,
  place: string,
): GuestConfiguration['binding']['devices'][number] {
  return (
    configuration.binding.devices.find(({ device }) => device === place) ?? {
      device: place,
      id: null,
      backend: { unknown: 'not-present', detail: 'the configuration names no back end' },
      charDevice: null,
      descriptor: null,
      vdpa: null,
      shadowVirtqueues: false,
    }
  );
}
