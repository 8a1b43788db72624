import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { deviceFiles, holdOpen, type DeviceFiles, type DeviceNode } from '../../src/host/device-node.ts';
import { FakeVhost } from './fake-vhost.ts';
import { systemError, temporaryDirectory } from './fixtures.ts';

const node: DeviceNode = { path: '/dev/vhost-vdpa-0', major: 251, minor: 0 };

/** Files that say what they were asked; `open` may be made to fail. */
function edges(changes: Partial<Omit<DeviceFiles, 'close'>> = {}) {
  const calls: string[] = [];
  const kind = { isCharacterDevice: true, major: 251, minor: 0 };
  const plain: Omit<DeviceFiles, 'close'> = { stat: () => kind, fstat: () => kind, open: () => 7 };
  const files: DeviceFiles = {
    stat: (file) => (calls.push('stat'), (changes.stat ?? plain.stat)(file)),
    fstat: (fd) => (calls.push('fstat'), (changes.fstat ?? plain.fstat)(fd)),
    open: (file) => (calls.push('open'), (changes.open ?? plain.open)(file)),
    close: (fd) => void calls.push(`close ${fd}`),
  };
  let now = 0n;
  const syscalls = new FakeVhost();
  return { calls, syscalls, all: { syscalls, files, clock: () => (now += 1_500_000n) } };
}

const badInput = expect.objectContaining({ name: 'VdpaQemuError', code: 'bad-input' }) as Error;

describe('holdOpen', () => {
  test('opens, uses, resets, closes, and says for how long', () => {
    const { calls, syscalls, all } = edges();
    const held = holdOpen(node, all, (device) => (device.setStatus(3), device.getDeviceId()));
    expect(held).toEqual({ result: 1, heldOpenMicroseconds: 1500 });
    expect(calls).toEqual(['stat', 'open', 'fstat', 'close 7']);
    expect(syscalls.log).toEqual(['VHOST_VDPA_SET_STATUS 3', 'VHOST_VDPA_GET_DEVICE_ID', 'VHOST_VDPA_SET_STATUS 0']);
  });

  test('resets and closes also when the use of it throws', () => {
    const { calls, syscalls, all } = edges();
    const failing = () => {
      throw new Error('trouble');
    };
    expect(() => holdOpen(node, all, failing)).toThrow('trouble');
    expect(calls.at(-1)).toBe('close 7');
    expect(syscalls.log).toEqual(['VHOST_VDPA_SET_STATUS 0']);
  });

  test.each([
    ['EBUSY', 16, 'EBUSY', 'in use'],
    ['EACCES', 13, 'EACCES', 'no permission'],
    ['EPERM', 1, 'EPERM', 'cgroup'],
    ['Unknown system error -524', 524, 'ENOTSUPP', 'IOMMU'],
    ['ENOENT', 2, 'ENOENT', 'no such file'],
    ['ENXIO', 6, 'ENXIO', 'open gave ENXIO'],
  ])('%s (%i) at open is unknown %s', (code, errno, name, word) => {
    const { calls, syscalls, all } = edges({
      open: () => {
        throw systemError(code, errno);
      },
    });
    expect(holdOpen(node, all, () => 1)).toEqual({ unknown: name, detail: expect.stringContaining(word) as string });
    expect(calls).toEqual(['stat', 'open']);
    expect(syscalls.log).toEqual([]);
  });

  test('no such file', () => {
    const stat = () => {
      throw systemError('ENOENT', 2);
    };
    expect(holdOpen(node, edges({ stat }).all, () => 1)).toMatchObject({ unknown: 'ENOENT' });
  });

  test('what is no system error is passed on as a VdpaQemuError', () => {
    const open = () => {
      throw new TypeError('nonsense');
    };
    expect(() => holdOpen(node, edges({ open }).all, () => 1)).toThrow(
      expect.objectContaining({ code: 'system' }) as Error,
    );
  });

  test.each([
    ['no character device', { isCharacterDevice: false, major: 251, minor: 0 }],
    ['another device', { isCharacterDevice: true, major: 251, minor: 1 }],
    ['of another driver', { isCharacterDevice: true, major: 1, minor: 0 }],
  ])('%s is not opened', (_what, kind) => {
    const { calls, all } = edges({ stat: () => kind });
    expect(() => holdOpen(node, all, () => 1)).toThrow(badInput);
    expect(calls).toEqual(['stat']);
  });

  test('a path that becomes another device between stat and open gets no ioctl, and is closed', () => {
    const { calls, syscalls, all } = edges({ fstat: () => ({ isCharacterDevice: false, major: 0, minor: 0 }) });
    expect(() => holdOpen(node, all, () => 1)).toThrow(badInput);
    expect(calls.at(-1)).toBe('close 7');
    expect(syscalls.log).toEqual([]);
  });
});

describe('deviceFiles, on real files', () => {
  test.each(['plain file', 'directory', 'fifo'])('a %s is refused at once', (what) => {
    const file = path.join(temporaryDirectory(), 'vhost-vdpa-0');
    if (what === 'plain file') writeFileSync(file, '');
    else if (what === 'directory') mkdirSync(file);
    else execFileSync('mkfifo', [file]);
    const { all } = edges();
    expect(() => holdOpen({ ...node, path: file }, { ...all, files: deviceFiles }, () => 1)).toThrow(badInput);
  });

  test('a missing file, and a link to nowhere', () => {
    const file = path.join(temporaryDirectory(), 'vhost-vdpa-0');
    const files = { ...edges().all, files: deviceFiles };
    expect(holdOpen({ ...node, path: file }, files, () => 1)).toMatchObject({ unknown: 'ENOENT' });
    symlinkSync('/nowhere', file);
    expect(holdOpen({ ...node, path: file }, files, () => 1)).toMatchObject({ unknown: 'ENOENT' });
  });

  test('device numbers are taken apart as the shell does', () => {
    for (const file of ['/dev/null', '/dev/tty', '/dev/ptmx']) {
      const [major, minor] = execFileSync('stat', ['-L', '-c', '%Hr %Lr', file], { encoding: 'utf8' })
        .trim()
        .split(' ');
      expect(deviceFiles.stat(file)).toEqual({ isCharacterDevice: true, major: Number(major), minor: Number(minor) });
    }
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });
});
