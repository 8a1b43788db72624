import { isKnown } from '../model/fact.ts';
import type { GuestInterface } from '../model/generated/guest-configuration.ts';
import { netBits } from './net-features.ts';

/**
 * Features of a virtio-net device that QEMU offers by itself, whatever the vDPA device has: not in
 * net/vhost-vdpa.c: vdpa_feature_bits.
 */
const emulated = netBits(
  'VIRTIO_NET_F_MAC',
  'VIRTIO_NET_F_SPEED_DUPLEX',
  'VIRTIO_NET_F_STANDBY',
  'VIRTIO_NET_F_GUEST_ANNOUNCE',
  // with host_mtu, whatever the device has: x-mtu-bypass-backend is on
  'VIRTIO_NET_F_MTU',
);
const mtu = netBits('VIRTIO_NET_F_MTU');
const announce = netBits('VIRTIO_NET_F_GUEST_ANNOUNCE');
const control = netBits('VIRTIO_NET_F_CTRL_VQ');
const hostUfo = netBits('VIRTIO_NET_F_HOST_UFO');
const guestUfo = netBits('VIRTIO_NET_F_GUEST_UFO');
const uso = netBits('VIRTIO_NET_F_HOST_USO', 'VIRTIO_NET_F_GUEST_USO4', 'VIRTIO_NET_F_GUEST_USO6');

/** Property of virtio-net-pci -> feature, and its default (device-list-properties of QEMU 10.0). */
const switches: readonly (readonly [property: string, feature: string, byDefault: boolean])[] = [
  ['csum', 'VIRTIO_NET_F_CSUM', true],
  ['guest_csum', 'VIRTIO_NET_F_GUEST_CSUM', true],
  ['ctrl_guest_offloads', 'VIRTIO_NET_F_CTRL_GUEST_OFFLOADS', true],
  ['gso', 'VIRTIO_NET_F_GSO', true],
  ['guest_tso4', 'VIRTIO_NET_F_GUEST_TSO4', true],
  ['guest_tso6', 'VIRTIO_NET_F_GUEST_TSO6', true],
  ['guest_ecn', 'VIRTIO_NET_F_GUEST_ECN', true],
  ['guest_ufo', 'VIRTIO_NET_F_GUEST_UFO', true],
  ['guest_uso4', 'VIRTIO_NET_F_GUEST_USO4', true],
  ['guest_uso6', 'VIRTIO_NET_F_GUEST_USO6', true],
  ['host_tso4', 'VIRTIO_NET_F_HOST_TSO4', true],
  ['host_tso6', 'VIRTIO_NET_F_HOST_TSO6', true],
  ['host_ecn', 'VIRTIO_NET_F_HOST_ECN', true],
  ['host_ufo', 'VIRTIO_NET_F_HOST_UFO', true],
  ['host_uso', 'VIRTIO_NET_F_HOST_USO', true],
  ['mrg_rxbuf', 'VIRTIO_NET_F_MRG_RXBUF', true],
  ['status', 'VIRTIO_NET_F_STATUS', true],
  ['ctrl_vq', 'VIRTIO_NET_F_CTRL_VQ', true],
  ['ctrl_rx', 'VIRTIO_NET_F_CTRL_RX', true],
  ['ctrl_vlan', 'VIRTIO_NET_F_CTRL_VLAN', true],
  ['ctrl_rx_extra', 'VIRTIO_NET_F_CTRL_RX_EXTRA', true],
  ['guest_announce', 'VIRTIO_NET_F_GUEST_ANNOUNCE', true],
  ['ctrl_mac_addr', 'VIRTIO_NET_F_CTRL_MAC_ADDR', true],
  ['event_idx', 'VIRTIO_RING_F_EVENT_IDX', true],
  ['indirect_desc', 'VIRTIO_RING_F_INDIRECT_DESC', true],
  ['queue_reset', 'VIRTIO_F_RING_RESET', true],
  ['in_order', 'VIRTIO_F_IN_ORDER', false],
  ['rss', 'VIRTIO_NET_F_RSS', false],
  ['hash', 'VIRTIO_NET_F_HASH_REPORT', false],
  ['guest_rsc_ext', 'VIRTIO_NET_F_RSC_EXT', false],
  ['failover', 'VIRTIO_NET_F_STANDBY', false],
];

/** Properties of virtio-net-pci that do nothing but switch a feature. */
export const featureSwitches: ReadonlySet<string> = new Set(switches.map(([property]) => property));

/** Whether a property of virtio-net-pci that switches a feature is on where it is not written. */
export function featureDefault(property: string): boolean {
  return switches.some(([name, , byDefault]) => name === property && byDefault);
}

/** What a guest is offered, as far as it is known. */
export interface Offer {
  readonly bits: bigint;
  /** bits of which it is not known whether they are offered */
  readonly unsure: bigint;
}

/**
 * What QEMU offers to the guest of one interface: what the vDPA device offers, without what the properties switch off,
 * and what QEMU itself adds (hw/net/virtio-net.c: virtio_net_get_features()).
 * @param device features of VHOST_GET_FEATURES
 */
export function offerOf(net: GuestInterface, device: bigint): Offer {
  let off = 0n;
  let unsure = 0n;
  const put = (word: bigint, value: unknown): void => {
    if (value === true) return;
    if (value === false) off |= word;
    else unsure |= word;
  };
  for (const [property, feature, byDefault] of switches) {
    put(netBits(feature), Object.hasOwn(net.properties, property) ? switchOf(net.properties[property]) : byDefault);
  }
  put(netBits('VIRTIO_NET_F_MQ'), net.mq);
  put(netBits('VIRTIO_F_ACCESS_PLATFORM'), net.iommuPlatform);
  put(netBits('VIRTIO_F_RING_PACKED'), net.packed);
  put(mtu, isKnown(net.mtu) ? net.mtu !== null : net.mtu);
  // a back end of type vhost-vdpa says nothing of USO, and of UFO by HOST_UFO of the device, whatever the guest is offered
  const has = (device | emulated) & ~uso & ((device & hostUfo) === 0n ? ~guestUfo : -1n);
  let offered = has & ~off;
  // without a control virtqueue the guest could not answer an announcement
  if ((offered & control) === 0n) offered &= ~announce;
  return { bits: offered & ~unsure, unsure: offered & unsure };
}

/** How QEMU writes booleans: true, false, `on`, `off`. Anything else is not known. */
function switchOf(value: unknown): unknown {
  return value === 'on' ? true : value === 'off' ? false : value;
}
