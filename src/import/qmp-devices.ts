import { deviceTypeOf } from '../model/device-type.ts';
import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { Observation, ObservedDevice, Unknown } from '../model/generated/observation.ts';
import type { AskedDevice, GuestAnswers } from './ask-guest.ts';
import type { Seen } from './assemble.ts';
import { inOrderOfCreation } from './creation-order.ts';
import { knownText, type Option } from './option.ts';
import type { Scalar } from './option-values.ts';
import type { CommandLine } from './qemu-options.ts';
import { option } from './qmp-option.ts';
import { seenOf } from './qmp-seen.ts';

/** The devices of a running VM as options, and what is seen of those with a vDPA device behind them. */
export interface DeviceOptions {
  readonly options: readonly Option[];
  readonly seen: ReadonlyMap<Option, Seen>;
}

/** Devices by QOM; what QOM does not show, as the command line has it. */
export function deviceOptions(
  observation: Observation,
  answers: GuestAnswers,
  line: CommandLine | undefined,
): DeviceOptions {
  const { devices } = answers;
  if (isUnknown(devices)) return { options: [], seen: new Map() };
  const seen = new Map<Option, Seen>();
  const created = new Map(
    inOrderOfCreation(line?.options ?? []).map((one, place): [Option | undefined, number] => [one, place]),
  );
  const placeIn = (given: Option | undefined): number => created.get(given) ?? created.size;
  // QOM lists them in no order
  const inOrder = devices
    .map((asked) => ({ asked, given: onCommandLine(asked, line) }))
    .sort((a, b) => placeIn(a.given) - placeIn(b.given));
  const options = inOrder.flatMap(({ asked, given }) => {
    const observed = observation.devices.find(({ path }) => path === asked.path);
    const device = asked.kind ? knownDevice(asked, observed, given) : otherDevice(asked, observed, given);
    if (observed) seen.set(device, seenOf(asked, observed));
    return [device, ...backEnds(asked, observed, answers, pathOf(given, line), netdevsNotSeen(observation))];
  });
  return { options, seen };
}

/** What stands for a PCI address: `addr` is slot * 8 + function, parent_bus a path that ends with the bus. */
function placeOf({ driver, properties }: AskedDevice): [string, Fact<Scalar>][] {
  const [bus, addr] = [properties.get('parent_bus'), properties.get('addr')];
  const name = typeof bus === 'string' ? bus.replace(/^.*\//, '') : undefined;
  return [
    ['driver', driver],
    ...(name === undefined ? [] : [['bus', name] satisfies [string, string]]),
    ...(addr === undefined ? [] : [['addr', addr] satisfies [string, Scalar]]),
  ];
}

function knownDevice(asked: AskedDevice, observed: ObservedDevice | undefined, given: Option | undefined): Option {
  const values = new Map<string, Fact<Scalar>>(asked.properties);
  if (observed) unmask(values, given);
  for (const name of ['parent_bus', 'addr', 'netdev', 'romfile', 'rombar']) values.delete(name);
  if (asked.kind === 'net') {
    const rom = asked.properties.get('romfile');
    if (rom !== undefined) values.set('romfile', rom);
    if (asked.properties.get('rombar') === 0) values.set('rombar', 0);
    if (observed && asked.properties.get('mq') === true) values.set('queue-pairs', pairsOf(observed));
    values.set('netdev', asked.path);
  }
  if (asked.kind === 'block') values.set('drive', asked.path);
  if (asked.kind === 'generic') {
    if (observed) values.set('vhostdev', observed.charDevice);
    // QEMU puts the device's own size there when none is given (hw/virtio/vdpa-dev.c: vhost_vdpa_device_realize())
    const size = given ? given.values.get('queue-size') : notTold('queue-size');
    if (size === undefined) values.delete('queue-size');
    else values.set('queue-size', size);
  }
  for (const [name, value] of placeOf(asked)) values.set(name, value);
  if (asked.id !== null) values.set('id', asked.id);
  return option('device', values);
}

/**
 * Of the transport's features QOM shows what is left after the vDPA device had its say (hw/virtio/virtio-bus.c:
 * virtio_bus_device_plugged()). What was configured stands on the command line.
 */
const masked = ['event_idx', 'indirect_desc', 'in_order', 'packed', 'queue_reset'] as const;

function unmask(values: Map<string, Fact<Scalar>>, given: Option | undefined): void {
  for (const name of masked) {
    if (values.get(name) !== false) continue;
    const configured = given?.values.get(name);
    const off = name === 'in_order' || name === 'packed';
    if (configured !== undefined) values.set(name, configured);
    else if (given) values.delete(name);
    else if (!off) {
      values.set(name, notTold(name));
    }
  }
}

function notTold(name: string): Unknown {
  return unknown('not-asked', `QMP shows what the vDPA device made of ${name}, not what was configured; give --pid`);
}

/** The -device that made it; undefined where it is not there, or more than one may be meant. */
function onCommandLine({ id, driver }: AskedDevice, line: CommandLine | undefined): Option | undefined {
  const given =
    line?.options.filter(
      (one) =>
        one.name === 'device' &&
        deviceTypeOf(knownText(one, 'driver') ?? '') === driver &&
        (id === null ? !one.values.has('id') : knownText(one, 'id') === id),
    ) ?? [];
  return given.length === 1 ? given[0] : undefined;
}

/** A device whose properties are not asked for: as the command line has it, where it is there. */
function otherDevice(asked: AskedDevice, observed: ObservedDevice | undefined, given: Option | undefined): Option {
  const netdev: [string, Fact<Scalar>][] = isOtherNic(asked, observed) ? [['netdev', asked.path]] : [];
  if (given) return { ...given, values: new Map([...given.values, ...netdev]), place: {} };
  const settings = unknown('not-asked', `the properties of ${asked.driver} were not asked for`);
  const id: [string, Fact<Scalar>][] = asked.id === null ? [] : [['id', asked.id]];
  return option('device', [...placeOf(asked), ...id, ...netdev, ['settings', settings]]);
}

/** A NIC over vDPA on another bus than PCI: virtio-net-device. */
function isOtherNic({ kind, driver }: AskedDevice, observed: ObservedDevice | undefined): boolean {
  return kind === undefined && driver.startsWith('virtio-net') && observed?.backend === 'vhost-vdpa';
}

/** What a NIC has that is not among the observed ones: no vDPA device, unless QEMU did not tell. */
function netdevsNotSeen({ notes }: Observation): Fact<string> {
  return notes.some(({ code }) => code === 'observe.netdev-type-unknown')
    ? unknown('not-asked', 'QMP did not tell the type of this netdev')
    : 'other';
}

/** Netdev or block node, under the path of its front end. */
function backEnds(
  asked: AskedDevice,
  observed: ObservedDevice | undefined,
  { readOnly }: GuestAnswers,
  path: Fact<Scalar> | undefined,
  others: Fact<string>,
): Option[] {
  if (isOtherNic(asked, observed))
    return [
      option('netdev', [
        ['id', asked.path],
        ['type', 'vhost-vdpa'],
      ]),
    ];
  if (asked.kind === 'net') {
    const type = observed?.backend ?? others;
    const device: [string, Fact<Scalar>][] = observed
      ? [
          ['vhostdev', observed.charDevice],
          ['x-svq', observed.shadowVirtqueues],
        ]
      : [];
    return [option('netdev', [['id', asked.path], ['type', type], ...device])];
  }
  if (asked.kind !== 'block') return [];
  const ro = isUnknown(readOnly)
    ? readOnly
    : (readOnly.get(asked.path) ?? unknown('not-present', 'query-block does not show it'));
  const driver = observed ? 'virtio-blk-vhost-vdpa' : 'file';
  const seen = observed && isUnknown(observed.charDevice) ? (path ?? observed.charDevice) : observed?.charDevice;
  const device: [string, Fact<Scalar>][] = seen === undefined ? [] : [['path', seen]];
  return [option('blockdev', [['node-name', asked.path], ['driver', driver], ['read-only', ro], ...device])];
}

/** The path of the block node that a -device names: a block driver opens its device where QOM does not show it. */
function pathOf(device: Option | undefined, line: CommandLine | undefined): Fact<Scalar> | undefined {
  const drive = device && knownText(device, 'drive');
  return line?.options
    .find((one) => one.name === 'blockdev' && drive !== undefined && knownText(one, 'node-name') === drive)
    ?.values.get('path');
}

/**
 * Pairs of a NIC by its netdev, which keeps them whatever the guest does: a vDPA device with several has a control
 * virtqueue (VIRTIO_NET_F_MQ requires it, virtio 1.3, 5.1.3.1). Else by its virtqueues, rx and tx each and perhaps a
 * control virtqueue: of a guest that did not take VIRTIO_NET_F_MQ, QEMU shows those of one pair only
 * (hw/net/virtio-net.c: virtio_net_set_multiqueue()).
 */
function pairsOf({ backend, netdevQueues, virtqueues, guestFeatures }: ObservedDevice): Fact<number> {
  if (isKnown(netdevQueues) && netdevQueues !== null) {
    return Math.max(1, backend === 'vhost-vdpa' ? netdevQueues - 1 : netdevQueues);
  }
  if (isUnknown(virtqueues)) return virtqueues;
  if (isUnknown(guestFeatures)) return guestFeatures;
  if (guestFeatures.includes('VIRTIO_NET_F_MQ')) return Math.max(1, Math.floor(virtqueues.length / 2));
  return unknown('not-present', 'the guest did not negotiate VIRTIO_NET_F_MQ, and QEMU shows one pair only then');
}
