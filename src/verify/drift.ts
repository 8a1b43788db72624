import { isKnown, isUnknown, type Fact } from '../model/fact.ts';
import type { Finding } from '../model/finding.ts';
import type { Guest } from '../model/generated/guest-configuration.ts';
import type { ObservedDevice, Observation } from '../model/generated/observation.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import { idOf } from './context.ts';
import { guestDrift } from './guest-drift.ts';

type Abi = VmPlan['guestAbi'];
type Value = string | number | boolean;

export interface DriftOptions {
  /** devices whose page-per-vq the plan does not really know, and is not compared */
  readonly pagePerVqUndecided?: readonly string[] | undefined;
  /** the guest of the running VM, as importRunning() gives it: compares all of it, not only what an observation holds */
  readonly running?: Guest | undefined;
}

/** Where the running VM differs from the guest ABI of its plan. Paths point into the plan's guestAbi. */
export function driftOf(observation: Observation, plan: VmPlan, options: DriftOptions = {}): Finding[] {
  const { guestAbi } = plan;
  const { board, machine, devices } = observation;
  const skip = new Set(options.pagePerVqUndecided ?? []);
  const found = [
    ...compare('/machine', 'the machine type', guestAbi.machine, machine),
    ...compare('/memoryBytes', 'guest memory', guestAbi.memoryBytes, board.memoryBytes),
    ...compare('/cpu/count', 'the number of CPUs', guestAbi.cpu.count, board.cpus),
    ...compare('/uuid', 'the UUID', guestAbi.uuid, lower(board.uuid)),
    ...guestAbi.interfaces.flatMap((net, index) =>
      driftOfDevice(`/interfaces/${index}`, net.id, devices, interfaceProperties(net, skip)),
    ),
    ...guestAbi.vdpaDevices.flatMap((device, index) =>
      driftOfDevice(`/vdpaDevices/${index}`, device.id, devices, genericProperties(device, skip)),
    ),
    ...unplanned(guestAbi, devices),
  ];
  const covered = new Set([
    ...['/machine', '/memoryBytes', '/cpu/count', '/uuid'],
    ...found.filter(({ code }) => code === 'verify.drift').map(({ path }) => path),
    ...[...skip].flatMap((id) => pathsOf(guestAbi, id)).map((path) => `${path}/pagePerVq`),
  ]);
  return [...found, ...guestDrift(plan, options.running, covered)];
}

function pathsOf({ interfaces, vdpaDevices }: Abi, id: string): string[] {
  const at = (name: string, list: readonly { id: string }[]): string[] =>
    list.flatMap((device, index) => (device.id === id ? [`/${name}/${index}`] : []));
  return [...at('interfaces', interfaces), ...at('vdpaDevices', vdpaDevices)];
}

/** A property of the plan, what QOM calls it, and what it should be; null: QEMU's default, which is not compared. */
type Property = readonly [field: string, qom: string, wanted: Value | null];

function interfaceProperties(net: Abi['interfaces'][number], skip: ReadonlySet<string>): Property[] {
  return [
    ['mac', 'mac', net.mac],
    ['mq', 'mq', net.mq],
    ['vectors', 'vectors', net.vectors],
    ...(skip.has(net.id) ? [] : [['pagePerVq', 'page-per-vq', net.pagePerVq] as const]),
    ['iommuPlatform', 'iommu_platform', net.iommuPlatform],
    ['packed', 'packed', net.packed],
    ['rxQueueSize', 'rx_queue_size', net.rxQueueSize],
    ['txQueueSize', 'tx_queue_size', net.txQueueSize],
    ['mtu', 'host_mtu', net.mtu],
    ['bootIndex', 'bootindex', net.bootIndex ?? -1],
    ['rootPort', 'parent_bus', `pci.${net.rootPort}`],
  ];
}

function genericProperties(device: Abi['vdpaDevices'][number], skip: ReadonlySet<string>): Property[] {
  return [
    ...(skip.has(device.id) ? [] : [['pagePerVq', 'page-per-vq', device.pagePerVq] as const]),
    ['iommuPlatform', 'iommu_platform', device.iommuPlatform],
    ['queueSize', 'queue-size', device.queueSize],
    ['bootIndex', 'bootindex', device.bootIndex ?? -1],
    ['rootPort', 'parent_bus', `pci.${device.rootPort}`],
  ];
}

function driftOfDevice(
  path: string,
  id: string,
  devices: readonly ObservedDevice[],
  properties: readonly Property[],
): Finding[] {
  const device = devices.find((candidate) => idOf(candidate) === id);
  if (!device) {
    return [
      {
        code: 'verify.device-missing',
        severity: 'error',
        path,
        message: `${id} of the plan is not in the VM as a vDPA device`,
      },
    ];
  }
  return properties.flatMap(([field, qom, wanted]) =>
    wanted === null ? [] : compare(`${path}/${field}`, `${qom} of ${id}`, wanted, valueOf(device, qom)),
  );
}

function valueOf(device: ObservedDevice, qom: string): Fact<Value> | undefined {
  if (qom === 'page-per-vq') return device.pagePerVq;
  const value = device.properties[qom];
  // `/machine/peripheral/pci.1/pci.1`: the bus has the name of its port
  return qom === 'parent_bus' && typeof value === 'string' ? value.replace(/^.*\//, '') : value;
}

function unplanned({ interfaces, disks, vdpaDevices }: Abi, devices: readonly ObservedDevice[]): Finding[] {
  const planned = new Set([...interfaces, ...disks, ...vdpaDevices].map(({ id }) => id));
  return devices
    .filter((device) => !planned.has(idOf(device) ?? ''))
    .map((device) => ({
      code: 'verify.device-unplanned',
      severity: 'error',
      path: '',
      message: `the VM has a vDPA device that the plan has not: ${idOf(device) ?? device.path} (${device.frontend})`,
    }));
}

function compare(path: string, what: string, wanted: Value, found: Fact<Value> | undefined): Finding[] {
  if (found === undefined || isUnknown(found)) {
    const why = found === undefined ? 'QEMU does not show it' : found.detail;
    return [
      {
        code: 'verify.drift-unknown',
        severity: 'info',
        path,
        message: `${what} could not be compared with the plan: ${why}`,
      },
    ];
  }
  if (found === wanted) return [];
  return [
    {
      code: 'verify.drift',
      severity: 'error',
      path,
      message: `${what} is ${String(found)} in the running VM and ${String(wanted)} in the plan`,
      evidence: { running: found, planned: wanted },
    },
  ];
}

function lower(text: Fact<string>): Fact<string> {
  return isKnown(text) ? text.toLowerCase() : text;
}
