import { netBits } from './net-features.ts';
import { isSince } from '../model/qemu-version.ts';

/**
 * What shadow virtqueues accept. There is no dirty page log in vhost-vdpa, so QEMU can migrate such a device only by
 * putting shadow virtqueues between guest and device while it migrates; and it looks at what the device *offers*, not
 * at what the guest took.
 */
interface Step {
  /** QEMU version */
  readonly since: string;
  readonly names: readonly string[];
}

/** net/vhost-vdpa.c: vdpa_svq_device_features, as it grew. */
const deviceSteps: readonly Step[] = [
  {
    since: '7.1',
    names: [
      ...['VIRTIO_NET_F_CSUM', 'VIRTIO_NET_F_GUEST_CSUM', 'VIRTIO_NET_F_MTU', 'VIRTIO_NET_F_MAC'],
      ...['VIRTIO_NET_F_GUEST_TSO4', 'VIRTIO_NET_F_GUEST_TSO6', 'VIRTIO_NET_F_GUEST_ECN', 'VIRTIO_NET_F_GUEST_UFO'],
      ...['VIRTIO_NET_F_HOST_TSO4', 'VIRTIO_NET_F_HOST_TSO6', 'VIRTIO_NET_F_HOST_ECN', 'VIRTIO_NET_F_HOST_UFO'],
      ...['VIRTIO_NET_F_MRG_RXBUF', 'VIRTIO_NET_F_STATUS', 'VIRTIO_NET_F_CTRL_VQ', 'VIRTIO_NET_F_MQ'],
      ...['VIRTIO_NET_F_CTRL_MAC_ADDR', 'VIRTIO_NET_F_RSC_EXT', 'VIRTIO_NET_F_STANDBY'],
      ...['VIRTIO_F_ANY_LAYOUT', 'VHOST_F_LOG_ALL'],
    ],
  },
  {
    since: '8.1',
    names: [
      ...['VIRTIO_NET_F_CTRL_GUEST_OFFLOADS', 'VIRTIO_NET_F_CTRL_RX', 'VIRTIO_NET_F_CTRL_RX_EXTRA'],
      'VIRTIO_NET_F_SPEED_DUPLEX',
    ],
  },
  { since: '8.2', names: ['VIRTIO_NET_F_CTRL_VLAN', 'VIRTIO_NET_F_HASH_REPORT', 'VIRTIO_NET_F_RSS'] },
];

/** include/standard-headers/linux/virtio_config.h: VIRTIO_TRANSPORT_F_START and _END; QEMU's loop includes both. */
const transport = { first: 28n, last: 42n };

const range = (first: bigint, last: bigint): bigint => ((1n << (last - first + 1n)) - 1n) << first;

const transportBits = range(transport.first, transport.last);
/** hw/virtio/vhost-shadow-virtqueue.c: vhost_svq_valid_features() demands both. */
export const demanded: bigint = netBits('VIRTIO_F_VERSION_1', 'VIRTIO_F_ACCESS_PLATFORM');

/** The last QEMU whose source was read: newer ones may accept more. */
const lastRead = '10.3';

/** The feature bits that shadow virtqueues of a QEMU work with, for a net device. */
export function shadowableFeatures(qemu: string): bigint {
  const device = deviceSteps.filter(({ since }) => isSince(qemu, since)).flatMap(({ names }) => names);
  const events = isSince(qemu, '7.2') ? netBits('VIRTIO_RING_F_EVENT_IDX') : 0n;
  return netBits(...device) | demanded | events;
}

/** Why shadow virtqueues refuse a device, as QEMU tells it; undefined: they do not. */
export interface ShadowRefusal {
  /** QEMU's own text, as in `blocked-reasons` */
  readonly text: string;
  /** offered, and must not be */
  readonly excess: bigint;
  /** not offered, and must be */
  readonly missing: bigint;
  /** true: this QEMU is newer than what was read, and may accept it */
  readonly unsure: boolean;
}

/**
 * Whether shadow virtqueues of a QEMU accept what a net device offers (net/vhost-vdpa.c:
 * vhost_vdpa_net_valid_svq_features(), then hw/virtio/vhost-shadow-virtqueue.c: vhost_svq_valid_features()).
 * @param offered features of VHOST_GET_FEATURES
 * @param qemu version, such as 10.0.13
 */
export function shadowRefusal(offered: bigint, qemu: string): ShadowRefusal | undefined {
  const accepted = shadowableFeatures(qemu);
  const excess = offered & ~accepted;
  const missing = demanded & ~offered;
  if (excess === 0n && missing === 0n) return undefined;
  // the first of QEMU's two tests leaves out bit 42, though the second includes it
  const deviceExcess = excess & ~range(transport.first, transport.last - 1n);
  const fixed = (offered & ~(excess & transportBits)) | missing;
  const text =
    deviceExcess === 0n
      ? `SVQ Invalid device feature flags, offer: 0x${offered.toString(16)}, ok: 0x${fixed.toString(16)}`
      : `vdpa svq does not work with features 0x${deviceExcess.toString(16)}`;
  return { text, excess, missing, unsure: missing === 0n && isSince(qemu, lastRead) };
}

/** What a feature needs beside it (virtio 1.3, 5.1.3.1): a mask without it would be refused or make no sense. */
const needs: Readonly<Record<string, string>> = {
  VIRTIO_NET_F_GUEST_TSO4: 'VIRTIO_NET_F_GUEST_CSUM',
  VIRTIO_NET_F_GUEST_TSO6: 'VIRTIO_NET_F_GUEST_CSUM',
  VIRTIO_NET_F_GUEST_UFO: 'VIRTIO_NET_F_GUEST_CSUM',
  VIRTIO_NET_F_HOST_TSO4: 'VIRTIO_NET_F_CSUM',
  VIRTIO_NET_F_HOST_TSO6: 'VIRTIO_NET_F_CSUM',
  VIRTIO_NET_F_HOST_UFO: 'VIRTIO_NET_F_CSUM',
  VIRTIO_NET_F_HOST_ECN: 'VIRTIO_NET_F_HOST_TSO4',
  VIRTIO_NET_F_GUEST_ECN: 'VIRTIO_NET_F_GUEST_TSO4',
  VIRTIO_NET_F_CTRL_RX: 'VIRTIO_NET_F_CTRL_VQ',
  VIRTIO_NET_F_CTRL_RX_EXTRA: 'VIRTIO_NET_F_CTRL_VQ',
  VIRTIO_NET_F_CTRL_VLAN: 'VIRTIO_NET_F_CTRL_VQ',
  VIRTIO_NET_F_GUEST_ANNOUNCE: 'VIRTIO_NET_F_CTRL_VQ',
  VIRTIO_NET_F_MQ: 'VIRTIO_NET_F_CTRL_VQ',
  VIRTIO_NET_F_CTRL_MAC_ADDR: 'VIRTIO_NET_F_CTRL_VQ',
  VIRTIO_NET_F_CTRL_GUEST_OFFLOADS: 'VIRTIO_NET_F_CTRL_VQ',
  VIRTIO_NET_F_RSS: 'VIRTIO_NET_F_CTRL_VQ',
  VIRTIO_NET_F_HASH_REPORT: 'VIRTIO_NET_F_CTRL_VQ',
  VIRTIO_NET_F_RSC_EXT: 'VIRTIO_NET_F_HOST_TSO4',
};

/** The mask without features whose requirement is not in it. */
export function closedMask(mask: bigint): bigint {
  let word = mask;
  // a feature that another needs may itself need one
  for (let before = -1n; before !== word;) {
    before = word;
    for (const [name, needed] of Object.entries(needs)) {
      if ((word & netBits(name)) !== 0n && (word & netBits(needed)) === 0n) word &= ~netBits(name);
    }
  }
  return word;
}
