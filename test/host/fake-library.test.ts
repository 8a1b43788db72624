/** The whole way from a device node through ffi-rs to a C library that stands for the kernel; see fake-vhost-vdpa.c. */
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync, mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deviceFiles, holdOpen, type DeviceNode } from '../../src/host/device-node.ts';
import { nativeSyscalls } from '../../src/host/libc.ts';
import { clock } from '../../src/host/machine.ts';
import type { Syscalls } from '../../src/host/syscalls.ts';
import { isUnknown } from '../../src/model/fact.ts';
import { interrogate } from '../../src/probe/interrogate.ts';
import { compile, noCompiler } from './compiler.ts';

const why = noCompiler();

describe.skipIf(why !== undefined)(`a vhost-vdpa device made of C ${why ?? ''}`, () => {
  let directory: string;
  let syscalls: Syscalls;
  let node: DeviceNode;

  beforeAll(() => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'vdpa-qemu-test-'));
    const library = path.join(directory, 'fake.so');
    const source = readFileSync(path.resolve('test/host/fake-vhost-vdpa.c'), 'utf8');
    compile(source, library, ['-shared', '-fPIC', `-DDIRECTORY="${directory}"`]);
    syscalls = nativeSyscalls(library);
    // A character device that every user may open: 1:3 is /dev/null.
    node = { path: path.join(directory, 'vhost-vdpa-0'), major: 1, minor: 3 };
    symlinkSync('/dev/null', node.path);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  beforeEach(() => rmSync(path.join(directory, 'log'), { force: true }));

  function ask(scenario: string, maxVqs?: number) {
    writeFileSync(path.join(directory, 'scenario'), scenario);
    const held = holdOpen(node, { syscalls, files: deviceFiles, clock }, (device) => interrogate(device, maxVqs));
    if (isUnknown(held)) throw new Error(held.detail);
    return { ...held, log: readFileSync(path.join(directory, 'log'), 'utf8').trim().split('\n') };
  }

  test('everything in the order in which it can be answered, and left at status 0', () => {
    const { result, log } = ask('');
    expect(log).toEqual([
      'GET_DEVICE_ID',
      'GET_FEATURES',
      'GET_BACKEND_FEATURES',
      'GET_VQS_COUNT',
      'GET_VRING_NUM',
      'GET_CONFIG_SIZE',
      'GET_IOVA_RANGE',
      'GET_GROUP_NUM',
      'GET_AS_NUM',
      'SET_STATUS 3',
      'SET_FEATURES 0x300010020',
      'SET_STATUS 11',
      'GET_STATUS',
      'GET_CONFIG 0 12',
      ...[0, 1, 2].flatMap((index) => [`mmap ${index} protection 0`, 'munmap']),
      'SET_OWNER',
      ...[0, 1, 2].flatMap((index) => [`GET_VRING_GROUP ${index}`, `GET_VRING_SIZE ${index}`]),
      'SET_STATUS 0',
    ]);
    expect(result.identity).toMatchObject({
      virtioId: 1,
      features: { bits: '0x300010020' },
      backendFeatures: { bits: '0x10e' },
      vqCount: 3,
      vqSizeMax: 256,
      configSize: 12,
      iovaRange: { first: '0x0', last: '0xffffffffffff' },
      groupCount: 1,
      addressSpaceCount: 1,
      config: { class: 'net', mac: '52:54:00:12:34:56', maxVirtqueuePairs: 1 },
      negotiation: { bits: '0x300010020' },
    });
    expect(result.virtqueues).toMatchObject(
      [0, 1, 2].map((index) => ({ index, group: { unknown: 'EOPNOTSUPP' }, size: 256, doorbell: 'mapped' })),
    );
  });

  test('doorbells that the kernel does not map', () => {
    expect(ask('sub-page').result.virtqueues).toMatchObject([
      { doorbell: { refused: 'ENOTSUPP' } },
      { doorbell: { refused: 'EINVAL' } },
      { doorbell: { refused: 'EINVAL' } },
    ]);
  });

  test('an old kernel: EPERM means that it does not know the ioctl, and no doorbell is touched without a bound', () => {
    const { result, log } = ask('old-kernel');
    for (const name of ['vqCount', 'configSize', 'groupCount', 'addressSpaceCount'] as const) {
      expect(result.identity[name], name).toMatchObject({ unknown: 'not-supported' });
    }
    expect(result.identity.config).toEqual({ class: 'net', mac: '52:54:00:12:34:56', maxVirtqueuePairs: 1 });
    expect(result.virtqueues).toMatchObject({ unknown: 'not-supported' });
    expect(log.filter((line) => line.startsWith('mmap'))).toEqual([]);
    expect(log.at(-1)).toBe('SET_STATUS 0');
  });

  test('an old kernel whose netlink knows the number of virtqueues: ENOTTY from its owner', () => {
    const { result, log } = ask('old-kernel', 2);
    expect(result.identity.vqCount).toBe(2);
    const missing = { unknown: 'not-supported' };
    expect(result.virtqueues).toMatchObject([
      { index: 0, doorbell: 'mapped', group: missing, size: missing },
      { index: 1, doorbell: 'mapped', group: missing, size: missing },
    ]);
    expect(log.filter((line) => line.startsWith('mmap'))).toEqual(['mmap 0 protection 0', 'mmap 1 protection 0']);
  });

  test.each([
    ['refuse-features', 'VHOST_SET_FEATURES gave EINVAL'],
    ['drop-features-ok', 'lacks FEATURES_OK'],
  ])('%s: neither config space nor doorbells are asked for', (scenario, reason) => {
    const { result, log } = ask(scenario);
    expect(result.identity.negotiation).toMatchObject({
      unknown: 'EINVAL',
      detail: expect.stringContaining(reason) as string,
    });
    expect(result.identity.config).toMatchObject({ unknown: 'EINVAL' });
    expect(result.virtqueues).toMatchObject([0, 1, 2].map((index) => ({ index, doorbell: { unknown: 'not-asked' } })));
    expect(log.filter((line) => /^(mmap|GET_CONFIG |SET_OWNER)/.test(line))).toEqual([]);
    expect(log.at(-1)).toBe('SET_STATUS 0');
  });

  test('the device is held for less than 5 ms', () => {
    const times = Array.from({ length: 5 }, () => ask('').heldOpenMicroseconds);
    expect(Math.min(...times)).toBeGreaterThan(0);
    // the best of five: other processes of this machine are not meant
    expect(Math.min(...times)).toBeLessThan(5000);
  });

  test.each(['no trouble', 'old-kernel', 'refuse-features', 'drop-features-ok'])(
    '%s: nothing stays open',
    (scenario) => {
      const open = () => readdirSync('/proc/self/fd').length;
      const before = open();
      ask(scenario);
      expect(open()).toBe(before);
    },
  );
});
