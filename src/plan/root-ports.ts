import type { GuestAbi } from '../model/generated/guest-abi.ts';
import type { CompleteSpec } from '../spec/defaults.ts';

type RootPort = GuestAbi['rootPorts'][number];

/** Slot of the first root port on pcie.0; 0 is the host bridge and 1 is where a VGA adapter would be. As libvirt does. */
const firstSlot = 2;
const functionsPerSlot = 8;

/** Which root port each device sits behind, and the ports themselves. */
export interface PortPlan {
  readonly portOf: ReadonlyMap<string, number>;
  readonly rootPorts: RootPort[];
}

/**
 * Gives each device a PCIe root port of its own: the one that the spec names, else the lowest free one in the order
 * interfaces, disks, vdpaDevices. The same spec always gives the same addresses.
 */
export function planRootPorts(spec: CompleteSpec): PortPlan {
  const devices = [...spec.interfaces, ...spec.disks, ...spec.vdpaDevices];
  const taken = new Set(devices.flatMap(({ rootPort }) => (rootPort === null ? [] : [rootPort])));
  const portOf = new Map<string, number>();
  let next = 1;
  for (const { id, rootPort } of devices) {
    if (rootPort !== null) {
      portOf.set(id, rootPort);
      continue;
    }
    while (taken.has(next)) next++;
    taken.add(next);
    portOf.set(id, next);
  }
  const highest = Math.max(0, ...portOf.values());
  const rootPorts = Array.from({ length: highest }, (_, index) => rootPort(index + 1, highest));
  return { portOf, rootPorts };
}

/** Eight ports share a slot, one per function; port number and chassis as libvirt writes them. */
function rootPort(index: number, highest: number): RootPort {
  const slot = firstSlot + Math.floor((index - 1) / functionsPerSlot);
  const fn = (index - 1) % functionsPerSlot;
  return { index, chassis: index, port: slot * 8 + fn, slot, function: fn, multifunction: fn === 0 && index < highest };
}
