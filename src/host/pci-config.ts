import { unknown } from '../model/fact.ts';
import type { PciFunction, VirtioPciCapability } from '../model/generated/host-report.ts';

type Capabilities = PciFunction['capabilities'];
type Msix = Extract<Capabilities, { msix: unknown }>['msix'];

/** include/uapi/linux/pci_regs.h */
const STATUS = 0x06;
const STATUS_CAP_LIST = 0x10;
const CAPABILITY_LIST = 0x34;
const HEADER_SIZE = 64;
const CAP_ID_VENDOR = 0x09;
const CAP_ID_MSIX = 0x11;
/** as the kernel: PCI_FIND_CAP_TTL; 192 bytes hold no more capabilities of 4 bytes */
const MAX_CAPABILITIES = 48;

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
 * CAP_SYS_ADMIN, drivers/pci/pci-sysfs.c: pci_read_config()). Pure. Any bytes are taken: the walk ends at a loop, at
 * an end of the bytes and after 48 entries, and a capability that is not wholly there is left out.
 */
export function parseCapabilities(config: Uint8Array): Capabilities {
  if (config.byteLength < HEADER_SIZE) return unknown('malformed', `config space of ${config.byteLength} bytes`);
  const view = new DataView(config.buffer, config.byteOffset, config.byteLength);
  if (view.getUint32(0, true) === 0xffffffff) return unknown('malformed', 'config space reads as all ones');
  const hasList = (view.getUint16(STATUS, true) & STATUS_CAP_LIST) !== 0;
  if (hasList && config.byteLength === HEADER_SIZE) {
    return unknown('EACCES', 'only 64 bytes of config space could be read: needs CAP_SYS_ADMIN');
  }
  const virtio: VirtioPciCapability[] = [];
  let msix: Msix = null;
  for (const at of hasList ? capabilityOffsets(view) : []) {
    const id = view.getUint8(at);
    if (id === CAP_ID_VENDOR) {
      const capability = virtioCapability(view, at);
      if (capability !== undefined) virtio.push(capability);
    } else if (id === CAP_ID_MSIX) {
      msix ??= msixCapability(view, at);
    }
  }
  return { virtio, msix };
}

/** Where the capabilities start, in list order. */
function capabilityOffsets(view: DataView): number[] {
  const offsets: number[] = [];
  let at = view.getUint8(CAPABILITY_LIST) & ~3;
  while (at >= HEADER_SIZE && at + 2 <= view.byteLength && offsets.length < MAX_CAPABILITIES && !offsets.includes(at)) {
    if (view.getUint8(at) === 0xff) break; // the kernel's own end mark: a function that has gone reads as ones
    offsets.push(at);
    at = view.getUint8(at + 1) & ~3;
  }
  return offsets;
}

/**
 * struct virtio_pci_cap { u8 vndr, next, len, cfg_type, bar, id, padding[2]; le32 offset, length; }, and behind it
 * le32 notify_off_multiplier for notify, or le32 offset_hi, length_hi for shared memory.
 */
function virtioCapability(view: DataView, at: number): VirtioPciCapability | undefined {
  const size = view.getUint8(at + 2 < view.byteLength ? at + 2 : at);
  if (size < 16 || at + size > view.byteLength) return undefined;
  const cfgType = view.getUint8(at + 3);
  const fields = {
    bar: view.getUint8(at + 4),
    offset: view.getUint32(at + 8, true),
    length: view.getUint32(at + 12, true),
  };
  const type = virtioTypes[cfgType] ?? 'unknown';
  if (type === 'unknown') return { type, cfgType, ...fields };
  if (type === 'notify' && size >= 20) return { type, ...fields, notifyOffMultiplier: view.getUint32(at + 16, true) };
  if (type === 'shared-memory' && size >= 24) {
    const offset = fields.offset + view.getUint32(at + 16, true) * 2 ** 32;
    const length = fields.length + view.getUint32(at + 20, true) * 2 ** 32;
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) return { type: 'unknown', cfgType, ...fields };
    return { type, bar: fields.bar, offset, length };
  }
  return { type, ...fields };
}

/** PCI 3.0, 6.8.2: u16 message control at 2, table at 4, pending bits at 8; the low 3 bits of both are the BAR. */
function msixCapability(view: DataView, at: number): Msix {
  if (at + 12 > view.byteLength) return null;
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
