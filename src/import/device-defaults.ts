import type { Scalar } from './option-values.ts';
import type { MachineVersion } from './machine-version.ts';

/**
 * Defaults of the properties of virtio devices on PCI that the guest sees: device-list-properties of QEMU 10.0. A
 * property with its default says nothing, whether it is written out or not.
 */
const virtioPci: Readonly<Record<string, Scalar>> = {
  'acpi-index': 0,
  aer: false,
  any_layout: true,
  ats: false,
  'disable-modern': false,
  event_idx: true,
  in_order: false,
  indirect_desc: true,
  'modern-pio-notify': false,
  multifunction: false,
  notify_on_empty: true,
  queue_reset: true,
};

const net: Readonly<Record<string, Scalar>> = {
  ...virtioPci,
  csum: true,
  ctrl_guest_offloads: true,
  ctrl_mac_addr: true,
  ctrl_rx: true,
  ctrl_rx_extra: true,
  ctrl_vlan: true,
  ctrl_vq: true,
  duplex: '',
  failover: false,
  gso: true,
  guest_announce: true,
  guest_csum: true,
  guest_ecn: true,
  guest_rsc_ext: false,
  guest_tso4: true,
  guest_tso6: true,
  guest_ufo: true,
  guest_uso4: true,
  guest_uso6: true,
  hash: false,
  host_ecn: true,
  host_tso4: true,
  host_tso6: true,
  host_ufo: true,
  host_uso: true,
  mrg_rxbuf: true,
  rss: false,
  speed: -1,
  status: true,
};

const block: Readonly<Record<string, Scalar>> = {
  ...virtioPci,
  'config-wce': true,
  discard: true,
  logical_block_size: 512,
  min_io_size: 0,
  opt_io_size: 0,
  packed: false,
  physical_block_size: 512,
  'queue-size': 256,
  'report-discard-granularity': true,
  'seg-max-adjust': true,
  serial: '',
  'write-cache': true,
  'write-zeroes': true,
  iommu_platform: false,
  'page-per-vq': false,
};

const generic: Readonly<Record<string, Scalar>> = { ...virtioPci, packed: false };

const rootPort: Readonly<Record<string, Scalar>> = {
  'acpi-index': 0,
  'bus-reserve': 4294967295,
  'disable-acs': false,
  hotplug: true,
  'io-reserve': -1,
  'mem-reserve': -1,
  power_controller_present: true,
  'pref32-reserve': -1,
  'pref64-reserve': -1,
  slot: 0,
  'x-speed': '16',
  'x-width': '32',
};

/** What machine types up to `upTo` have instead (hw_compat_*, pc_compat_*: query-machines with compat-props). */
const older: readonly { readonly upTo: number; readonly properties: Readonly<Record<string, Scalar>> }[] = [
  { upTo: 801, properties: { host_uso: false, guest_uso4: false, guest_uso6: false } },
  { upTo: 701, properties: { queue_reset: false } },
  { upTo: 502, properties: { 'report-discard-granularity': false } },
  { upTo: 402, properties: { 'queue-size': 128, 'seg-max-adjust': false } },
  { upTo: 301, properties: { discard: false, 'write-zeroes': false, 'x-speed': '2_5', 'x-width': '1' } },
  { upTo: 207, properties: { 'page-per-vq': true } },
  { upTo: 206, properties: { 'disable-modern': true } },
];

export type DeviceKind = 'net' | 'block' | 'generic' | 'root-port';

const tables: Readonly<Record<DeviceKind, Readonly<Record<string, Scalar>>>> = {
  net,
  block,
  generic,
  'root-port': rootPort,
};

/**
 * The defaults of a kind of device under a machine type.
 * @returns undefined where the machine type is not known
 */
export function defaultsOf(
  kind: DeviceKind,
  machine: MachineVersion | undefined,
): Readonly<Record<string, Scalar>> | undefined {
  if (!machine) return undefined;
  const changed: Record<string, Scalar> = { ...tables[kind] };
  for (const { upTo, properties } of older) {
    if (machine.version > upTo) continue;
    for (const [name, value] of Object.entries(properties)) if (name in changed) changed[name] = value;
  }
  return changed;
}

/** Names of the properties of a kind whose defaults are known: what a running QEMU is asked for. */
export function propertiesOf(kind: DeviceKind): string[] {
  return Object.keys(tables[kind]).sort();
}

/** Properties that only the host sees: back ends, threads, labels, error policy, statistics. */
export const hostOnly: ReadonlySet<string> = new Set([
  'account-failed',
  'account-invalid',
  'backend_defaults',
  'busnr',
  'chardev',
  'audiodev',
  'drive',
  'ebpf-rss-fds',
  'failover_pair_id',
  'fsdev',
  'id',
  'ioeventfd',
  'iothread',
  'iothread-vq-mapping',
  'netdev',
  'request-merging',
  'rerror',
  'rng',
  'share-rw',
  'tpmdev',
  'tx',
  'vhost',
  'vhostdev',
  'vhostfd',
  'werror',
  'x-txburst',
  'x-txtimer',
]);
