import type { Baseline, ClassBaseline } from '../model/generated/baseline.ts';
import type { ClassTally, DeviceRecord } from './class-tally.ts';
import type { HostTable } from './tally.ts';

/** As many hosts as a spec may list. */
const mostHosts = 10_000;
const ringSizes = [1024, 512, 256];
const names = { vdpa: /^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,62}$/, machine: /^(pc-q35|virt)-[0-9]+\.[0-9]+$/ };

/**
 * The keys of a VM spec that the baseline decides, with one net device of each host: the first of those with the best doorbells. undefined: none can be
 * given, because there is no common machine type that specs take, or a host has no net device that a spec could name.
 */
export function specFragment(
  machine: string | null,
  net: ClassBaseline | undefined,
  tally: ClassTally | undefined,
  table: HostTable,
  kvmIsMixed: boolean,
): Baseline['spec'] {
  if (machine === null || !names.machine.test(machine) || table.count > mostHosts || !net || !tally) return null;
  const best = new Map<number, DeviceRecord>();
  for (const record of tally.records) {
    const other = best.get(record.host);
    if (names.vdpa.test(record.name) && (!other || rankOf(record) < rankOf(other))) best.set(record.host, record);
  }
  const vdpa = Object.fromEntries([...best].map(([host, { name }]) => [table.nameOf(host), name]));
  if (Object.keys(vdpa).length < table.count || net.queuePairs === null) return null;
  const ring = ringSizes.find((size) => size <= (net.ringSize ?? 256));
  if (ring === undefined) return null;
  return {
    schemaVersion: 1,
    machine,
    // what all of them have
    ...(kvmIsMixed ? { accelerator: 'tcg' } : {}),
    interfaces: [
      {
        id: 'net0',
        vdpa,
        queuePairs: net.queuePairs,
        rxQueueSize: ring,
        txQueueSize: ring,
        ...(net.mtu === null ? {} : { mtu: net.mtu }),
        hostNotifier: net.pagePerVq ? 'auto' : 'off',
      },
    ],
    migration: { hosts: Object.keys(vdpa) },
  };
}

const ranks: Readonly<Record<NonNullable<DeviceRecord['doorbells']>, number>> = {
  usable: 0,
  fallback: 1,
  unknown: 2,
  unsafe: 3,
};

function rankOf({ doorbells }: DeviceRecord): number {
  return doorbells === undefined ? 4 : ranks[doorbells];
}
