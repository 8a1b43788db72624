import { createHash } from 'node:crypto';
import type { Disk, GenericVdpa, Interface, VdpaReference, VmSpec } from '../model/generated/vm-spec.ts';
import { bytesOf } from '../model/units.ts';

/** What a spec says once every default is filled in. `null` means: to be taken from the hosts. */
export interface CompleteSpec {
  readonly name: string;
  readonly uuid: string;
  readonly machine: string;
  readonly cpu: { readonly model: string; readonly count: number };
  readonly memoryBytes: number;
  readonly accelerator: 'auto' | 'kvm' | 'tcg';
  readonly emulator: string | null;
  readonly qmpSocket: string | null;
  readonly interfaces: readonly CompleteInterface[];
  readonly disks: readonly CompleteDisk[];
  readonly vdpaDevices: readonly CompleteGenericVdpa[];
  /** null: the hosts whose reports are given */
  readonly hosts: readonly string[] | null;
}

export type HostNotifierPolicy = 'auto' | 'require' | 'off';

interface Placed {
  readonly id: string;
  readonly bootIndex: number | null;
  /** null: the lowest free one */
  readonly rootPort: number | null;
}

export interface CompleteInterface extends Placed {
  readonly vdpa: VdpaReference;
  readonly mac: string | null;
  readonly queuePairs: number | null;
  readonly hostNotifier: HostNotifierPolicy;
  readonly rxQueueSize: number;
  readonly txQueueSize: number;
  readonly packed: boolean;
  readonly mtu: number | null;
  readonly optionRom: boolean;
}

export interface CompleteFileDisk extends Placed {
  readonly file: string;
  readonly format: 'raw' | 'qcow2';
  readonly readOnly: boolean;
}

export interface CompleteVdpaDisk extends Placed {
  readonly vdpa: VdpaReference;
  readonly attach: 'auto' | 'blockdev' | 'device';
  readonly hostNotifier: HostNotifierPolicy;
  readonly readOnly: boolean;
}

export type CompleteDisk = CompleteFileDisk | CompleteVdpaDisk;

export interface CompleteGenericVdpa extends Placed {
  readonly vdpa: VdpaReference;
  readonly hostNotifier: HostNotifierPolicy;
  readonly queueSize: number | null;
}

/** Ring sizes that virtio-net has by default (hw/net/virtio-net.c: VIRTIO_NET_RX_QUEUE_DEFAULT_SIZE). */
const netQueueSize = 256;

/** Fills in every default; the one place where they stand. */
export function fillDefaults(spec: VmSpec): CompleteSpec {
  return {
    name: spec.name,
    uuid: spec.uuid ?? uuidOf(spec.name),
    machine: spec.machine,
    cpu: { model: spec.cpu?.model ?? defaultCpuModel(spec.machine), count: spec.cpu?.count ?? 1 },
    memoryBytes: bytesOf(spec.memory),
    accelerator: spec.accelerator ?? 'auto',
    emulator: spec.emulator ?? null,
    qmpSocket: spec.qmpSocket ?? null,
    interfaces: (spec.interfaces ?? []).map(completeInterface),
    disks: bootFirst(spec),
    vdpaDevices: (spec.vdpaDevices ?? []).map(completeGenericVdpa),
    hosts: spec.migration?.hosts ?? null,
  };
}

/** Where nothing has a boot index the first disk boots, as libvirt has it; both formats then say so. */
function bootFirst(spec: VmSpec): CompleteDisk[] {
  const disks = (spec.disks ?? []).map(completeDisk);
  const devices = [...disks, ...(spec.interfaces ?? []), ...(spec.vdpaDevices ?? [])];
  const [first, ...rest] = disks;
  const free = devices.every(({ bootIndex }) => bootIndex === undefined || bootIndex === null);
  return first && free && 'file' in first ? [{ ...first, bootIndex: 1 }, ...rest] : disks;
}

/** True for machine types of the Arm `virt` board: virt, virt-7.2. */
export function isVirtMachine(machine: string): boolean {
  return machine === 'virt' || machine.startsWith('virt-');
}

function defaultCpuModel(machine: string): string {
  return isVirtMachine(machine) ? 'cortex-a57' : 'qemu64';
}

function placed(device: { id: string; bootIndex?: number; rootPort?: number }): Placed {
  return { id: device.id, bootIndex: device.bootIndex ?? null, rootPort: device.rootPort ?? null };
}

function completeInterface(device: Interface): CompleteInterface {
  return {
    ...placed(device),
    vdpa: device.vdpa,
    mac: device.mac?.toLowerCase() ?? null,
    queuePairs: device.queuePairs ?? null,
    hostNotifier: device.hostNotifier ?? 'auto',
    rxQueueSize: device.rxQueueSize ?? netQueueSize,
    txQueueSize: device.txQueueSize ?? netQueueSize,
    packed: device.packed ?? false,
    mtu: device.mtu ?? null,
    optionRom: device.optionRom ?? device.bootIndex !== undefined,
  };
}

function completeDisk(disk: Disk): CompleteDisk {
  const base = { ...placed(disk), readOnly: disk.readOnly ?? false };
  if (disk.vdpa !== undefined) {
    return { ...base, vdpa: disk.vdpa, attach: disk.attach ?? 'auto', hostNotifier: disk.hostNotifier ?? 'auto' };
  }
  return { ...base, file: disk.file ?? '', format: disk.format ?? 'raw' };
}

function completeGenericVdpa(device: GenericVdpa): CompleteGenericVdpa {
  return {
    ...placed(device),
    vdpa: device.vdpa,
    hostNotifier: device.hostNotifier ?? 'auto',
    queueSize: device.queueSize ?? null,
  };
}

/** Namespace of the UUIDs made from VM names; itself a version 5 UUID of the DNS name `vdpa-qemu`. */
const uuidNamespace = Buffer.from('69dca66df2125b62bc6a0ad29b07ac1d', 'hex');

/** RFC 9562, 5.5: the same name gives the same UUID on every host, so nothing random gets into the guest ABI. */
function uuidOf(name: string): string {
  const hash = createHash('sha1').update(uuidNamespace).update(name, 'utf8').digest().subarray(0, 16);
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
