import { describe, expect, test } from 'vitest';
import { classOf, controlVirtqueueOf, queuePairsOf, roleOf } from '../../src/doorbell/virtqueue-role.ts';
import { unknown } from '../../src/model/fact.ts';
import {
  deviceOf,
  identity,
  netConfig,
  queuePairs,
  reportWith,
  withFeature,
  withoutFeature,
  type Edit,
} from '../report-builder.ts';

const mq = withFeature('vp0', 'VIRTIO_NET_F_MQ');
const noConfig = identity('vp0', { config: unknown('EBUSY', 'x') });
const noPairs = netConfig('vp0', { maxVirtqueuePairs: undefined });
const zeroPairs = netConfig('vp0', { maxVirtqueuePairs: 0 });
const noFeatures = identity('vp0', { features: unknown('EBUSY', 'x') });

const found = (name: string, edits: Edit[]) => deviceOf(reportWith(...edits), name);

describe('queuePairsOf', () => {
  test.each<[what: string, name: string, edits: Edit[], pairs: number | undefined]>([
    ['captured', 'vp0', [], 1],
    ['four', 'vp0', [queuePairs('vp0', 4)], 4],
    ['no net device', 'blk0', [], undefined],
    ['config space not known', 'vp0', [mq, noConfig], undefined],
    ['without MQ there is one, whatever the config space says', 'vp0', [noConfig], 1],
    ['features not known', 'vp0', [queuePairs('vp0', 2), noFeatures], 2],
    ['config space cut off', 'vp0', [mq, noPairs], undefined],
    ['none, which no device may say', 'vp0', [queuePairs('vp0', 1), zeroPairs], undefined],
  ])('%s', (_, name, edits, pairs) => {
    expect(queuePairsOf(found(name, edits))).toBe(pairs);
  });
});

describe('controlVirtqueueOf', () => {
  test.each<[what: string, name: string, edits: Edit[], index: number | undefined]>([
    ['captured', 'vp0', [], 2],
    ['after four pairs', 'vp0', [queuePairs('vp0', 4)], 8],
    ['not offered', 'vp0', [withoutFeature('vp0', 'VIRTIO_NET_F_CTRL_VQ')], undefined],
    ['features not known', 'vp0', [noFeatures], undefined],
    ['pairs not known', 'vp0', [mq, noPairs], undefined],
    ['no pairs: the first virtqueue is none', 'vp0', [queuePairs('vp0', 1), zeroPairs], undefined],
    ['no net device', 'blk0', [], undefined],
  ])('%s', (_, name, edits, index) => {
    expect(controlVirtqueueOf(found(name, edits))).toBe(index);
  });
});

describe('classOf and roleOf', () => {
  test.each<[what: string, name: string, edits: Edit[], deviceClass: string, roles: string[]]>([
    ['net', 'vp0', [], 'net', ['rx0', 'tx0', 'control', 'tx1']],
    [
      'net without control',
      'vp0',
      [withoutFeature('vp0', 'VIRTIO_NET_F_CTRL_VQ')],
      'net',
      ['rx0', 'tx0', 'rx1', 'tx1'],
    ],
    ['block', 'blk0', [], 'block', ['request0', 'request1', 'request2', 'request3']],
    ['file system', 'vp0', [identity('vp0', { virtioId: 26 })], 'fs', ['vq0', 'vq1', 'vq2', 'vq3']],
    ['another', 'vp0', [identity('vp0', { virtioId: 99 })], 'virtio-99', ['vq0', 'vq1', 'vq2', 'vq3']],
    [
      'not known',
      'vp0',
      [identity('vp0', { virtioId: unknown('EBUSY', 'x') })],
      'unknown',
      ['vq0', 'vq1', 'vq2', 'vq3'],
    ],
  ])('%s', (_, name, edits, deviceClass, roles) => {
    const device = found(name, edits);
    expect(classOf(device)).toBe(deviceClass);
    expect(roles.map((_role, index) => roleOf(device, index))).toEqual(roles);
  });
});
