import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { ObservedDevice } from '../model/generated/observation.ts';
import { bitOf, type FeatureVocabulary } from '../model/virtio-features.ts';
import type { AskedDevice } from './ask-guest.ts';
import type { Seen } from './assemble.ts';

/** Features, driver status and virtqueues of a device of a running VM. */
export function seenOf(asked: AskedDevice, observed: ObservedDevice): Seen {
  const { status, virtqueues } = observed;
  const vocabulary = asked.kind === 'net' ? 'net' : 'block';
  return {
    negotiatedFeatures: wordOf(observed.guestFeatures, vocabulary, asked.unnamed, 'guest'),
    deviceFeatures: wordOf(observed.hostFeatures, vocabulary, asked.unnamed, 'device'),
    driverOk: isUnknown(status) ? status : status.includes('DRIVER_OK'),
    virtqueues: isUnknown(virtqueues)
      ? virtqueues
      : virtqueues.map(({ index, ready, size }) => ({ index, enabled: ready, size })),
  };
}

/** QEMU names the bits; a name that is not known here, or a bit without one, would be missing in the word. */
function wordOf(
  names: Fact<string[]>,
  vocabulary: FeatureVocabulary,
  unnamed: AskedDevice['unnamed'],
  which: 'guest' | 'device',
): Fact<string> {
  if (isUnknown(names)) return names;
  if (vocabulary === 'net' && isUnknown(unnamed)) return unnamed;
  let word = isUnknown(unnamed) ? 0n : unnamed[which];
  for (const name of names) {
    const bit = bitOf(vocabulary, name) ?? (Object.hasOwn(otherNames, name) ? otherNames[name] : undefined);
    if (bit === undefined) return unknown('malformed', `which bit ${name} is, is not known here`);
    word |= 1n << BigInt(bit);
  }
  return `0x${word.toString(16)}`;
}

/** Names that QEMU uses and the kernel's headers do not (hw/virtio/virtio-qmp.c). */
const otherNames: Readonly<Record<string, number>> = {
  VHOST_USER_F_PROTOCOL_FEATURES: 30,
  VIRTIO_F_IOMMU_PLATFORM: 33,
  VIRTIO_F_RING_PACKED: 34,
  VIRTIO_NET_F_CTRL_RX_EXTRA: 20,
  VIRTIO_RING_F_EVENT_IDX: 29,
  VIRTIO_RING_F_INDIRECT_DESC: 28,
};
