import type { QmpExecutor } from '../host/qmp-client.ts';
import { asCount, asFlag, asText } from '../host/qmp-value.ts';
import { isKnown, isUnknown, knownOr, unknown } from '../model/fact.ts';
import type { MappedRegion, ObservedDevice, ObservedProcess } from '../model/generated/observation.ts';
import { checked, Questions } from './answers.ts';
import { assembleDevice, type ReadDevice } from './assemble-device.ts';
import { countVirtqueues } from './count-virtqueues.ts';
import type { Deadline } from './deadline.ts';
import { notifiersIn, type FoundDevice } from './find-devices.ts';
import type { Inventory } from './inventory.ts';
import { parseExamine, parseFlatView } from './monitor-text.ts';
import { parseNotifierName, regionNameOf } from './notifier-name.ts';
import { askMoment, hasMovedOn, type Moment } from './moment.ts';
import { functionOf, type DevicePlace } from './pci-bar.ts';
import { askQueues } from './read-queues.ts';
import { parseStatus, statusBits, statusUnknown, type VirtioStatus } from './virtio-status.ts';

export interface ReadDevices {
  readonly devices: readonly ObservedDevice[];
  readonly memoryMap: MappedRegion[] | null;
  /** the VM as it was after the devices were read */
  readonly moment: Moment;
  /** host notifiers came or went, or the VM itself changed, between two questions: what was read is of two moments */
  readonly torn: boolean;
}

/** Guest ABI that QOM shows under the same name. */
const abiProperties = [
  'bootindex',
  'host_mtu',
  'iommu_platform',
  'mac',
  'modern-pio-notify',
  'mq',
  'num-queues',
  'packed',
  'parent_bus',
  'queue-size',
  'rx_queue_size',
  'tx_queue_size',
  'vectors',
] as const;

/** Reads all devices: the third round trip, and the fourth for their virtqueues and for the VM once more. */
export async function readDevices(
  executor: QmpExecutor,
  found: readonly FoundDevice[],
  inventory: Inventory,
  process: ObservedProcess | null,
  options: { readonly memoryMap: boolean; readonly deadline: Deadline },
): Promise<ReadDevices> {
  const { memoryMap, deadline } = options;
  const ask = new Questions();
  const asked = found.map((device) => askDevice(ask, device, inventory));
  const tree = memoryMap ? ask.add('human-monitor-command', { 'command-line': 'info mtree -f' }) : undefined;
  await ask.ask(executor, deadline.signal, deadline.next());
  const text = tree?.();
  const map = typeof text === 'string' ? parseFlatView(text) : null;
  if (found.length === 0) return { devices: [], memoryMap: map, moment: inventory.moment, torn: false };

  const read = asked.map(({ answers }) => answers());
  const last = new Questions();
  const counted = read.map((one) => ({ one, count: countVirtqueues(one, inventory) }));
  const queues = askQueues(
    last,
    counted.map(({ one: { device }, count }) => ({
      virtioPath: device.virtioPath,
      count: count.seen,
      askable: isAskable(device, inventory),
    })),
  );
  const moment = askMoment(last);
  await last.ask(executor, deadline.signal, deadline.next());

  const [sizes, now] = [queues(), moment()];
  const functions = asked.map(({ place }) => [functionOf(inventory.moment.pci, place()), functionOf(now.pci, place())]);
  return {
    devices: counted.map(({ one, count }, index) =>
      assembleDevice(
        one,
        { count, queues: sizes[index] ?? [], pci: functions[index]?.[1] ?? notAsked },
        { all: read, inventory, process },
      ),
    ),
    memoryMap: map,
    moment: now,
    torn:
      asked.some(({ changed }) => changed()) ||
      read.some(isHalfRead) ||
      hasMovedOn(inventory.moment, now) ||
      functions.some(([before, after]) => JSON.stringify(before) !== JSON.stringify(after)),
  };
}

const notAsked = unknown('not-asked', 'query-pci was not asked');

function isHalfRead({ notifiers }: ReadDevice): boolean {
  return notifiers.some(({ size }) => isUnknown(size));
}

interface AskedDevice {
  readonly answers: () => ReadDevice;
  /** whether the host notifiers are others now than when the device was found: its driver came up or went meanwhile */
  readonly changed: () => boolean;
  readonly place: () => DevicePlace;
}

function askDevice(ask: Questions, device: FoundDevice, inventory: Inventory): AskedDevice {
  const { path, virtioPath } = device;
  const property = (name: string) => ask.property(path, name);
  const [pagePerVq, disableModern, disableLegacy] = [
    property('page-per-vq'),
    property('disable-modern'),
    property('disable-legacy'),
  ];
  const abi = abiProperties.map((name) => [name, property(name)] as const);
  const [bus, addr] = [property('parent_bus'), property('addr')];
  const [vhostdev, table] = [property('vhostdev'), ask.property(`${path}/msix-table[0]`, 'size')];
  const notifiers = device.notifiers.map((name) => {
    const get = (what: string) => ask.property(`${virtioPath}/${name}`, what);
    return { name, address: get('addr'), size: get('size'), container: get('container') };
  });
  const status = askStatus(ask, device, inventory);
  const now = ask.add('qom-list', { path: virtioPath });
  const answers = (): ReadDevice => ({
    device,
    name: inventory.virtioDevices.get(path)?.name,
    status: status(),
    notifiers: notifiers.map(({ name, address, size, container }) => ({
      index: parseNotifierName(name)?.virtqueue ?? 0,
      name: regionNameOf(name),
      address: checked(address(), asCount, `addr of ${name}`),
      size: checked(size(), asCount, `size of ${name}`),
      container: checked(container(), asText, `container of ${name}`, (link) => (link === '' ? null : link)),
    })),
    vhostdev: knownOr(checked(vhostdev(), asText, 'vhostdev'), null),
    tableSize: knownOr(checked(table(), asCount, 'msix-table'), null),
    facts: {
      pagePerVq: checked(pagePerVq(), asFlag, 'page-per-vq'),
      disableModern: checked(disableModern(), asFlag, 'disable-modern'),
      disableLegacy: checked(disableLegacy(), asText, 'disable-legacy'),
      properties: Object.fromEntries(
        abi.flatMap(([name, answer]) => {
          const value = answer();
          return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
            ? [[name, value]]
            : [];
        }),
      ),
    },
  });
  return {
    answers,
    changed: () => notifiersIn(now(), virtioPath).join() !== device.notifiers.join(),
    place: () => ({ path, parentBus: bus(), addr: addr() }),
  };
}

/**
 * The driver's status. x-query-virtio-status and x-query-virtio-queue-status end QEMU 10.0.13 with a segmentation fault
 * on a vhost-vdpa-device (measured; the guest is gone), so that such a device is never asked. Its device_status
 * register is read through the memory map instead, by `xp`: reading that one register has no effect (virtio 1.3,
 * 4.1.4.3), and it is not needed where a host notifier shows that the device was started.
 */
function askStatus(ask: Questions, device: FoundDevice, inventory: Inventory): () => VirtioStatus {
  const { path, virtioPath, frontend } = device;
  if (frontend.startsWith('virtio-')) {
    if (inventory.commands.size > 0 && !inventory.commands.has('x-query-virtio-status')) {
      return () => statusUnknown('not-supported', 'x-query-virtio-status is only in QEMU 7.2 and newer');
    }
    const answer = ask.add('x-query-virtio-status', { path: virtioPath });
    return () => parseStatus(answer());
  }
  const why = 'x-query-virtio-status on such a device ends QEMU with a segmentation fault (seen with 10.0.13)';
  const seen = functionOf(inventory.moment.pci, { path });
  const address = isKnown(seen) ? seen.modernBar : null;
  if (device.notifiers.length > 0 || address === null) return () => statusUnknown('not-asked', why);
  const answer = ask.add('human-monitor-command', { 'command-line': `xp /1bx 0x${(address + 20).toString(16)}` });
  return () => {
    const text = answer();
    const byte = typeof text === 'string' ? parseExamine(text) : undefined;
    const none = statusUnknown('not-asked', why);
    return byte === undefined ? none : { ...none, status: statusBits(byte) };
  };
}

/** Its virtqueues can be asked for one by one, where there is such a command and it is safe; see askStatus(). */
function isAskable({ frontend }: FoundDevice, { commands }: Inventory): boolean {
  return frontend.startsWith('virtio-') && commands.has('x-query-virtio-queue-status');
}
