import os from 'node:os';
import { VdpaQemuError } from '../model/error.ts';
import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { Unknown, Virtqueue } from '../model/generated/host-report.ts';
import { errnoName } from './errno.ts';
import { MAP_SHARED, PROT_NONE, type Outcome, type Syscalls } from './syscalls.ts';
import { vhostIoctls as ioctls, type VhostIoctl } from './vhost-ioctl.ts';

const littleEndian = os.endianness() === 'LE';
const [EPERM, ENOTTY, ENOBUFS, EOPNOTSUPP] = [1, 25, 105, 95];
/** An answer about the doorbell itself (vhost_vdpa_mmap()); any other errno says why it could not be asked. */
const refusals = new Set(['EINVAL', 'ENOTSUPP', 'EOPNOTSUPP', 'ENODEV', 'ENXIO']);
const MAX_CONFIG = 65536;
/** include/uapi/linux/virtio_config.h: VIRTIO_CONFIG_S_DRIVER_OK */
const DRIVER_OK = 4;

/**
 * An open /dev/vhost-vdpa-N: one method per ioctl, named after it (VHOST_ and VHOST_VDPA_ left out). Each gives the
 * value, or unknown with the errno name; `not-supported` where the kernel does not know the ioctl: EPERM before
 * VHOST_SET_OWNER, else ENOTTY or ENOBUFS (drivers/vhost/vhost.c: vhost_dev_ioctl()).
 * Integers are in the byte order of the host. Made by holdOpen().
 */
export class VhostVdpa {
  readonly #syscalls: Syscalls;
  readonly #fd: number;
  readonly #pageSize: number;
  #vqs: number | undefined;

  constructor(syscalls: Syscalls, fd: number) {
    this.#syscalls = syscalls;
    this.#fd = fd;
    this.#pageSize = syscalls.pageSize();
  }

  /** virtio device id. Safe on an idle device: reads a constant of the driver. */
  getDeviceId(): Fact<number> {
    return this.#readU32(ioctls.getDeviceId);
  }

  /** Safe: reads the status register. */
  getStatus(): Fact<number> {
    return this.#read(ioctls.getStatus, (view) => view.getUint8(0));
  }

  /** Safe, because DRIVER_OK is refused: no queue runs. 0 resets, which open and close do as well. */
  setStatus(status: number): Fact<'done'> {
    if ((status & DRIVER_OK) !== 0) throw outOfRange('status', status);
    return this.#write(ioctls.setStatus, (view) => view.setUint8(0, status));
  }

  /** The features that the device offers. Safe: reads. */
  getFeatures(): Fact<bigint> {
    return this.#read(ioctls.getFeatures, (view) => view.getBigUint64(0, littleEndian));
  }

  /** Safe: undone by the reset at close. EINVAL: the driver refuses; EBUSY: FEATURES_OK is set already. */
  setFeatures(features: bigint): Fact<'done'> {
    return this.#write(ioctls.setFeatures, (view) => view.setBigUint64(0, features, littleEndian));
  }

  /** Safe: asks vhost-vdpa and the driver's table of operations, not the device. */
  getBackendFeatures(): Fact<bigint> {
    return this.#read(ioctls.getBackendFeatures, (view) => view.getBigUint64(0, littleEndian));
  }

  /** How many virtqueues there are. Safe: reads vdpa_device.nvqs. probeDoorbell() goes by it. */
  getVqsCount(): Fact<number> {
    const count = this.#readU32(ioctls.getVqsCount);
    if (!isUnknown(count)) this.#vqs = count;
    return count;
  }

  /** Descriptors that a ring may have. Safe: reads a constant of the driver. */
  getVringNum(): Fact<number> {
    return this.#read(ioctls.getVringNum, (view) => view.getUint16(0, littleEndian));
  }

  /** Bytes. Safe: reads a constant of the driver. */
  getConfigSize(): Fact<number> {
    return this.#readU32(ioctls.getConfigSize);
  }

  /**
   * Bytes of virtio config space, which is little-endian. Safe after SET_FEATURES only: without, the kernel sets the
   * features to 0 first (drivers/vdpa/vdpa.c: vdpa_get_config_unlocked(), a legacy guest).
   */
  getConfig(offset: number, length: number): Fact<Uint8Array> {
    if (!Number.isInteger(length) || length < 1 || length > MAX_CONFIG) throw outOfRange('length', length);
    const header = ioctls.getConfig.size; // struct vhost_vdpa_config { u32 off; u32 len; u8 buf[]; }
    const view = new DataView(new ArrayBuffer(header + length));
    setU32(view, 0, offset);
    setU32(view, 4, length);
    return this.#ask(ioctls.getConfig, view, () => new Uint8Array(view.buffer, header));
  }

  /** Inclusive bounds of I/O virtual addresses. Safe: computed at open. */
  getIovaRange(): Fact<{ first: bigint; last: bigint }> {
    return this.#read(ioctls.getIovaRange, (view) => ({
      first: view.getBigUint64(0, littleEndian),
      last: view.getBigUint64(8, littleEndian),
    }));
  }

  /** Virtqueue groups. Safe: reads vdpa_device.ngroups. */
  getGroupNum(): Fact<number> {
    return this.#readU32(ioctls.getGroupNum);
  }

  /** Address spaces. Safe: reads vdpa_device.nas. */
  getAsNum(): Fact<number> {
    return this.#readU32(ioctls.getAsNum);
  }

  /** Safe: ties the open file to this process; vhost-vdpa starts no worker. Ends with close. */
  setOwner(): Fact<'done'> {
    const done = this.#syscalls.ioctl(this.#fd, ioctls.setOwner.request, 0n);
    return done.ok ? 'done' : this.#refused(ioctls.setOwner, done.errno);
  }

  /** Group of a virtqueue; after setOwner(). Safe: a lookup in the driver. */
  getVringGroup(index: number): Fact<number> {
    return this.#readVring(ioctls.getVringGroup, index);
  }

  /** Descriptors of one ring at most; after setOwner(). Safe: a lookup in the driver. */
  getVringSize(index: number): Fact<number> {
    return this.#readVring(ioctls.getVringSize, index);
  }

  /**
   * Sets the bound of probeDoorbell() where the kernel has no VHOST_VDPA_GET_VQS_COUNT (before 5.18), from what
   * netlink says. What the ioctl said is never overridden.
   */
  boundVqs(count: number): void {
    if (!Number.isInteger(count) || count < 0 || count > 65536) throw outOfRange('count', count);
    this.#vqs ??= count;
  }

  /**
   * Whether the kernel would map the doorbell of a virtqueue: one page, offset index * page size, unmapped at once.
   * Safe: PROT_NONE passes the same checks as QEMU's PROT_WRITE and cannot be touched; the page is only looked up, not
   * accessed (drivers/vhost/vdpa.c: vhost_vdpa_mmap()). Kernels before the fix of CVE-2026-74312 read out of bounds
   * for an index that is too large, so such an index, or one that cannot be judged, never reaches the kernel.
   * Ask after FEATURES_OK: mlx5 knows only two queues before, and pds_vdpa shows physical address 0.
   */
  probeDoorbell(index: number): Virtqueue['doorbell'] {
    if (this.#vqs === undefined) return unknown('not-asked', 'the number of virtqueues is not known');
    if (!Number.isInteger(index) || index < 0 || index >= this.#vqs) throw outOfRange('index', index);
    const page = this.#pageSize;
    const mapped = this.#syscalls.mmap(page, PROT_NONE, MAP_SHARED, this.#fd, index * page);
    if (!mapped.ok) {
      const name = errnoName(mapped.errno);
      return refusals.has(name) ? { refused: name } : unknown(name, `mmap of the doorbell gave ${name}`);
    }
    const unmapped = this.#syscalls.munmap(mapped.value, page);
    // A mapping that stays would keep the device open, and so busy, until this process ends.
    if (!unmapped.ok) throw new VdpaQemuError('system', `munmap of a doorbell gave ${errnoName(unmapped.errno)}`);
    return 'mapped';
  }

  #readU32(ioctl: VhostIoctl): Fact<number> {
    return this.#read(ioctl, (view) => view.getUint32(0, littleEndian));
  }

  /** struct vhost_vring_state { u32 index; u32 num; }: index in, num out. */
  #readVring(ioctl: VhostIoctl, index: number): Fact<number> {
    const view = new DataView(new ArrayBuffer(ioctl.size));
    setU32(view, 0, index);
    return this.#ask(ioctl, view, () => view.getUint32(4, littleEndian));
  }

  /** The buffer starts as zeros: a kernel that lacks the ioctl takes its first word for a queue index. */
  #read<T>(ioctl: VhostIoctl, decode: (view: DataView) => T): Fact<T> {
    const view = new DataView(new ArrayBuffer(ioctl.size));
    return this.#ask(ioctl, view, () => decode(view));
  }

  #write(ioctl: VhostIoctl, encode: (view: DataView) => void): Fact<'done'> {
    const view = new DataView(new ArrayBuffer(ioctl.size));
    encode(view);
    return this.#ask(ioctl, view, () => 'done' as const);
  }

  #ask<T>(ioctl: VhostIoctl, view: DataView, decode: () => T): T | Unknown {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const answer: Outcome<number> = this.#syscalls.ioctl(this.#fd, ioctl.request, bytes);
    return answer.ok ? decode() : this.#refused(ioctl, answer.errno);
  }

  #refused({ name, needsOwner, since }: VhostIoctl, errno: number): Unknown {
    const why = errnoName(errno);
    const missing = errno === ENOTTY || (!needsOwner && (errno === EPERM || errno === ENOBUFS));
    if (missing) return unknown('not-supported', `this kernel cannot tell: ${name} gave ${why}; Linux ${since} has it`);
    if (errno === EOPNOTSUPP) return unknown(why, `${name} gave ${why}: the parent driver does not offer it`);
    return unknown(why, `${name} gave ${why}`);
  }
}

function setU32(view: DataView, offset: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw outOfRange('u32', value);
  view.setUint32(offset, value, littleEndian);
}

function outOfRange(what: string, value: number): VdpaQemuError {
  return new VdpaQemuError('internal', `${what} out of range: ${value}`);
}
