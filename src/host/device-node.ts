import fs from 'node:fs';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import { isUnknown, unknown } from '../model/fact.ts';
import type { Unknown } from '../model/generated/host-report.ts';
import { errnoOf } from './errno.ts';
import type { Syscalls } from './syscalls.ts';
import { VhostVdpa } from './vhost-vdpa.ts';

/** What a path in /dev is. */
export interface NodeKind {
  readonly isCharacterDevice: boolean;
  readonly major: number;
  readonly minor: number;
}

/** The file calls that opening a device needs; a test may give its own. Each throws as node:fs does. */
export interface DeviceFiles {
  /** follows symbolic links */
  stat(path: string): NodeKind;
  fstat(fd: number): NodeKind;
  /** O_RDWR | O_CLOEXEC | O_NONBLOCK */
  open(path: string): number;
  close(fd: number): void;
}

/** One /dev/vhost-vdpa-N and the device number that sysfs names for it. */
export interface DeviceNode {
  readonly path: string;
  readonly major: number;
  readonly minor: number;
}

export interface HostEdges {
  readonly syscalls: Syscalls;
  readonly files: DeviceFiles;
  /** nanoseconds, only differences matter */
  readonly clock: () => bigint;
}

export interface Held<T> {
  readonly result: T;
  /** from the return of open() to the return of close() */
  readonly heldOpenMicroseconds: number;
}

export const deviceFiles: DeviceFiles = {
  stat: (path) => kindOf(fs.statSync(path, { bigint: true })),
  fstat: (fd) => kindOf(fs.fstatSync(fd, { bigint: true })),
  // libuv adds O_CLOEXEC. O_NONBLOCK: should the path become a FIFO or a tty at the last moment, it cannot hang.
  open: (path) => fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NONBLOCK),
  close: (fd) => fs.closeSync(fd),
};

/**
 * Opens a vhost-vdpa device, lets `use` talk to it, and leaves it reset and closed whatever happens.
 *
 * Opening is exclusive and resets the device, and so does closing (drivers/vhost/vdpa.c: vhost_vdpa_open(),
 * vhost_vdpa_release()): harmless to an idle device, and a device in use answers EBUSY and notices nothing.
 * Everything between is synchronous, so that the device is held for some hundred microseconds only.
 *
 * @returns why it could not be opened: EBUSY in use; EACCES, EPERM; ENOTSUPP no cache-coherent IOMMU; ENOENT ..
 * @throws VdpaQemuError `bad-input` where the path is not the character device that sysfs speaks of;
 *   it is not opened then. Whatever `use` throws.
 */
export function holdOpen<T>(node: DeviceNode, edges: HostEdges, use: (device: VhostVdpa) => T): Held<T> | Unknown {
  const { files, clock } = edges;
  const before = attempt(node.path, () => files.stat(node.path));
  if (isUnknown(before)) return before;
  expectSame(node, before);
  const fd = attempt(node.path, () => files.open(node.path));
  if (isUnknown(fd)) return fd;
  const opened = clock();
  let result: T;
  try {
    // Before any ioctl: the same number means something else to another driver.
    expectSame(node, files.fstat(fd));
    const device = new VhostVdpa(edges.syscalls, fd);
    try {
      result = use(device);
    } finally {
      device.setStatus(0);
    }
  } finally {
    files.close(fd);
  }
  return { result, heldOpenMicroseconds: Number((clock() - opened) / 1000n) };
}

function attempt<T>(path: string, call: () => T): T | Unknown {
  try {
    return call();
  } catch (error) {
    const name = errnoOf(error);
    if (name === undefined) throw new VdpaQemuError('system', `${path}: ${messageOf(error)}`, { cause: error });
    return unknown(name, `${path}: ${meanings[name] ?? `open gave ${name}`}`);
  }
}

const meanings: Readonly<Record<string, string>> = {
  EBUSY: 'in use by another process; opening is exclusive',
  EACCES: 'no permission to read and write it',
  EPERM: 'not permitted (a device cgroup or a security module)',
  ENOTSUPP: 'the kernel gave 524: the IOMMU of the parent is absent or not cache coherent',
  ENOENT: 'no such file; is /dev that of the host?',
};

function expectSame(node: DeviceNode, found: NodeKind): void {
  if (!found.isCharacterDevice) throw new VdpaQemuError('bad-input', `${node.path} is not a character device`);
  if (found.major === node.major && found.minor === node.minor) return;
  throw new VdpaQemuError(
    'bad-input',
    `${node.path} is character device ${found.major}:${found.minor}, but sysfs says ${node.major}:${node.minor}`,
  );
}

/** glibc's encoding of st_rdev, which libuv uses: gnu_dev_major(), gnu_dev_minor(). */
function kindOf(stat: fs.BigIntStats): NodeKind {
  const device = stat.rdev;
  return {
    isCharacterDevice: stat.isCharacterDevice(),
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  };
}
