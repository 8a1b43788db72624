/** Devices that are not over vDPA, and what two ends of a migration would have in common. */
import { describe, expect, test } from 'vitest';
import { readGuestConfiguration } from '../../src/import/read.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import { changed, check, reasons, simGuest, simHost, there } from './migrating.ts';

function guest(rest: string): GuestConfiguration {
  const text = `qemu-system-x86_64 -nodefaults -machine pc-q35-10.0,memory-backend=ram -cpu qemu64 -m 64 -object memory-backend-ram,id=ram,size=64M ${rest}`;
  const { configuration, findings } = readGuestConfiguration(text, { as: 'qemu-argv' });
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  return configuration!;
}

const tap = (more: string, queues = 1) =>
  `-netdev tap,id=n,queues=${queues} -device virtio-net-pci,netdev=n,id=net0,addr=5,mac=52:54:00:00:00:01,romfile=${more}`;

/** Source, destination, and what becomes of the guest; seen with QEMU itself in test/lab/plain-migration.lab.test.ts. */
const pairs: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['the same', tap(',vectors=4'), tap(',vectors=4'), []],
  [
    'a NIC of its own place before it',
    '-device virtio-rng-pci',
    tap('').replace(',addr=5', ''),
    ['lost migration.device-gone', 'unknown migration.device-added'],
  ],
  [
    'features off',
    tap(',csum=on,iommu_platform=on,vectors=4'),
    tap(',csum=off,vectors=4'),
    ['unknown migration.feature-setting-differs', 'unknown migration.feature-setting-differs'],
  ],
  ['features on', tap(',csum=off,vectors=4'), tap(',vectors=4'), ['none migration.feature-setting-differs']],
  ['host_mtu', tap(',host_mtu=1500,vectors=4'), tap(',vectors=4'), ['unknown migration.mtu-setting-differs']],
  [
    'queues of a tap',
    tap(',mq=on,vectors=10', 4),
    tap(',mq=on,vectors=10', 2),
    ['lost migration.queue-pairs-setting-differs'],
  ],
  [
    'devices without a place, exchanged',
    '-device qemu-xhci -device ich9-ahci',
    '-device ich9-ahci -device qemu-xhci',
    [
      'lost migration.device-gone',
      'lost migration.device-gone',
      'unknown migration.device-added',
      'unknown migration.device-added',
    ],
  ],
  [
    'a device more, in a place of its own, beside one without',
    '-device virtio-rng-pci',
    '-device virtio-rng-pci -device i6300esb,addr=9',
    ['unknown migration.address-differs', 'none migration.device-added'],
  ],
  [
    'a place written out',
    '-device virtio-rng-pci',
    '-device virtio-rng-pci,addr=1',
    ['unknown migration.address-differs'],
  ],
  [
    'a disk of -drive that writes through',
    '-drive if=none,id=d,file=a,cache=writethrough -device virtio-blk-pci,drive=d,addr=5',
    '-drive if=none,id=d,file=a -device virtio-blk-pci,drive=d,addr=5',
    ['unknown migration.guest-abi-differs'],
  ],
  [
    'a CD in a virtio disk',
    '-drive if=none,id=d,file=a,media=cdrom -device virtio-blk-pci,drive=d,addr=5',
    '-drive if=none,id=d,file=a -device virtio-blk-pci,drive=d,addr=5',
    ['unknown migration.guest-abi-differs'],
  ],
  ['a disk of -drive', '-drive if=virtio,file=a', '', ['unknown migration.guest-abi-differs']],
  [
    'flash',
    '-drive if=pflash,file=/code.fd',
    '-drive if=pflash,file=/code4m.fd',
    ['unknown migration.guest-abi-differs'],
  ],
  [
    'a file that QEMU reads',
    '-readconfig a',
    '-readconfig a',
    ['unknown migration.guest-abi-differs', 'unknown migration.not-known'],
  ],
  ['a new option, the same', '-new-option a', '-new-option a', ['unknown migration.not-known']],
  [
    'a new option, another',
    '-new-option a',
    '-new-option b',
    ['unknown migration.guest-abi-differs', 'unknown migration.not-known'],
  ],
  ['RAM of a dimm', dimm('d1', 128), dimm('d1', 256), ['fails migration.memory-backend-differs']],
  ['the name of it', dimm('d1', 128), dimm('d2', 128), ['fails migration.memory-backend-differs']],
  [
    'USB devices in another order',
    '-usb -device usb-tablet -device usb-kbd',
    '-usb -device usb-kbd -device usb-tablet',
    ['lost migration.address-differs', 'lost migration.address-differs'],
  ],
  [
    'a port of virtio-serial',
    '-device virtio-serial-pci,addr=6',
    '-device virtio-serial-pci,addr=6 -device virtserialport,name=a',
    ['lost migration.port-added'],
  ],
  ['a device without state', '-device pvpanic', '', ['none migration.stateless-device-gone']],
  ['the default serial port', '', '', []],
  ['an NVMe disk', '-device nvme,addr=5,serial=a', '-device nvme,addr=5,serial=a', ['refused migration.other-device']],
  [
    'a host device',
    '-device vfio-pci,host=03:00.0,addr=5',
    '-device vfio-pci,host=03:00.0,addr=5',
    ['unknown migration.other-device'],
  ],
  [
    'shared memory',
    ivshmem(1),
    ivshmem(2),
    ['fails migration.memory-backend-differs', 'unknown migration.other-device'],
  ],
  [
    'encrypted memory',
    '-machine confidential-guest-support=sev0',
    '-machine confidential-guest-support=sev0',
    ['refused migration.confidential-guest'],
  ],
  [
    'the same, by its other name',
    '-machine memory-encryption=sev0',
    '-machine confidential-guest-support=sev0',
    ['refused migration.confidential-guest'],
  ],
  [
    'a NIC that is over vDPA there',
    tap(',vectors=4'),
    tap(',vectors=4').replace('tap,id=n,queues=1', 'vhost-vdpa,id=n,vhostdev=/dev/vhost-vdpa-0'),
    ['unknown migration.backend-differs'],
  ],
];

function dimm(id: string, size: number): string {
  return `-object memory-backend-ram,id=${id},size=${size}M -device pc-dimm,id=dimm0,memdev=${id}`;
}

function ivshmem(size: number): string {
  return `-object memory-backend-ram,id=hm,size=${size}M -device ivshmem-plain,memdev=hm,addr=5`;
}

describe('of a guest without vDPA', () => {
  test.each(pairs)('%s', (_, before, after, expected) => {
    const found = reasons(check(guest(before), simHost(there), { from: simHost(), with: guest(after) }));
    expect(found).toEqual(expected);
  });
});

describe('vDPA devices of the destination', () => {
  const two = (first: string, second: string): GuestConfiguration =>
    guest(
      [first, second]
        .map(
          (node, index) =>
            `-netdev vhost-vdpa,id=n${index},vhostdev=${node} -device virtio-net-pci,netdev=n${index},id=net${index},addr=${5 + index},mac=52:54:00:0d:0a:02,romfile=`,
        )
        .join(' '),
    );
  const own = simHost().devices[0]!;
  const node = (own.charDevice as { path: string }).path;

  test('one for two guest devices is too few', () => {
    const found = check(two(node, node), simHost(there), { from: simHost(), with: two(node, node) });
    expect(found.findings.map(({ code }) => code)).toContain('migration.device-shared');
    expect(found.verdict).toBe('cannot');
  });

  test('vectors that are not set are counted', () => {
    const without = changed(simGuest, ({ guest: { interfaces } }) => {
      interfaces[0]!.vectors = { unknown: 'not-present', detail: 'vectors is not given' };
    });
    const features = { bits: '0x300010020', names: [], unknownBits: [] };
    const plain = simHost(there);
    const other = {
      ...plain,
      devices: plain.devices.map((device) => ({ ...device, identity: { ...device.identity, features } })),
    };
    const codes = (host: typeof plain) =>
      check(without, host as never, { from: simHost() }).findings.filter(
        ({ code }) => code === 'migration.vectors-by-device',
      );
    expect(codes(plain)).toEqual([]);
    expect(codes(other as typeof plain)).toMatchObject([{ effect: 'lost', evidence: { guest: 6, destination: 4 } }]);
    expect(check(without, plain, {}).findings.find(({ code }) => code === 'migration.vectors-by-device')?.effect).toBe(
      'unknown',
    );
  });
});
