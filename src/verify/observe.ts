import type { ProcessView } from '../host/proc-maps.ts';
import type { QmpExecutor } from '../host/qmp-client.ts';
import { isKnown, isUnknown, type Fact } from '../model/fact.ts';
import { sortFindings, type Finding } from '../model/finding.ts';
import type { Observation } from '../model/generated/observation.ts';
import { Deadline } from './deadline.ts';
import { findDevices } from './find-devices.ts';
import { takeInventory, type Inventory } from './inventory.ts';
import { processFacts } from './process-facts.ts';
import { fitted } from './limits.ts';
import { readDevices } from './read-devices.ts';

export interface ObserveOptions {
  /** what /proc shows of the QEMU process, as a second witness; see readProcess() */
  readonly process?: Fact<ProcessView> | undefined;
  /** true: also `info mtree -f`, as another witness */
  readonly memoryMap?: boolean | undefined;
  /** milliseconds for all of it, however many round trips it takes; default 30,000 */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How often it is looked again when the VM or a device was stopped or started meanwhile. */
const attempts = 3;

/**
 * Reads from a running QEMU all that tells whether its host notifiers are active. Only facts; see verifyVm().
 *
 * Four round trips, however many devices and virtqueues there are. Nothing is changed, and nothing is asked that is
 * known to harm: x-query-virtio-status on a vhost-vdpa-device ends QEMU 10.0.13 with a segmentation fault.
 * @throws QmpError `timeout` where it takes too long; where the monitor is lost or breaks the protocol; a refused command is an unknown fact
 */
export async function observeVm(executor: QmpExecutor, options: ObserveOptions = {}): Promise<Observation> {
  const { process: view, signal, timeoutMs = 30_000, memoryMap = false } = options;
  const deadline = new Deadline(timeoutMs, signal);
  for (let attempt = 1; ; attempt++) {
    const inventory = await takeInventory(executor, deadline);
    const process = view && isKnown(view) ? processFacts(view, inventory.fdSets) : null;
    const found = await findDevices(executor, inventory, process, deadline);
    const read = await readDevices(executor, found.devices, inventory, process, { memoryMap, deadline });
    if (read.torn && attempt < attempts) continue;
    return fitted({
      schemaVersion: 1,
      kind: 'Observation',
      ...inventory.vm,
      runState: read.moment.runState,
      migration: read.moment.migration,
      devices: [...read.devices],
      process,
      memoryMap: read.memoryMap,
      notes: sortFindings([
        ...found.notes,
        ...limitsOf(inventory),
        ...withoutProcess(view),
        ...(read.torn ? [torn] : []),
      ]),
    } satisfies Observation);
  }
}

const torn: Finding = {
  code: 'observe.changing',
  severity: 'warning',
  path: '/devices',
  message:
    'the VM or its devices were started, stopped or migrated all the while: what was read is of different moments',
};

/** /proc was to be a witness, and is not. */
function withoutProcess(view: ObserveOptions['process']): Finding[] {
  if (view === undefined || !isUnknown(view)) return [];
  const message = `the process of QEMU is not among the witnesses: ${view.detail}`;
  return [{ code: 'observe.no-process', severity: 'info', path: '/process', message }];
}

/** What this QEMU cannot tell. */
function limitsOf({ vm, commands }: Inventory): Finding[] {
  if (commands.size === 0 || commands.has('x-query-virtio-status')) return [];
  return [
    {
      code: 'observe.qemu-too-old',
      severity: 'warning',
      path: '/qemu',
      message: `QEMU ${vm.qemu.version} has no x-query-virtio-status (7.2 and newer have): driver status, features and virtqueues are not known`,
    },
  ];
}
