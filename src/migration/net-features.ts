import { bitOf, featureSet } from '../model/virtio-features.ts';

/** The word with the bits of these net features. Names are our own, so one that is not known is a fault of ours. */
export function netBits(...names: readonly string[]): bigint {
  return names.reduce((word, name) => {
    const bit = bitOf('net', name);
    if (bit === undefined) throw new Error(`no net feature ${name}`);
    return word | (1n << BigInt(bit));
  }, 0n);
}

/** Names of the bits in a net feature word, as people read them: GUEST_ANNOUNCE, RING_RESET. */
export function netNames(word: bigint): string {
  return featureSet(word, 'net')
    .names.map((name) => name.replace(/^VIRTIO_(NET_F_|RING_F_|F_)/, ''))
    .join(', ');
}
