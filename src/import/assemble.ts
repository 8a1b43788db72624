import { knownOr } from '../model/fact.ts';
import { compare } from '../model/finding.ts';
import type {
  DeviceBinding,
  Guest,
  GuestConfiguration,
  RunningDevice,
} from '../model/generated/guest-configuration.ts';
import { digestOf, undeterminedIn } from './digest.ts';

/** What a device of the guest is bound to, without its place in the document. */
export type Bound = Omit<DeviceBinding, 'device' | 'id'>;
/** What is known of a device in a running VM, without its place in the document. */
export type Seen = Omit<RunningDevice, 'device' | 'id'>;

/** A device of the guest, beside what it is bound to, as an importer collects it. */
export interface Collected<Device> {
  readonly device: Device;
  readonly bound: Bound;
  readonly seen?: Seen | undefined;
}

export interface Parts {
  readonly name: string | null;
  readonly origin: GuestConfiguration['origin'];
  readonly guest: Omit<Guest, 'interfaces' | 'disks' | 'vdpaDevices'>;
  readonly interfaces: readonly Collected<Guest['interfaces'][number]>[];
  readonly disks: readonly Collected<Guest['disks'][number]>[];
  readonly vdpaDevices: readonly Collected<Guest['vdpaDevices'][number]>[];
  readonly binding: Omit<GuestConfiguration['binding'], 'devices'>;
  readonly running?: Omit<NonNullable<GuestConfiguration['running']>, 'devices'> | undefined;
}

/**
 * Puts a GuestConfiguration together: devices sorted by address (those without a known one last, in the order they came
 * in), bindings beside them, and the digest.
 */
export function assemble({ guest, binding, running, ...parts }: Parts): GuestConfiguration {
  const lists = {
    interfaces: byAddress(parts.interfaces, ({ device }) => device),
    disks: byAddress(parts.disks, ({ device }) => device),
    vdpaDevices: byAddress(parts.vdpaDevices, ({ device }) => device),
  };
  const whole: Guest = {
    ...guest,
    rootPorts: byAddress(guest.rootPorts, (port) => port),
    interfaces: lists.interfaces.map(({ device }) => device),
    disks: lists.disks.map(({ device }) => device),
    vdpaDevices: lists.vdpaDevices.map(({ device }) => device),
    otherDevices: byDriver(guest.otherDevices),
  };
  const all = Object.entries(lists).flatMap(([list, items]: [string, readonly Collected<{ id: string | null }>[]]) =>
    items.map((item, index) => ({ place: { device: `/${list}/${index}`, id: item.device.id }, item })),
  );
  return {
    schemaVersion: 1,
    kind: 'GuestConfiguration',
    name: parts.name,
    origin: parts.origin,
    digest: digestOf(whole),
    guest: whole,
    binding: { ...binding, devices: all.map(({ place, item }) => ({ ...place, ...item.bound })) },
    running: running
      ? { ...running, devices: all.flatMap(({ place, item }) => (item.seen ? [{ ...place, ...item.seen }] : [])) }
      : null,
    undetermined: undeterminedIn(whole),
  };
}

/** Above every address: unknown ones sort last. */
const last = '~';

function byAddress<T>(
  items: readonly T[],
  deviceOf: (item: T) => { readonly address: string | null | { readonly unknown: string } },
): T[] {
  const key = (item: T): string => {
    const { address } = deviceOf(item);
    return typeof address === 'string' ? address : last;
  };
  return [...items].sort((a, b) => compare(key(a), key(b)));
}

function byDriver(devices: Guest['otherDevices']): Guest['otherDevices'] {
  const text = ({ properties }: Guest['otherDevices'][number]): string =>
    JSON.stringify(Object.entries(properties).sort(([a], [b]) => compare(a, b)));
  return [...devices].sort(
    (a, b) =>
      compare(knownOr(a.address, null) ?? last, knownOr(b.address, null) ?? last) ||
      compare(knownOr(a.driver, last), knownOr(b.driver, last)) ||
      compare(text(a), text(b)),
  );
}
