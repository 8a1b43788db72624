import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configBytesOf, parseVirtioConfig } from '../../src/host/virtio-config.ts';

const bit = (...bits: number[]) => bits.reduce((word, position) => word | (1n << BigInt(position)), 0n);
// mac 52:54:00:12:34:56, status 1, max_virtqueue_pairs 8, mtu 9000
const net = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56, 1, 0, 8, 0, 0x28, 0x23);

describe('net', () => {
  test.each([
    ['nothing', 0n, { maxVirtqueuePairs: 1 }],
    ['MAC', bit(5), { mac: '52:54:00:12:34:56', maxVirtqueuePairs: 1 }],
    ['MQ', bit(22), { maxVirtqueuePairs: 8 }],
    ['RSS', bit(60), { maxVirtqueuePairs: 8 }],
    ['MTU', bit(3), { maxVirtqueuePairs: 1, mtu: 9000 }],
    ['all', bit(3, 5, 22, 60), { mac: '52:54:00:12:34:56', maxVirtqueuePairs: 8, mtu: 9000 }],
  ])('%s offered', (_what, features, fields) => {
    expect(parseVirtioConfig(1, features, net)).toEqual({ class: 'net', ...fields });
  });

  test('a short config space has the fields that it reaches', () => {
    const all = bit(3, 5, 22);
    expect(parseVirtioConfig(1, all, net.subarray(0, 10))).toEqual({
      class: 'net',
      mac: '52:54:00:12:34:56',
      maxVirtqueuePairs: 8,
    });
    expect(parseVirtioConfig(1, all, net.subarray(0, 5))).toEqual({ class: 'net' });
  });
});

describe('block', () => {
  const view = new DataView(new ArrayBuffer(36));
  view.setBigUint64(0, 0x1_0000_0000n, true);
  view.setUint32(8, 4096, true);
  view.setUint32(12, 32, true);
  view.setUint32(20, 512, true);
  view.setUint16(34, 4, true);
  const block = new Uint8Array(view.buffer);

  test.each([
    ['nothing', 0n, { queueCount: 1 }],
    ['SIZE_MAX', bit(1), { sizeMax: 4096, queueCount: 1 }],
    ['SEG_MAX', bit(2), { segMax: 32, queueCount: 1 }],
    ['BLK_SIZE', bit(6), { blockSize: 512, queueCount: 1 }],
    ['MQ', bit(12), { queueCount: 4 }],
  ])('%s offered', (_what, features, fields) => {
    expect(parseVirtioConfig(2, features, block)).toEqual({ class: 'block', capacity: '0x100000000', ...fields });
  });

  test('a short config space has the fields that it reaches', () => {
    expect(parseVirtioConfig(2, bit(1, 2, 6, 12), block.subarray(0, 7))).toEqual({ class: 'block' });
  });
});

test('of other devices nothing is known', () => {
  expect(parseVirtioConfig(26, bit(5), net)).toEqual({ class: 'other' });
  expect([1, 2, 26].map(configBytesOf)).toEqual([12, 36, 0]);
});

test('any bytes are taken', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 30 }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.uint8Array(),
      (id, features, bytes) => {
        expect(parseVirtioConfig(id, features, bytes)).toHaveProperty('class');
      },
    ),
  );
});
