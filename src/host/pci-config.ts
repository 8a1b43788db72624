import { unknown } from '../model/fact.ts';
import type { PciFunction, Unknown, VirtioPciCapability } from '../model/generated/host-report.ts';

type Capabilities = PciFunction['capabilities'];
type Msix = Extract<Capabilities, { msix: unknown }>['msix'];

/** include/uapi/linux/pci_regs.h */
const STATUS = 0x06;
const STATUS_CAP_LIST = 0x10;
const CAPABILITY_LIST = 0x34;
const HEADER_SIZE = 64;
/** pointers of the list are bytes; what is behind are extended capabilities, in a list of their own */
const LIST_END = 256;
const CAP_ID_VENDOR = 0x09;
const CAP_ID_MSIX = 0x11;
const MSIX_SIZE = 12;
/** struct virtio_pci_cap; with a multiplier behind it; virtio_pci_cap64 */
const VIRTIO_SIZE = 16;
const NOTIFY_SIZE = 20;
const SHARED_MEMORY_SIZE = 24;

/** include/uapi/linux/virtio_pci.h: VIRTIO_PCI_CAP_* */
const virtioTypes: Readonly<Record<number, VirtioPciCapability['type']>> = {
  1: 'common',
  2: 'notify',
  3: 'isr',
  4: 'device',
  5: 'pci',
  8: 'shared-memory',
  9: 'vendor',
};

/**
 * The virtio and MSI-X capabilities of a PCI config space, as sysfs `config` gives it (256 or 4096 bytes; 64 without
 * CAP_SYS_ADMIN, drivers/pci/pci-sysfs.c: pci_read_config()). Pure, and any bytes are taken. All or nothing: what a list
 * leaves out is taken for a page that holds nothing else, so one that cannot be read to its end is unknown.
 */
export function parseCapabilities(config: Uint8Array): Capabilities {
  if (config.byteLength < HEADER_SIZE) return malformed(`config space of ${config.byteLength} bytes`);
  const view = new DataView(config.buffer, config.byteOffset, Math.min(config.byteLength, LIST_END));
  if (view.getUint32(0, true) === 0xffffffff) return malformed('config space reads as all ones');
  const hasList = (view.getUint16(STATUS, true) & STATUS_CAP_LIST) !== 0;
  if (hasList && config.byteLength === HEADER_SIZE) {
    return unknown('EACCES', 'only 64 bytes of config space could be read: needs CAP_SYS_ADMIN');
  }
  const offsets = hasList ? capabilityOffsets(view) : [];
  if (!Array.isArray(offsets)) return offsets;
  const virtio: VirtioPciCapability[] = [];
  let msix: Msix = null;
  for (const at of offsets) {
    const id = view.getUint8(at);
    if (id !== CAP_ID_VENDOR && id !== CAP_ID_MSIX) continue;
    const size = id === CAP_ID_MSIX ? MSIX_SIZE : Math.max(VIRTIO_SIZE, lengthAt(view, at));
    if (at + size > view.byteLength) {
      return malformed(`the capability at ${hex(at)} is cut off: ${view.byteLength} bytes of config space`);
    }
    if (id === CAP_ID_VENDOR) virtio.push(virtioCapability(view, at));
    else msix ??= msixCapability(view, at);
  }
  return { virtio, msix };
}

/** Where the capabilities start, in list order. A list that bites its tail has been read as well. */
function capabilityOffsets(view: DataView): number[] | Unknown {
  const offsets: number[] = [];
  let at = view.getUint8(CAPABILITY_LIST) & ~3;
  while (at !== 0 && !offsets.includes(at)) {
    if (at < HEADER_SIZE) return malformed(`the capability list leads into the header, to ${hex(at)}`);
    if (at + 2 > view.byteLength) {
      return malformed(
        `the capability list goes on at ${hex(at)}, behind the ${view.byteLength} bytes that could be read`,
      );
    }
    // a function that has gone reads as ones
    if (view.getUint8(at) === 0xff) return malformed(`the capability list leads to ones, at ${hex(at)}`);
    offsets.push(at);
    at = view.getUint8(at + 1) & ~3;
  }
  return offsets;
}

function lengthAt(view: DataView, at: number): number {
  return at + 2 < view.byteLength ? view.getUint8(at + 2) : 0;
}

function malformed(detail: string): Unknown {
  return unknown('malformed', detail);
}

function hex(at: number): string {
  return `0x${at.toString(16)}`;
}

/**
 * struct virtio_pci_cap { u8 vndr, next, len, cfg_type, bar, id, padding[2]; le32 offset, length; }, and behind it
 * le32 notify_off_multiplier for notify, or le32 offset_hi, length_hi for shared memory. The kernel does not read the
 * length (drivers/virtio/virtio_pci_modern_dev.c: virtio_pci_find_capability()), so one that is too short is registers
 * all the same; a notify capability stays one, without a multiplier.
 */
function virtioCapability(view: DataView, at: number): VirtioPciCapability {
  const size = lengthAt(view, at);
  const cfgType = view.getUint8(at + 3);
  const fields = {
    bar: view.getUint8(at + 4),
    offset: view.getUint32(at + 8, true),
    length: view.getUint32(at + 12, true),
  };
  const named = virtioTypes[cfgType] ?? 'unknown';
  const type = size < VIRTIO_SIZE && named !== 'notify' ? 'unknown' : named;
  if (type === 'unknown') return { type, cfgType, ...fields };
  if (type === 'notify' && size >= NOTIFY_SIZE)
    return { type, ...fields, notifyOffMultiplier: view.getUint32(at + 16, true) };
  if (type === 'shared-memory' && size >= SHARED_MEMORY_SIZE) {
    const offset = fields.offset + view.getUint32(at + 16, true) * 2 ** 32;
    const length = fields.length + view.getUint32(at + 20, true) * 2 ** 32;
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) return { type: 'unknown', cfgType, ...fields };
    return { type, bar: fields.bar, offset, length };
  }
  return { type, ...fields };
}

/** PCI 3.0, 6.8.2: u16 message control at 2, table at 4, pending bits at 8; the low 3 bits of both are the BAR. */
function msixCapability(view: DataView, at: number): Msix {
  const table = view.getUint32(at + 4, true);
  const pba = view.getUint32(at + 8, true);
  return {
    vectors: (view.getUint16(at + 2, true) & 0x7ff) + 1,
    tableBar: table & 7,
    tableOffset: (table & ~7) >>> 0,
    pbaBar: pba & 7,
    pbaOffset: (pba & ~7) >>> 0,
  };
}
