import { describe, expect, test } from 'vitest';
import { VhostVdpa } from '../../src/host/vhost-vdpa.ts';
import { interrogate } from '../../src/probe/interrogate.ts';
import { FakeVhost, type FakeVhostOptions } from '../host/fake-vhost.ts';

/** FakeVhost throws at whatever a careful program does not do, so each of these is also a test of order and bounds. */
function ask(options: FakeVhostOptions = {}, maxVqs?: number) {
  const kernel = new FakeVhost(options);
  return { ...interrogate(new VhostVdpa(kernel, 7), maxVqs), log: kernel.log };
}

describe('a network device', () => {
  test('all that it can tell', () => {
    const { identity, virtqueues } = ask();
    expect(identity).toEqual({
      virtioId: 1,
      features: expect.objectContaining({ bits: '0x300030020' }) as object,
      backendFeatures: expect.objectContaining({ bits: '0x17e' }) as object,
      vqCount: 3,
      vqSizeMax: 256,
      configSize: 12,
      iovaRange: { first: '0x0', last: '0xffffffffffffffff' },
      groupCount: 2,
      addressSpaceCount: 2,
      config: { class: 'net', mac: '52:54:00:12:34:56', maxVirtqueuePairs: 1 },
      negotiation: identity.features,
    });
    expect(virtqueues).toEqual([
      { index: 0, group: 0, size: 256, doorbell: 'mapped' },
      { index: 1, group: 0, size: 256, doorbell: 'mapped' },
      { index: 2, group: 1, size: 256, doorbell: 'mapped' },
    ]);
  });

  test('negotiates what is offered, then reads the config space, then asks for doorbells, then takes ownership', () => {
    const steps = [
      'VHOST_VDPA_SET_STATUS 3',
      'VHOST_SET_FEATURES 32,0,3,0,3,0,0,0',
      'VHOST_VDPA_SET_STATUS 11',
      'VHOST_VDPA_GET_STATUS',
      'VHOST_VDPA_GET_CONFIG',
      'mmap 0',
      'VHOST_SET_OWNER',
      'VHOST_VDPA_GET_VRING_GROUP',
    ];
    const { log } = ask();
    const places = steps.map((step) => log.indexOf(step));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test('a doorbell per virtqueue: one without does not hide the others (mlx5 and its control virtqueue)', () => {
    expect(ask({ doorbell: (index) => (index === 2 ? 524 : 0) }).virtqueues).toMatchObject([
      { doorbell: 'mapped' },
      { doorbell: 'mapped' },
      { doorbell: { refused: 'ENOTSUPP' } },
    ]);
  });

  test('65 virtqueues', () => {
    expect(ask({ vqs: 65 }).virtqueues).toHaveLength(65);
  });

  test('none', () => {
    expect(ask({ vqs: 0 }).virtqueues).toEqual([]);
  });
});

test('a block device', () => {
  const config = new Uint8Array(96);
  config[4] = 1;
  expect(ask({ deviceId: 2, vqs: 1, config }).identity).toMatchObject({
    virtioId: 2,
    config: { class: 'block', capacity: '0x100000000', queueCount: 1 },
  });
});

test('of other devices no config space is read', () => {
  const { identity, log } = ask({ deviceId: 26 });
  expect(identity.config).toEqual({ class: 'other' });
  expect(log).not.toContain('VHOST_VDPA_GET_CONFIG');
});

test('a config space that is shorter than its features say', () => {
  expect(ask({ config: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }).identity.config).toMatchObject({
    mac: '01:02:03:04:05:06',
  });
  expect(ask({ config: new Uint8Array(0) }).identity.config).toEqual({ class: 'net', maxVirtqueuePairs: 1 });
});

describe('what the kernel does not know or refuses', () => {
  test('the config space', () => {
    expect(ask({ failing: { VHOST_VDPA_GET_CONFIG: 12 } }).identity.config).toMatchObject({ unknown: 'ENOMEM' });
  });

  test('the kind of device', () => {
    const { identity } = ask({ failing: { VHOST_VDPA_GET_DEVICE_ID: 14 } });
    expect(identity).toMatchObject({ virtioId: { unknown: 'EFAULT' }, config: { unknown: 'EFAULT' } });
  });

  test('the iova range', () => {
    expect(ask({ missing: ['VHOST_VDPA_GET_IOVA_RANGE'] }).identity.iovaRange).toMatchObject({
      unknown: 'not-supported',
    });
  });

  test('ownership: the doorbells are known, group and size are not', () => {
    const taken = { unknown: 'EBUSY' };
    expect(ask({ failing: { VHOST_SET_OWNER: 16 }, vqs: 1 }).virtqueues).toMatchObject([
      { doorbell: 'mapped', group: taken, size: taken },
    ]);
  });
});

describe('the number of virtqueues', () => {
  const missing = ['VHOST_VDPA_GET_VQS_COUNT'];

  test('not known at all: no doorbell is asked for', () => {
    const { identity, virtqueues, log } = ask({ missing });
    expect(identity.vqCount).toMatchObject({ unknown: 'not-supported' });
    expect(virtqueues).toMatchObject({ unknown: 'not-supported' });
    expect(log.join()).not.toContain('mmap');
  });

  test('known by netlink', () => {
    const { identity, virtqueues } = ask({ missing }, 2);
    expect(identity.vqCount).toBe(2);
    expect(virtqueues).toMatchObject([{ doorbell: 'mapped' }, { doorbell: 'mapped' }]);
  });

  test('the kernel wins over netlink', () => {
    expect(ask({}, 1000).virtqueues).toHaveLength(3);
  });

  test('netlink says nonsense, or the kernel fails in another way', () => {
    expect(ask({ missing }, 65537).virtqueues).toMatchObject({ unknown: 'not-supported' });
    expect(ask({ failing: { VHOST_VDPA_GET_VQS_COUNT: 14 } }, 2).virtqueues).toMatchObject({ unknown: 'EFAULT' });
    expect(ask({ vqs: 100_000 }).virtqueues).toMatchObject({ unknown: 'malformed' });
  });
});

describe('negotiation that fails: neither config space nor doorbells nor groups are asked for', () => {
  test.each([
    ['the device refuses its features', { failing: { VHOST_SET_FEATURES: 22 } }, 'EINVAL'],
    ['the features cannot be read', { failing: { VHOST_GET_FEATURES: 14 } }, 'EFAULT'],
    ['the status cannot be set', { failing: { VHOST_VDPA_SET_STATUS: 22 } }, 'EINVAL'],
    ['the status cannot be read', { failing: { VHOST_VDPA_GET_STATUS: 14 } }, 'EFAULT'],
    ['FEATURES_OK does not last', { dropsFeaturesOk: true }, 'EINVAL'],
  ])('%s', (_what, options, reason) => {
    const { identity, virtqueues, log } = ask(options);
    expect(identity).toMatchObject({ negotiation: { unknown: reason }, config: { unknown: reason } });
    expect(virtqueues).toMatchObject([0, 1, 2].map((index) => ({ index, doorbell: { unknown: 'not-asked' } })));
    expect(log.filter((line) => /^mmap|GET_CONFIG$|SET_OWNER|VRING_GROUP/.test(line))).toEqual([]);
  });
});
