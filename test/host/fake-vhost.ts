import { encodedSize } from '../../src/host/libc.ts';
import type { Outcome, Syscalls } from '../../src/host/syscalls.ts';
import { vhostIoctls, type VhostIoctl } from '../../src/host/vhost-ioctl.ts';

/** What the device and the kernel of a FakeVhost are like; the defaults are a plain network device on a new kernel. */
export interface FakeVhostOptions {
  deviceId?: number;
  features?: bigint;
  vqs?: number;
  config?: Uint8Array;
  /** ioctls that this kernel lacks */
  missing?: readonly string[];
  /** ioctls that fail, with their errno */
  failing?: Readonly<Record<string, number>>;
  /** errno of the mmap of a doorbell; 0 maps */
  doorbell?: (index: number) => number;
  /** the device does not keep FEATURES_OK */
  dropsFeaturesOk?: boolean;
  pageSize?: number;
  munmapErrno?: number;
}

const byRequest = new Map<number, VhostIoctl>(Object.values(vhostIoctls).map((row) => [row.request, row]));
const [EPERM, EBUSY, ENOTTY, ENOBUFS] = [1, 16, 25, 105];

/**
 * The part of drivers/vhost/vdpa.c and vhost.c that the probe can see, on an x86 or arm64 (little-endian) host, and a
 * log of what was asked. What a careful program never does (an index out of bounds, GET_CONFIG before SET_FEATURES, a
 * touchable or a second mapping) throws.
 */
export class FakeVhost implements Syscalls {
  readonly log: string[] = [];
  status = 0;
  readonly #options: FakeVhostOptions;
  #featuresValid = false;
  #owned = false;
  #mappings = 0;

  constructor(options: FakeVhostOptions = {}) {
    this.#options = options;
  }

  get #vqs(): number {
    return this.#options.vqs ?? 3;
  }

  pageSize(): number {
    return this.#options.pageSize ?? 4096;
  }

  ioctl(_fd: number, request: number, argument: Uint8Array | bigint): Outcome<number> {
    const row = byRequest.get(request);
    if (row === undefined) throw new Error(`unknown request 0x${request.toString(16)}`);
    if (typeof argument !== 'bigint' && argument.byteLength < encodedSize(request)) throw new Error('short buffer');
    const bytes = typeof argument === 'bigint' ? new Uint8Array(8) : argument;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const written = row.direction === 'write' ? ` ${[...bytes].join(',')}` : '';
    this.log.push(`${row.name}${written}`);
    const errno = this.#errnoOf(row, view);
    if (errno !== 0) return { ok: false, errno };
    this.#serve(row.name, view);
    return { ok: true, value: 0 };
  }

  #errnoOf({ name, needsOwner }: VhostIoctl, view: DataView): number {
    const index = view.byteLength >= 4 ? view.getUint32(0, true) : 0;
    if (this.#options.missing?.includes(name) === true) {
      return !this.#owned ? EPERM : index >= this.#vqs ? ENOBUFS : ENOTTY;
    }
    if (needsOwner && !this.#owned) return EPERM;
    if (needsOwner && index >= this.#vqs) throw new Error(`${name} of virtqueue ${index}, out of bounds`);
    if (name === 'VHOST_SET_OWNER' && this.#owned) return EBUSY;
    return this.#options.failing?.[name] ?? 0;
  }

  #serve(name: string, view: DataView): void {
    const { deviceId = 1, features = 0x300030020n } = this.#options;
    switch (name) {
      case 'VHOST_VDPA_GET_DEVICE_ID':
        view.setUint32(0, deviceId, true);
        return;
      case 'VHOST_GET_FEATURES':
        view.setBigUint64(0, features, true);
        return;
      case 'VHOST_GET_BACKEND_FEATURES':
        view.setBigUint64(0, 0x17en, true);
        return;
      case 'VHOST_SET_FEATURES':
        if ((this.status & 8) !== 0) throw new Error('SET_FEATURES after FEATURES_OK');
        this.#featuresValid = true;
        return;
      case 'VHOST_VDPA_SET_STATUS':
        this.status = view.getUint8(0) & (this.#options.dropsFeaturesOk === true ? ~8 : 255);
        if (this.status === 0) this.#featuresValid = this.#owned = false; // owned: stands for the close that follows
        return;
      case 'VHOST_VDPA_GET_STATUS':
        view.setUint8(0, this.status);
        return;
      case 'VHOST_VDPA_GET_VQS_COUNT':
        view.setUint32(0, this.#vqs, true);
        return;
      case 'VHOST_VDPA_GET_VRING_NUM':
        view.setUint16(0, 256, true);
        return;
      case 'VHOST_VDPA_GET_CONFIG_SIZE':
        view.setUint32(0, this.#config.byteLength, true);
        return;
      case 'VHOST_VDPA_GET_GROUP_NUM':
      case 'VHOST_VDPA_GET_AS_NUM':
        view.setUint32(0, 2, true);
        return;
      case 'VHOST_VDPA_GET_IOVA_RANGE':
        view.setBigUint64(0, 0n, true);
        view.setBigUint64(8, 0xffffffffffffffffn, true);
        return;
      case 'VHOST_VDPA_GET_CONFIG':
        this.#getConfig(view);
        return;
      case 'VHOST_SET_OWNER':
        this.#owned = true;
        return;
      case 'VHOST_VDPA_GET_VRING_GROUP':
        view.setUint32(4, view.getUint32(0, true) === 2 ? 1 : 0, true);
        return;
      case 'VHOST_VDPA_GET_VRING_SIZE':
        view.setUint32(4, 256, true);
        return;
      default:
        throw new Error(`the probe has no business with ${name}`);
    }
  }

  get #config(): Uint8Array {
    // struct virtio_net_config: mac, status, max_virtqueue_pairs, mtu
    return this.#options.config ?? Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56, 1, 0, 4, 0, 0xdc, 0x05);
  }

  #getConfig(view: DataView): void {
    if (!this.#featuresValid) throw new Error('GET_CONFIG before SET_FEATURES makes the kernel set the features to 0');
    const [offset, length] = [view.getUint32(0, true), view.getUint32(4, true)];
    const part = this.#config.subarray(offset, offset + length);
    if (part.byteLength !== length) throw new Error('GET_CONFIG beyond the config space');
    new Uint8Array(view.buffer, view.byteOffset + 8, length).set(part);
  }

  mmap(length: number, protection: number, flags: number, _fd: number, offset: number): Outcome<bigint> {
    const index = offset / this.pageSize();
    this.log.push(`mmap ${index}`);
    if (protection !== 0 || flags !== 1 || length !== this.pageSize()) throw new Error('not a PROT_NONE shared page');
    if (!Number.isInteger(index) || index >= this.#vqs) throw new Error(`mmap of virtqueue ${index}, out of bounds`);
    if ((this.status & 12) !== 8) throw new Error(`mmap with status ${this.status}`);
    if (++this.#mappings > 1) throw new Error('a second mapping');
    const errno = (this.#options.doorbell ?? (() => 0))(index);
    if (errno === 0) return { ok: true, value: 0x7f0000000000n };
    this.#mappings--;
    return { ok: false, errno };
  }

  munmap(): Outcome<number> {
    this.log.push('munmap');
    this.#mappings--;
    const errno = this.#options.munmapErrno ?? 0;
    return errno === 0 ? { ok: true, value: 0 } : { ok: false, errno };
  }
}
