import { describe, expect, test } from 'vitest';
import { VhostVdpa } from '../../src/host/vhost-vdpa.ts';
import { FakeVhost, type FakeVhostOptions } from './fake-vhost.ts';

function open(options: FakeVhostOptions = {}) {
  const kernel = new FakeVhost(options);
  return { kernel, device: new VhostVdpa(kernel, 7) };
}

/** An open device that has negotiated its features. */
function negotiated(options: FakeVhostOptions = {}) {
  const { kernel, device } = open(options);
  device.setStatus(3);
  device.setFeatures(0x300030020n);
  device.setStatus(11);
  kernel.log.length = 0;
  return { kernel, device };
}

test('each ioctl gives its value', () => {
  const { device } = negotiated();
  expect(device.getDeviceId()).toBe(1);
  expect(device.getStatus()).toBe(11);
  expect(device.getFeatures()).toBe(0x300030020n);
  expect(device.getBackendFeatures()).toBe(0x17en);
  expect(device.getVqsCount()).toBe(3);
  expect(device.getVringNum()).toBe(256);
  expect(device.getConfigSize()).toBe(12);
  expect(device.getIovaRange()).toEqual({ first: 0n, last: 0xffffffffffffffffn });
  expect(device.getGroupNum()).toBe(2);
  expect(device.getAsNum()).toBe(2);
  expect(device.getConfig(6, 2)).toEqual(Uint8Array.of(1, 0));
  expect(device.setOwner()).toBe('done');
  expect([0, 1, 2].map((index) => device.getVringGroup(index))).toEqual([0, 0, 1]);
  expect(device.getVringSize(2)).toBe(256);
});

test('64-bit words keep all their bits', () => {
  const { kernel, device } = open({ features: 0xffffffffffffffffn });
  expect(device.getFeatures()).toBe(0xffffffffffffffffn);
  expect(device.setFeatures(0x8000000000000001n)).toBe('done');
  expect(kernel.log.at(-1)).toBe('VHOST_SET_FEATURES 1,0,0,0,0,0,0,128');
});

describe('an ioctl that the kernel does not know', () => {
  const missing = ['VHOST_VDPA_GET_VQS_COUNT', 'VHOST_VDPA_GET_VRING_GROUP', 'VHOST_VDPA_GET_GROUP_NUM'];

  test('without an owner: EPERM', () => {
    expect(open({ missing }).device.getVqsCount()).toEqual({
      unknown: 'not-supported',
      detail: 'this kernel cannot tell: VHOST_VDPA_GET_VQS_COUNT gave EPERM; Linux 5.18 has it',
    });
  });

  test('with an owner: ENOTTY, or ENOBUFS where there is no virtqueue 0', () => {
    for (const vqs of [3, 0]) {
      const { device } = open({ missing, vqs });
      device.setOwner();
      expect(device.getGroupNum(), `${vqs} virtqueues`).toMatchObject({ unknown: 'not-supported' });
    }
  });

  test('of those for virtqueues, with an owner: ENOTTY', () => {
    const { device } = open({ missing });
    device.setOwner();
    expect(device.getVringGroup(1)).toMatchObject({ unknown: 'not-supported' });
  });
});

test('other failures are named: EPERM without an owner, EOPNOTSUPP of the parent driver, what the driver says', () => {
  const { device } = open({ failing: { VHOST_VDPA_GET_VRING_SIZE: 95, VHOST_SET_FEATURES: 22, VHOST_SET_OWNER: 12 } });
  expect(device.getVringGroup(0)).toEqual({ unknown: 'EPERM', detail: 'VHOST_VDPA_GET_VRING_GROUP gave EPERM' });
  expect(device.setFeatures(0n)).toEqual({ unknown: 'EINVAL', detail: 'VHOST_SET_FEATURES gave EINVAL' });
  expect(device.setOwner()).toMatchObject({ unknown: 'ENOMEM' });
  const owned = open({ failing: { VHOST_VDPA_GET_VRING_SIZE: 95 } }).device;
  owned.setOwner();
  expect(owned.getVringSize(0)).toMatchObject({
    unknown: 'EOPNOTSUPP',
    detail: expect.stringContaining('parent driver') as string,
  });
});

test('setStatus never starts a device', () => {
  const { kernel, device } = open();
  expect(() => device.setStatus(15)).toThrow(expect.objectContaining({ code: 'internal' }) as Error);
  expect(kernel.log).toEqual([]);
});

test.each([0, -1, 1.5, 65537, NaN])('getConfig refuses a length of %s', (length) => {
  const { kernel, device } = negotiated();
  expect(() => device.getConfig(0, length)).toThrow(expect.objectContaining({ code: 'internal' }) as Error);
  expect(kernel.log).toEqual([]);
});

test('getConfig refuses an offset that is no u32', () => {
  expect(() => negotiated().device.getConfig(-1, 4)).toThrow(expect.objectContaining({ code: 'internal' }) as Error);
});

describe('probeDoorbell', () => {
  test('maps one page and unmaps it at once', () => {
    const { kernel, device } = negotiated({ pageSize: 65536 });
    device.getVqsCount();
    expect(device.probeDoorbell(2)).toBe('mapped');
    expect(kernel.log).toEqual(['VHOST_VDPA_GET_VQS_COUNT', 'mmap 2', 'munmap']);
  });

  test.each([3, 4, 65535, -1, 0.5, NaN])('never asks the kernel for index %s of 3', (index) => {
    const { kernel, device } = negotiated();
    device.getVqsCount();
    expect(() => device.probeDoorbell(index)).toThrow(expect.objectContaining({ code: 'internal' }) as Error);
    expect(kernel.log).not.toContain(`mmap ${index}`);
  });

  test('never asks the kernel while the number of virtqueues is not known', () => {
    const { kernel, device } = negotiated({ missing: ['VHOST_VDPA_GET_VQS_COUNT'] });
    expect(device.probeDoorbell(0)).toMatchObject({ unknown: 'not-asked' });
    device.getVqsCount();
    expect(device.probeDoorbell(0)).toMatchObject({ unknown: 'not-asked' });
    expect(kernel.log).toEqual(['VHOST_VDPA_GET_VQS_COUNT']);
  });

  test('takes a bound from elsewhere, but never a larger one than the kernel gave', () => {
    const old = negotiated({ missing: ['VHOST_VDPA_GET_VQS_COUNT'] }).device;
    old.boundVqs(1);
    expect(old.probeDoorbell(0)).toBe('mapped');
    expect(() => old.probeDoorbell(1)).toThrow();
    const { device } = negotiated();
    device.getVqsCount();
    device.boundVqs(100);
    expect(() => device.probeDoorbell(3)).toThrow();
    expect(() => device.boundVqs(-1)).toThrow();
  });

  test.each([
    [22, { refused: 'EINVAL' }],
    [524, { refused: 'ENOTSUPP' }],
    [19, { refused: 'ENODEV' }],
    [12, { unknown: 'ENOMEM', detail: 'mmap of the doorbell gave ENOMEM' }],
    [13, { unknown: 'EACCES', detail: 'mmap of the doorbell gave EACCES' }],
  ])('errno %i is %o', (errno, expected) => {
    const { device } = negotiated({ doorbell: () => errno });
    device.getVqsCount();
    expect(device.probeDoorbell(0)).toEqual(expected);
  });

  test('does not go on where the mapping would stay', () => {
    const { device } = negotiated({ munmapErrno: 22 });
    device.getVqsCount();
    expect(() => device.probeDoorbell(0)).toThrow(expect.objectContaining({ code: 'system' }) as Error);
  });
});
