import type { VhostVdpa } from '../host/vhost-vdpa.ts';
import { configBytesOf, parseVirtioConfig } from '../host/virtio-config.ts';
import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { Identity, Unknown, VdpaDevice, Virtqueue } from '../model/generated/host-report.ts';
import { featureSet, vocabularyOf, type FeatureVocabulary } from '../model/virtio-features.ts';

/** virtio 1.3, 2.1 */
const ACKNOWLEDGE_DRIVER = 1 | 2;
const FEATURES_OK = 8;
/** indexes are 16 bits wide in virtio */
const MAX_VQS = 65536;

/** What an open device said. */
export type Interrogation = Pick<VdpaDevice, 'identity' | 'virtqueues'>;

/**
 * Asks an open, idle device everything, in the order in which it can be answered: what needs no negotiation; the
 * negotiation that QEMU would do; config space and doorbells, which some drivers know only after it (mlx5, pds_vdpa);
 * and last what needs an owner. Synchronous and without file access, for the device is held meanwhile.
 * @param maxVqs bound of virtqueue indexes from netlink, for kernels without VHOST_VDPA_GET_VQS_COUNT
 */
export function interrogate(device: VhostVdpa, maxVqs?: number): Interrogation {
  const virtioId = device.getDeviceId();
  const vocabulary = vocabularyOf(isUnknown(virtioId) ? undefined : virtioId);
  const offered = device.getFeatures();
  const backendFeatures = device.getBackendFeatures();
  const vqCount = vqCountOf(device, maxVqs);
  const before = {
    virtioId,
    features: words(offered, vocabulary),
    backendFeatures: words(backendFeatures, 'backend'),
    vqCount,
    vqSizeMax: device.getVringNum(),
    configSize: device.getConfigSize(),
    iovaRange: iovaRangeOf(device),
    groupCount: device.getGroupNum(),
    addressSpaceCount: device.getAsNum(),
  };
  const negotiated = negotiate(device, offered);
  const config = isUnknown(negotiated) ? negotiated : configOf(device, virtioId, negotiated, before.configSize);
  const virtqueues = virtqueuesOf(device, vqCount, negotiated);
  return { identity: { ...before, config, negotiation: words(negotiated, vocabulary) }, virtqueues };
}

/** As QEMU does for a guest that takes all that is offered (hw/virtio/vhost-vdpa.c: vhost_vdpa_set_features()). */
function negotiate(device: VhostVdpa, offered: Fact<bigint>): Fact<bigint> {
  if (isUnknown(offered)) return offered;
  const steps = [
    () => device.setStatus(ACKNOWLEDGE_DRIVER),
    () => device.setFeatures(offered),
    () => device.setStatus(ACKNOWLEDGE_DRIVER | FEATURES_OK),
  ];
  for (const step of steps) {
    const done = step();
    if (isUnknown(done)) return done;
  }
  const status = device.getStatus();
  if (isUnknown(status)) return status;
  if ((status & FEATURES_OK) !== 0) return offered;
  return unknown('EINVAL', `the device did not take the features that it offers: status ${status} lacks FEATURES_OK`);
}

function vqCountOf(device: VhostVdpa, maxVqs: number | undefined): Fact<number> {
  const count = device.getVqsCount();
  if (!isUnknown(count) || count.unknown !== 'not-supported') return count;
  if (maxVqs === undefined || maxVqs > MAX_VQS) return count;
  device.boundVqs(maxVqs);
  return maxVqs;
}

function virtqueuesOf(device: VhostVdpa, vqCount: Fact<number>, negotiated: Fact<bigint>): Virtqueue[] | Unknown {
  if (isUnknown(vqCount)) return vqCount;
  if (vqCount > MAX_VQS) return unknown('malformed', `the device claims ${vqCount} virtqueues`);
  const indexes = Array.from({ length: vqCount }, (_, index) => index);
  // Before FEATURES_OK the answers would be those of another device than a guest gets.
  if (isUnknown(negotiated)) return indexes.map((index) => ({ index, doorbell: notNegotiated(negotiated) }));
  const doorbells = indexes.map((index) => device.probeDoorbell(index));
  const owner = device.setOwner();
  return doorbells.map((doorbell, index) => ({
    index,
    group: isUnknown(owner) ? owner : device.getVringGroup(index),
    size: isUnknown(owner) ? owner : device.getVringSize(index),
    doorbell,
  }));
}

function notNegotiated(reason: Unknown): Unknown {
  return unknown('not-asked', `the features could not be negotiated: ${reason.detail}`);
}

function configOf(
  device: VhostVdpa,
  virtioId: Fact<number>,
  offered: bigint,
  configSize: Fact<number>,
): Identity['config'] {
  if (isUnknown(virtioId)) return virtioId;
  const wanted = configBytesOf(virtioId);
  const length = isUnknown(configSize) ? wanted : Math.min(wanted, configSize);
  if (length === 0) return parseVirtioConfig(virtioId, offered, new Uint8Array(0));
  const bytes = device.getConfig(0, length);
  return isUnknown(bytes) ? bytes : parseVirtioConfig(virtioId, offered, bytes);
}

function iovaRangeOf(device: VhostVdpa): Identity['iovaRange'] {
  const range = device.getIovaRange();
  if (isUnknown(range)) return range;
  return { first: `0x${range.first.toString(16)}`, last: `0x${range.last.toString(16)}` };
}

function words(word: Fact<bigint>, vocabulary: FeatureVocabulary): Identity['features'] {
  return isUnknown(word) ? word : featureSet(word, vocabulary);
}
