import { holdOpen, type DeviceNode, type HostEdges } from '../host/device-node.ts';
import { readPciFunction } from '../host/pci-function.ts';
import type { RunProgram } from '../host/program.ts';
import type { SysfsDevice } from '../host/sysfs.ts';
import { showDeviceConfig } from '../host/vdpa-tool.ts';
import type { ToolDevice } from '../host/vdpa-json.ts';
import { VIRTIO_ID_NET } from '../host/virtio-config.ts';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { Unknown, VdpaDevice } from '../model/generated/host-report.ts';
import { interrogate, type Interrogation } from './interrogate.ts';
import { identityByNetlink } from './netlink-identity.ts';

export interface DeviceSources {
  /** how to open devices; unknown: they must not or cannot be opened, and why */
  readonly edges: HostEdges | Unknown;
  readonly run: RunProgram;
  /** `vdpa dev show` */
  readonly toolDevices: Fact<ReadonlyMap<string, ToolDevice>>;
  /** hears how long a device was held open */
  readonly onHeldOpen?: ((device: string, microseconds: number) => void) | undefined;
}

/** All facts of one device: from sysfs, from PCI config space, from the device itself where it is idle, else netlink. */
export async function probeDevice(found: SysfsDevice, sources: DeviceSources): Promise<VdpaDevice> {
  const { pciDirectory, ...bus } = found;
  const rows = sources.toolDevices;
  const row = isUnknown(rows) ? undefined : rows.get(found.name);
  const opened = open(found, sources, row);
  const asked = isUnknown(opened) ? await askNetlink(found.name, sources.run, row, opened) : opened;
  return {
    ...bus,
    managementDevice: row?.managementDevice ?? (isUnknown(rows) ? rows : unmanaged),
    open: isUnknown(opened) ? opened : 'opened',
    ...asked,
    pci: typeof pciDirectory === 'string' ? readPciFunction(pciDirectory) : pciDirectory,
  };
}

const unmanaged = unknown('not-present', 'vdpa dev show does not list it: its driver has no management device');

function open(found: SysfsDevice, sources: DeviceSources, row: ToolDevice | undefined): Interrogation | Unknown {
  const { charDevice, name } = found;
  if (charDevice === null) return unknown('not-present', 'no /dev/vhost-vdpa-N: it is not bound to vhost_vdpa');
  if (isUnknown(charDevice)) return charDevice;
  if (isUnknown(sources.edges)) return sources.edges;
  const held = attempt(charDevice, sources.edges, row?.maxVqs);
  if (isUnknown(held)) return held;
  sources.onHeldOpen?.(name, held.heldOpenMicroseconds);
  return held.result;
}

/** A /dev that does not fit to sysfs is a fact about this device, and no reason to give up on the others. */
function attempt(node: DeviceNode, edges: HostEdges, maxVqs: number | undefined) {
  try {
    return holdOpen(node, edges, (device) => interrogate(device, maxVqs));
  } catch (error) {
    if (error instanceof VdpaQemuError && error.code === 'bad-input') return unknown('malformed', messageOf(error));
    throw error;
  }
}

async function askNetlink(
  name: string,
  run: RunProgram,
  row: ToolDevice | undefined,
  reason: Unknown,
): Promise<Interrogation> {
  // Of other devices than network cards the tool prints no config.
  const config = row?.virtioId === VIRTIO_ID_NET ? await showDeviceConfig(name, run) : reason;
  return { identity: identityByNetlink(row, config, reason), virtqueues: reason };
}
