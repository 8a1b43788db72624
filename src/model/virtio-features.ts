import type { FeatureSet } from './generated/host-report.ts';

/**
 * Feature bit names, as in the Linux UAPI headers: virtio_config.h, virtio_net.h, virtio_blk.h and vhost_types.h.
 * Bits 0..23 and 50..63 belong to the device class, 24..49 to the transport.
 */
const transport: Readonly<Record<number, string>> = {
  24: 'VIRTIO_F_NOTIFY_ON_EMPTY',
  26: 'VHOST_F_LOG_ALL',
  27: 'VIRTIO_F_ANY_LAYOUT',
  28: 'VIRTIO_RING_F_INDIRECT_DESC',
  29: 'VIRTIO_RING_F_EVENT_IDX',
  32: 'VIRTIO_F_VERSION_1',
  33: 'VIRTIO_F_ACCESS_PLATFORM',
  34: 'VIRTIO_F_RING_PACKED',
  35: 'VIRTIO_F_IN_ORDER',
  36: 'VIRTIO_F_ORDER_PLATFORM',
  37: 'VIRTIO_F_SR_IOV',
  38: 'VIRTIO_F_NOTIFICATION_DATA',
  39: 'VIRTIO_F_NOTIF_CONFIG_DATA',
  40: 'VIRTIO_F_RING_RESET',
  41: 'VIRTIO_F_ADMIN_VQ',
};

const net: Readonly<Record<number, string>> = {
  0: 'VIRTIO_NET_F_CSUM',
  1: 'VIRTIO_NET_F_GUEST_CSUM',
  2: 'VIRTIO_NET_F_CTRL_GUEST_OFFLOADS',
  3: 'VIRTIO_NET_F_MTU',
  5: 'VIRTIO_NET_F_MAC',
  6: 'VIRTIO_NET_F_GSO',
  7: 'VIRTIO_NET_F_GUEST_TSO4',
  8: 'VIRTIO_NET_F_GUEST_TSO6',
  9: 'VIRTIO_NET_F_GUEST_ECN',
  10: 'VIRTIO_NET_F_GUEST_UFO',
  11: 'VIRTIO_NET_F_HOST_TSO4',
  12: 'VIRTIO_NET_F_HOST_TSO6',
  13: 'VIRTIO_NET_F_HOST_ECN',
  14: 'VIRTIO_NET_F_HOST_UFO',
  15: 'VIRTIO_NET_F_MRG_RXBUF',
  16: 'VIRTIO_NET_F_STATUS',
  17: 'VIRTIO_NET_F_CTRL_VQ',
  18: 'VIRTIO_NET_F_CTRL_RX',
  19: 'VIRTIO_NET_F_CTRL_VLAN',
  20: 'VIRTIO_NET_F_CTRL_RX_EXTRA',
  21: 'VIRTIO_NET_F_GUEST_ANNOUNCE',
  22: 'VIRTIO_NET_F_MQ',
  23: 'VIRTIO_NET_F_CTRL_MAC_ADDR',
  50: 'VIRTIO_NET_F_DEVICE_STATS',
  51: 'VIRTIO_NET_F_HASH_TUNNEL',
  52: 'VIRTIO_NET_F_VQ_NOTF_COAL',
  53: 'VIRTIO_NET_F_NOTF_COAL',
  54: 'VIRTIO_NET_F_GUEST_USO4',
  55: 'VIRTIO_NET_F_GUEST_USO6',
  56: 'VIRTIO_NET_F_HOST_USO',
  57: 'VIRTIO_NET_F_HASH_REPORT',
  59: 'VIRTIO_NET_F_GUEST_HDRLEN',
  60: 'VIRTIO_NET_F_RSS',
  61: 'VIRTIO_NET_F_RSC_EXT',
  62: 'VIRTIO_NET_F_STANDBY',
  63: 'VIRTIO_NET_F_SPEED_DUPLEX',
};

const block: Readonly<Record<number, string>> = {
  0: 'VIRTIO_BLK_F_BARRIER',
  1: 'VIRTIO_BLK_F_SIZE_MAX',
  2: 'VIRTIO_BLK_F_SEG_MAX',
  4: 'VIRTIO_BLK_F_GEOMETRY',
  5: 'VIRTIO_BLK_F_RO',
  6: 'VIRTIO_BLK_F_BLK_SIZE',
  7: 'VIRTIO_BLK_F_SCSI',
  9: 'VIRTIO_BLK_F_FLUSH',
  10: 'VIRTIO_BLK_F_TOPOLOGY',
  11: 'VIRTIO_BLK_F_CONFIG_WCE',
  12: 'VIRTIO_BLK_F_MQ',
  13: 'VIRTIO_BLK_F_DISCARD',
  14: 'VIRTIO_BLK_F_WRITE_ZEROES',
  16: 'VIRTIO_BLK_F_SECURE_ERASE',
  17: 'VIRTIO_BLK_F_ZONED',
};

const backend: Readonly<Record<number, string>> = {
  1: 'VHOST_BACKEND_F_IOTLB_MSG_V2',
  2: 'VHOST_BACKEND_F_IOTLB_BATCH',
  3: 'VHOST_BACKEND_F_IOTLB_ASID',
  4: 'VHOST_BACKEND_F_SUSPEND',
  5: 'VHOST_BACKEND_F_RESUME',
  6: 'VHOST_BACKEND_F_ENABLE_AFTER_DRIVER_OK',
  7: 'VHOST_BACKEND_F_DESC_ASID',
  8: 'VHOST_BACKEND_F_IOTLB_PERSIST',
};

/** Which vocabulary a feature word is written in. */
export type FeatureVocabulary = 'net' | 'block' | 'backend' | 'other';

const vocabularies: Record<FeatureVocabulary, Readonly<Record<number, string>>> = {
  net: { ...transport, ...net },
  block: { ...transport, ...block },
  backend,
  other: transport,
};

/** virtio device ids (virtio 1.3, section 5) that have a vDPA parent in Linux or a driver in guests. */
const classes: Readonly<Record<number, string>> = {
  1: 'net',
  2: 'block',
  3: 'console',
  4: 'rng',
  8: 'scsi',
  16: 'gpu',
  19: 'vsock',
  20: 'crypto',
  26: 'fs',
};

/** `net` for 1, `block` for 2 ..; `virtio-N` where we have no word for it. */
export function deviceClassOf(virtioId: number): string {
  return classes[virtioId] ?? `virtio-${virtioId}`;
}

/** The vocabulary of a device's feature word. */
export function vocabularyOf(virtioId: number | undefined): FeatureVocabulary {
  return virtioId === 1 ? 'net' : virtioId === 2 ? 'block' : 'other';
}

/** The bit number of a name in a vocabulary, e.g. VIRTIO_NET_F_MQ in net is 22. */
export function bitOf(vocabulary: FeatureVocabulary, name: string): number | undefined {
  for (const [bit, known] of Object.entries(vocabularies[vocabulary])) if (known === name) return Number(bit);
  return undefined;
}

/** A feature word as the reports write it: hex, and names in bit order. */
export function featureSet(word: bigint, vocabulary: FeatureVocabulary): FeatureSet {
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if ((word >> BigInt(bit)) & 1n) names.push(vocabularies[vocabulary][bit] ?? `bit${bit}`);
  }
  return { bits: `0x${word.toString(16)}`, names };
}

export function hasFeature(set: FeatureSet, name: string): boolean {
  return set.names.includes(name);
}
