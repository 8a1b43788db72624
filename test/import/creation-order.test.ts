/** What QEMU decides by the order in which it creates devices; the same was asked of QEMU 7.2.22 (`addr`, `mac` by QOM). */
import { describe, expect, test } from 'vitest';
import type { Guest } from '../../src/model/generated/guest-configuration.ts';
import { importText } from './importing.ts';

const guest = (rest: string, machine = 'pc-q35-10.0'): Guest =>
  importText(`qemu-system-x86_64 -nodefaults -machine ${machine} -cpu qemu64 ${rest}`).guest;

/** Driver -> why its address is not known. */
function addresses({ interfaces, otherDevices }: Guest): Record<string, unknown> {
  const why = (address: unknown): unknown => (address as { detail?: string }).detail;
  return {
    ...Object.fromEntries(interfaces.map(({ address }) => ['net', why(address)])),
    ...Object.fromEntries(otherDevices.map(({ driver, address }) => [driver as string, why(address)])),
  };
}

const at = (place: string): string => `no PCI address is given: the order of creation decides it (${place})`;

describe('places', () => {
  test('of all types that may be on PCI', () => {
    expect(addresses(guest('-device e1000,mac=52:54:00:00:00:01 -device qemu-xhci -device ich9-ahci'))).toEqual({
      e1000: at('1 on the root bus'),
      'qemu-xhci': at('2 on the root bus'),
      'ich9-ahci': at('3 on the root bus'),
    });
  });

  test('a bus that is named, or not, is one', () => {
    const i440fx = guest('-device virtio-balloon-pci -device virtio-rng-pci,bus=pci.0', 'pc-i440fx-10.0');
    expect(addresses(i440fx)).toEqual({
      'virtio-balloon-pci': at('1 on the root bus'),
      'virtio-rng-pci': at('2 on the root bus'),
    });
  });

  // 7.2.22 puts the first at 18.0 (3), the others at 08.0 and 10.0
  test('those in JSON come last', () => {
    const mixed = `-device '{"driver":"virtio-rng-pci"}' -device virtio-balloon-pci -device qemu-xhci`;
    expect(addresses(guest(mixed))).toEqual({
      'virtio-balloon-pci': at('1 on the root bus'),
      'qemu-xhci': at('2 on the root bus'),
      'virtio-rng-pci': at('3 on the root bus'),
    });
  });

  // 7.2.22 puts it at 2 instead of 1
  test('slots that others have are told', () => {
    expect(addresses(guest('-device virtio-balloon-pci,addr=1 -device virtio-rng-pci'))).toMatchObject({
      'virtio-rng-pci': at('1 on the root bus beside 01.0'),
    });
  });

  test('-nic comes before all -device, in its own order', () => {
    const nics = '-device virtio-rng-pci -nic user,model=e1000 -nic vhost-vdpa,model=virtio,vhostdev=/dev/vhost-vdpa-0';
    expect(addresses(guest(nics))).toEqual({
      net: 'no PCI address is given: QEMU gives one by the order of -nic (2)',
      'virtio-rng-pci': at('1 on the root bus beside a slot that is not known'),
    });
  });
});

// 7.2.22 gives 52:54:00:12:34:56 to the first, whatever its model and address
test('MAC addresses', () => {
  const macs = (rest: string) => {
    const { interfaces, otherDevices } = guest(rest);
    return [
      ...interfaces.map(({ mac }) => mac),
      ...otherDevices.map(({ properties }) => (properties as { mac?: unknown }).mac),
    ];
  };
  const order = (place: number) => ({ detail: expect.stringContaining(`by the order of NICs (${place})`) as string });
  expect(macs('-device e1000,addr=9 -device virtio-net-pci,addr=8')).toMatchObject([order(2), order(1)]);
  expect(macs('-device virtio-net-pci,addr=8 -device e1000,addr=9')).toMatchObject([order(1), order(2)]);
  expect(macs('-device e1000,addr=9,mac=52:54:00:00:00:01 -device virtio-net-pci,addr=8')).toMatchObject([
    order(1),
    '52:54:00:00:00:01',
  ]);
});
