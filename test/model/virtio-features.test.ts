import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  bitOf,
  deviceClassOf,
  featureSet,
  hasFeature,
  vocabularyOf,
  type FeatureVocabulary,
} from '../../src/model/virtio-features.ts';
import { capturedFile, deviceOf, reportWith } from '../report-builder.ts';

const captured = reportWith();

describe('featureSet', () => {
  test.each<[name: string, vocabulary: FeatureVocabulary, key: 'features' | 'backendFeatures']>([
    ['vp0', 'net', 'features'],
    ['sim0', 'net', 'features'],
    ['blk0', 'block', 'features'],
    ['blk0', 'backend', 'backendFeatures'],
    ['vp0', 'backend', 'backendFeatures'],
  ])('the word that was captured from %s (%s)', (name, vocabulary, key) => {
    const set = deviceOf(captured, name).identity[key];
    if ('unknown' in set) throw new Error(`${capturedFile} has no ${key}`);
    expect(featureSet(BigInt(set.bits), vocabulary)).toEqual(set);
  });

  test.each<[word: bigint, vocabulary: FeatureVocabulary, bits: string, names: string[]]>([
    [0n, 'net', '0x0', []],
    [1n << 63n, 'net', '0x8000000000000000', ['VIRTIO_NET_F_SPEED_DUPLEX']],
    [1n << 63n, 'block', '0x8000000000000000', ['bit63']],
    [
      (1n << 24n) | (1n << 26n) | (1n << 41n),
      'other',
      '0x20005000000',
      ['VIRTIO_F_NOTIFY_ON_EMPTY', 'VHOST_F_LOG_ALL', 'VIRTIO_F_ADMIN_VQ'],
    ],
    [1n | (1n << 33n), 'other', '0x200000001', ['bit0', 'VIRTIO_F_ACCESS_PLATFORM']],
    // the same bit has another name in another class
    [1n << 9n, 'net', '0x200', ['VIRTIO_NET_F_GUEST_ECN']],
    [1n << 9n, 'block', '0x200', ['VIRTIO_BLK_F_FLUSH']],
    [1n << 4n, 'backend', '0x10', ['VHOST_BACKEND_F_SUSPEND']],
  ])('%s in %s', (word, vocabulary, bits, names) => {
    expect(featureSet(word, vocabulary)).toEqual({ bits, names });
  });
});

test.each<[vocabulary: FeatureVocabulary, name: string, bit: number | undefined]>([
  ['net', 'VIRTIO_NET_F_MQ', 22],
  ['net', 'VIRTIO_F_RING_PACKED', 34],
  ['block', 'VIRTIO_BLK_F_MQ', 12],
  ['block', 'VIRTIO_NET_F_MQ', undefined],
  ['backend', 'VHOST_BACKEND_F_RESUME', 5],
  ['other', 'VIRTIO_F_VERSION_1', 32],
  ['net', 'toString', undefined],
])('bitOf in %s: %s is %s', (vocabulary, name, bit) => {
  expect(bitOf(vocabulary, name)).toBe(bit);
});

// as in include/uapi/linux/virtio_net.h of Linux 6.12
test.each([
  [50, 'DEVICE_STATS'],
  [52, 'VQ_NOTF_COAL'],
  [53, 'NOTF_COAL'],
  [54, 'GUEST_USO4'],
  [55, 'GUEST_USO6'],
  [56, 'HOST_USO'],
  [57, 'HASH_REPORT'],
  [59, 'GUEST_HDRLEN'],
  [60, 'RSS'],
  [61, 'RSC_EXT'],
  [62, 'STANDBY'],
  [63, 'SPEED_DUPLEX'],
])('bit %i of net is %s', (bit, name) => {
  expect(featureSet(1n << BigInt(bit), 'net').names).toEqual([`VIRTIO_NET_F_${name}`]);
});

/** Names and bits that a header of this machine defines; none where it is not installed. */
function definesOf(header: string, prefix: string): [name: string, bit: number][] {
  const file = `/usr/include/linux/${header}`;
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').matchAll(/^#define\s+(\w+_F_\w+)\s+(0x[0-9a-f]+|\d+)\b/gm);
  return [...lines]
    .map(([, name = '', bit]): [string, number] => [name, Number(bit)])
    .filter(([name]) => name.startsWith(prefix));
}

const headers: [header: string, prefix: string, vocabulary: FeatureVocabulary, least: number][] = [
  ['virtio_net.h', 'VIRTIO_NET_F_', 'net', 20],
  ['virtio_blk.h', 'VIRTIO_BLK_F_', 'block', 10],
  ['virtio_ring.h', 'VIRTIO_RING_F_', 'other', 2],
  ['virtio_config.h', 'VIRTIO_F_', 'other', 8],
  ['vhost_types.h', 'VHOST_BACKEND_F_', 'backend', 3],
];

describe("names and bits are those of this machine's kernel headers", () => {
  for (const [header, prefix, vocabulary, least] of headers) {
    const defines = definesOf(header, prefix);
    test.skipIf(defines.length === 0)(`${header}${defines.length === 0 ? ' (it is not installed)' : ''}`, () => {
      expect(defines.length).toBeGreaterThanOrEqual(least);
      expect(defines.map(([name]) => [name, bitOf(vocabulary, name)])).toEqual(defines);
    });
  }
});

test.each([
  [1, 'net', 'net'],
  [2, 'block', 'block'],
  [26, 'fs', 'other'],
  [77, 'virtio-77', 'other'],
])('virtio id %i is class %s, its features are of vocabulary %s', (id, deviceClass, vocabulary) => {
  expect(deviceClassOf(id)).toBe(deviceClass);
  expect(vocabularyOf(id)).toBe(vocabulary);
});

test('the features of a device that is not known are written without class names', () => {
  expect(vocabularyOf(undefined)).toBe('other');
});

test('hasFeature', () => {
  const set = { bits: '0x400000', names: ['VIRTIO_NET_F_MQ'] };
  expect(hasFeature(set, 'VIRTIO_NET_F_MQ')).toBe(true);
  expect(hasFeature(set, 'VIRTIO_NET_F_MTU')).toBe(false);
});
