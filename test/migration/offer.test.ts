/** What QEMU offers to the guest of what a vDPA device has. */
import { describe, expect, test } from 'vitest';
import { netBits } from '../../src/migration/net-features.ts';
import { offerOf } from '../../src/migration/features.ts';
import { changed, simGuest } from './migrating.ts';

const net = simGuest.guest.interfaces[0]!;
const [hostUfo, guestUfo] = [netBits('VIRTIO_NET_F_HOST_UFO'), netBits('VIRTIO_NET_F_GUEST_UFO')];
const uso = netBits('VIRTIO_NET_F_HOST_USO', 'VIRTIO_NET_F_GUEST_USO4', 'VIRTIO_NET_F_GUEST_USO6');
const offered = (device: bigint, asked: bigint, from = net): bigint => offerOf(from, device).bits & asked;

describe('offers', () => {
  test('GUEST_UFO with HOST_UFO of the device alone', () => {
    expect(offered(guestUfo, guestUfo)).toBe(0n);
    expect(offered(hostUfo | guestUfo, hostUfo | guestUfo)).toBe(hostUfo | guestUfo);
  });

  test('the device has it, though the guest is not offered HOST_UFO', () => {
    const guest = changed(simGuest, (copy) => void (copy.guest.interfaces[0]!.properties = { host_ufo: false }));
    expect(offered(hostUfo | guestUfo, hostUfo | guestUfo, guest.guest.interfaces[0])).toBe(guestUfo);
  });

  test('USO never, over vhost-vdpa', () => expect(offered(uso, uso)).toBe(0n));
});
