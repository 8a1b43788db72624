import { isKnown } from '../model/fact.ts';
import type { HostReport } from '../model/generated/host-report.ts';
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

const summaries = new WeakMap<HostReport['qemu'], QemuSummary>();

/** Reports of hosts with the same QEMU may share the list: then it is looked at once. */
export function summaryOf(qemu: HostReport['qemu']): QemuSummary {
  const known = summaries.get(qemu);
  if (known) return known;
  const all = qemu.flatMap(({ capabilities }) => (isKnown(capabilities) ? [capabilities] : []));
  const [version] = all.map((one) => one.version).sort((a, b) => versionNumber(b) - versionNumber(a));
  const machines = all.flatMap((one) =>
    one.machines.filter(({ name, deprecated }) => !deprecated && versioned.test(name)).map(({ name }) => name),
  );
  const summary = {
    version,
    machines: [...new Set(machines)],
    blockDriver: all.some(({ blockdevVirtioBlkVhostVdpa }) => blockdevVirtioBlkVhostVdpa),
    netdev: all.some(({ netdevVhostVdpa }) => netdevVhostVdpa !== null),
  };
  summaries.set(qemu, summary);
  return summary;
}

/** Newest first; within a version by name. */
export function byMachineVersion(a: string, b: string): number {
  return machineTypeNumber(b) - machineTypeNumber(a) || (a < b ? -1 : 1);
}
