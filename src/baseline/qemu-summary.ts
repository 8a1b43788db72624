import { isKnown } from '../model/fact.ts';
import type { HostReport, Unknown } from '../model/generated/host-report.ts';
import { machineTypeNumber, versionNumber } from '../model/qemu-version.ts';

/** What the QEMUs of one host amount to. */
export interface QemuSummary {
  /** the newest of them; undefined: none is known */
  readonly version: string | undefined;
  /** versioned machine types that one of them has, without the deprecated ones */
  readonly machines: readonly string[];
  /** block driver virtio-blk-vhost-vdpa */
  readonly blockDriver: boolean;
  /** -netdev vhost-vdpa */
  readonly netdev: boolean;
}

const versioned = /^[a-z0-9-]+-[0-9]+\.[0-9]+$/;

type QemuCapabilities = Exclude<HostReport['qemu'][number]['capabilities'], Unknown>;

/** The versioned machine types of one QEMU. Reports of hosts with the same QEMU may share its value: looked at once. */
const machineTypes = new WeakMap<QemuCapabilities, readonly string[]>();

export function summaryOf(qemu: HostReport['qemu']): QemuSummary {
  const all = qemu.flatMap(({ capabilities }) => (isKnown(capabilities) ? [capabilities] : []));
  const [one, ...others] = all;
  const [version] = all.map((known) => known.version).sort((a, b) => versionNumber(b) - versionNumber(a));
  return {
    version,
    machines: one && others.length === 0 ? machineTypesOf(one) : [...new Set(all.flatMap(machineTypesOf))],
    blockDriver: all.some(({ blockdevVirtioBlkVhostVdpa }) => blockdevVirtioBlkVhostVdpa),
    netdev: all.some(({ netdevVhostVdpa }) => netdevVhostVdpa !== null),
  };
}

function machineTypesOf(capabilities: QemuCapabilities): readonly string[] {
  let names = machineTypes.get(capabilities);
  if (!names) {
    const { machines } = capabilities;
    const fit = machines.filter(({ name, deprecated }) => !deprecated && versioned.test(name)).map(({ name }) => name);
    names = [...new Set(fit)];
    machineTypes.set(capabilities, names);
  }
  return names;
}

/** Newest first; within a version by name. */
export function byMachineVersion(a: string, b: string): number {
  return machineTypeNumber(b) - machineTypeNumber(a) || (a < b ? -1 : 1);
}
