/** A device over vDPA that is not known as one is never said to migrate. */
import { describe, expect, test } from 'vitest';
import { readGuestConfiguration } from '../../src/import/read.ts';
import { check, simHost, there } from './migrating.ts';

const found = (rest: string, by?: string) => {
  const read = (text: string) =>
    readGuestConfiguration(
      `qemu-system-x86_64 -nodefaults -machine pc-q35-10.0,memory-backend=ram -accel tcg -cpu qemu64 -m 64 -object memory-backend-ram,id=ram,size=64M ${text}`,
      { as: 'qemu-argv' },
    ).configuration!;
  const { verdict, findings } = check(read(rest), simHost(there), {
    from: simHost(),
    ...(by === undefined ? {} : { with: read(by) }),
  });
  const own = findings.filter(({ code }) => code === 'migration.backend-unknown');
  return { verdict, own: own.map(({ path, message }) => `${path} ${message}`) };
};

const nic = (driver: string): string => `-device ${driver},netdev=n,id=net0,addr=5,mac=52:54:00:00:00:01,romfile=`;
const netdev = '-netdev vhost-vdpa,id=n,vhostdev=/dev/vhost-vdpa-0';

describe('unknown', () => {
  test.each([
    ['a NIC on virtio-mmio', `${netdev} -device virtio-net-device,netdev=n`, / virtio-net-device is over vhost-vdpa/],
    ['a netdev that a shell fills in', `-netdev $NETDEV ${nic('virtio-net-pci')}`, /\/interfaces\/0 whether net0 is/],
    ['one of another file', `-readconfig net.cfg ${nic('virtio-net-pci')}`, /no -netdev with id n/],
    ['no device that is known', netdev, / n is over vhost-vdpa/],
  ])('%s', (_, rest, message) => {
    const { verdict, own } = found(rest);
    expect(verdict).toBe('unknown');
    expect(own).toEqual([expect.stringMatching(message)]);
  });

  test('of the destination alone', () => {
    const { verdict, own } = found('', netdev);
    expect(verdict).toBe('unknown');
    expect(own).toEqual([expect.stringMatching(/^ at the destination: n is over/)]);
  });
});

test.each([
  ['no netdev', nic('virtio-net-pci,vectors=3').replace('netdev=n,', '')],
  ['another NIC', nic('e1000')],
  ['a disk of a file', '-drive if=none,id=d,file=/d.img -device virtio-blk-pci,drive=d,addr=6'],
])('%s is no vDPA device', (_, rest) => {
  expect(found(rest)).toEqual({ verdict: 'can', own: [] });
});
