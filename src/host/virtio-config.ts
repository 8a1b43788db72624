import type { Identity } from '../model/generated/host-report.ts';
import { bitOf, type FeatureVocabulary } from '../model/virtio-features.ts';

/** virtio device ids, virtio 1.3 section 5 */
export const VIRTIO_ID_NET = 1;
export const VIRTIO_ID_BLOCK = 2;

/** Bytes of config space that parseVirtioConfig() looks at; 0 where it knows no layout. */
export function configBytesOf(virtioId: number): number {
  return virtioId === VIRTIO_ID_NET ? 12 : virtioId === VIRTIO_ID_BLOCK ? 36 : 0;
}

/**
 * The fields that matter of a virtio config space, which is little-endian. A field is there only where its feature is
 * offered (virtio 1.3, 5.1.4 and 5.2.4) and `bytes` reach so far.
 * @param features the feature word that the device offers
 */
export function parseVirtioConfig(virtioId: number, features: bigint, bytes: Uint8Array): Identity['config'] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (virtioId === VIRTIO_ID_NET) return netConfig(features, view);
  if (virtioId === VIRTIO_ID_BLOCK) return blockConfig(features, view);
  return { class: 'other' };
}

/** struct virtio_net_config { u8 mac[6]; le16 status; le16 max_virtqueue_pairs; le16 mtu; .. } */
function netConfig(features: bigint, view: DataView): Identity['config'] {
  const offers = (name: string) => isOffered(features, 'net', `VIRTIO_NET_F_${name}`);
  const manyPairs = offers('MQ') || offers('RSS');
  return {
    class: 'net',
    ...(offers('MAC') && view.byteLength >= 6 ? { mac: macOf(view) } : {}),
    ...(!manyPairs ? { maxVirtqueuePairs: 1 } : field('maxVirtqueuePairs', u16(view, 8))),
    ...(offers('MTU') ? field('mtu', u16(view, 10)) : {}),
  };
}

/** struct virtio_blk_config { le64 capacity; le32 size_max, seg_max; geometry; le32 blk_size; .. le16 num_queues; .. } */
function blockConfig(features: bigint, view: DataView): Identity['config'] {
  const offers = (name: string) => isOffered(features, 'block', `VIRTIO_BLK_F_${name}`);
  return {
    class: 'block',
    ...(view.byteLength >= 8 ? { capacity: `0x${view.getBigUint64(0, true).toString(16)}` } : {}),
    ...(offers('SIZE_MAX') ? field('sizeMax', u32(view, 8)) : {}),
    ...(offers('SEG_MAX') ? field('segMax', u32(view, 12)) : {}),
    ...(offers('BLK_SIZE') ? field('blockSize', u32(view, 20)) : {}),
    ...(!offers('MQ') ? { queueCount: 1 } : field('queueCount', u16(view, 34))),
  };
}

function isOffered(features: bigint, vocabulary: FeatureVocabulary, name: string): boolean {
  const bit = bitOf(vocabulary, name);
  return bit !== undefined && ((features >> BigInt(bit)) & 1n) === 1n;
}

function macOf(view: DataView): string {
  return Array.from({ length: 6 }, (_, index) => view.getUint8(index).toString(16).padStart(2, '0')).join(':');
}

function field<K extends string>(name: K, value: number | undefined): Partial<Record<K, number>> {
  return (value === undefined ? {} : { [name]: value }) as Partial<Record<K, number>>;
}

function u16(view: DataView, offset: number): number | undefined {
  return view.byteLength >= offset + 2 ? view.getUint16(offset, true) : undefined;
}

function u32(view: DataView, offset: number): number | undefined {
  return view.byteLength >= offset + 4 ? view.getUint32(offset, true) : undefined;
}
