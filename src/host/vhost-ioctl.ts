/**
 * The ioctls of /dev/vhost-vdpa-N as data (include/uapi/linux/vhost.h; dispatch in drivers/vhost/vdpa.c:
 * vhost_vdpa_unlocked_ioctl()). The numbers are computed as asm-generic/ioctl.h does, which holds for every
 * architecture that ffi-rs is built for (not for powerpc, mips and sparc). A test compares each with the C header.
 */
export interface VhostIoctl {
  /** the macro's name */
  readonly name: string;
  /** request number */
  readonly request: number;
  /** bytes of the argument that the request encodes; for GET/SET_CONFIG the header only */
  readonly size: number;
  /** as user space sees it: read = the kernel writes the argument */
  readonly direction: Direction;
  /** true: refused with EPERM before VHOST_SET_OWNER */
  readonly needsOwner: boolean;
  /** first Linux that has it for vhost-vdpa */
  readonly since: string;
}

export type Direction = 'none' | 'read' | 'write' | 'read-write';

/** VHOST_VIRTIO */
const MAGIC = 0xaf;
const directionBits: Record<Direction, number> = { none: 0, write: 1, read: 2, 'read-write': 3 };

/** asm-generic/ioctl.h _IOC(): direction in bits 31..30, size in 29..16, type in 15..8, number in 7..0. */
export function ioc(direction: Direction, type: number, number: number, size: number): number {
  return ((directionBits[direction] << 30) | (size << 16) | (type << 8) | number) >>> 0;
}

const OWNER = true;

function entry(
  name: string,
  direction: Direction,
  number: number,
  size: number,
  since: string,
  needsOwner = false,
): VhostIoctl {
  return { name, request: ioc(direction, MAGIC, number, size), size, direction, needsOwner, since };
}

export const vhostIoctls = {
  getFeatures: entry('VHOST_GET_FEATURES', 'read', 0x00, 8, '5.8'),
  setFeatures: entry('VHOST_SET_FEATURES', 'write', 0x00, 8, '5.8'),
  setOwner: entry('VHOST_SET_OWNER', 'none', 0x01, 0, '5.8'),
  setVringNum: entry('VHOST_SET_VRING_NUM', 'write', 0x10, 8, '5.8', OWNER),
  setVringAddr: entry('VHOST_SET_VRING_ADDR', 'write', 0x11, 40, '5.8', OWNER),
  setVringBase: entry('VHOST_SET_VRING_BASE', 'write', 0x12, 8, '5.8', OWNER),
  getVringBase: entry('VHOST_GET_VRING_BASE', 'read-write', 0x12, 8, '5.8', OWNER),
  setVringKick: entry('VHOST_SET_VRING_KICK', 'write', 0x20, 8, '5.8', OWNER),
  setVringCall: entry('VHOST_SET_VRING_CALL', 'write', 0x21, 8, '5.8', OWNER),
  setVringErr: entry('VHOST_SET_VRING_ERR', 'write', 0x22, 8, '5.8', OWNER),
  setBackendFeatures: entry('VHOST_SET_BACKEND_FEATURES', 'write', 0x25, 8, '5.9'),
  getBackendFeatures: entry('VHOST_GET_BACKEND_FEATURES', 'read', 0x26, 8, '5.9'),
  getDeviceId: entry('VHOST_VDPA_GET_DEVICE_ID', 'read', 0x70, 4, '5.8'),
  getStatus: entry('VHOST_VDPA_GET_STATUS', 'read', 0x71, 1, '5.8'),
  setStatus: entry('VHOST_VDPA_SET_STATUS', 'write', 0x72, 1, '5.8'),
  getConfig: entry('VHOST_VDPA_GET_CONFIG', 'read', 0x73, 8, '5.8'),
  setConfig: entry('VHOST_VDPA_SET_CONFIG', 'write', 0x74, 8, '5.8'),
  setVringEnable: entry('VHOST_VDPA_SET_VRING_ENABLE', 'write', 0x75, 8, '5.8', OWNER),
  getVringNum: entry('VHOST_VDPA_GET_VRING_NUM', 'read', 0x76, 2, '5.8'),
  setConfigCall: entry('VHOST_VDPA_SET_CONFIG_CALL', 'write', 0x77, 4, '5.8'),
  getIovaRange: entry('VHOST_VDPA_GET_IOVA_RANGE', 'read', 0x78, 16, '5.10'),
  getConfigSize: entry('VHOST_VDPA_GET_CONFIG_SIZE', 'read', 0x79, 4, '5.18'),
  getAsNum: entry('VHOST_VDPA_GET_AS_NUM', 'read', 0x7a, 4, '5.19'),
  getVringGroup: entry('VHOST_VDPA_GET_VRING_GROUP', 'read-write', 0x7b, 8, '5.19', OWNER),
  setGroupAsid: entry('VHOST_VDPA_SET_GROUP_ASID', 'write', 0x7c, 8, '5.19', OWNER),
  suspend: entry('VHOST_VDPA_SUSPEND', 'none', 0x7d, 0, '6.0'),
  resume: entry('VHOST_VDPA_RESUME', 'none', 0x7e, 0, '6.3'),
  getVringDescGroup: entry('VHOST_VDPA_GET_VRING_DESC_GROUP', 'read-write', 0x7f, 8, '6.7', OWNER),
  getVqsCount: entry('VHOST_VDPA_GET_VQS_COUNT', 'read', 0x80, 4, '5.18'),
  getGroupNum: entry('VHOST_VDPA_GET_GROUP_NUM', 'read', 0x81, 4, '5.19'),
  getVringSize: entry('VHOST_VDPA_GET_VRING_SIZE', 'read-write', 0x82, 8, '6.9', OWNER),
} as const satisfies Readonly<Record<string, VhostIoctl>>;
