import { classOf } from '../doorbell/virtqueue-role.ts';
import { withoutAliasPrefix } from '../model/device-id.ts';
import { VdpaQemuError } from '../model/error.ts';
import { isKnown, printable } from '../model/fact.ts';
import type { HostReport, VdpaDevice } from '../model/generated/host-report.ts';
import type { Assignment } from '../model/generated/migration-check.ts';
import type { VdpaReference } from '../model/generated/vm-spec.ts';
import type { GuestDevice } from './guest-devices.ts';

/** What the caller says of the devices at the destinations. */
export interface Naming {
  /** id of a guest device -> name of a vDPA device, or /dev/vhost-vdpa-N */
  readonly devices: Readonly<Record<string, string>>;
  /** id of a guest device -> what the spec says, per host or for all */
  readonly references: Readonly<Record<string, VdpaReference>>;
  /** true: a configuration of the destination is given, and names its own devices */
  readonly hasTarget: boolean;
}

/** A device that would serve a guest device, and who says so. */
export interface Choice {
  readonly chosenBy: Assignment['chosenBy'];
  /** what was named; undefined: nothing was, and the candidates are to be tried */
  readonly named: string | undefined;
  readonly device: VdpaDevice | undefined;
}

/** Looks the named device up: the destination's configuration first, then --device, then the spec. */
export function namedDevice(device: GuestDevice, report: HostReport, naming: Naming): Choice {
  const { chosenBy, named } = nameOf(device, report, naming);
  return { chosenBy, named, device: named === undefined ? undefined : findDevice(report, named) };
}

function nameOf(
  { guest: { id }, bindingThen }: GuestDevice,
  { host }: HostReport,
  { devices, references, hasTarget }: Naming,
): Omit<Choice, 'device'> {
  if (hasTarget) {
    const { vdpa, charDevice } = bindingThen;
    const named =
      vdpa ?? (isKnown(charDevice) && charDevice?.startsWith('/dev/vhost-vdpa-') === true ? charDevice : null);
    if (named !== null) return { chosenBy: 'with', named };
  }
  const wanted = id === null ? undefined : Object.keys(devices).find((name) => isIdOf(name, id));
  if (wanted !== undefined) return { chosenBy: 'option', named: devices[wanted] };
  const reference = id !== null && Object.hasOwn(references, id) ? references[id] : undefined;
  const named =
    typeof reference === 'object' && Object.hasOwn(reference, host.name)
      ? reference[host.name]
      : typeof reference === 'string'
        ? reference
        : undefined;
  return { chosenBy: named === undefined ? 'none' : 'name', named };
}

/** The id, or the same without libvirt's prefix of aliases. */
function isIdOf(name: string, id: string): boolean {
  return name === id || name === withoutAliasPrefix(id);
}

/**
 * Each id that was named is that of a device.
 * @throws VdpaQemuError usage
 */
export function refuseUnknownIds(names: readonly string[], devices: readonly GuestDevice[]): void {
  const ids = devices.flatMap(({ guest: { id } }) => id ?? []);
  const wrong = names.find((name) => !ids.some((id) => isIdOf(name, id)));
  if (wrong === undefined) return;
  const there = ids.length === 0 ? 'none of its vDPA devices has an id' : `its vDPA devices are ${ids.join(', ')}`;
  throw new VdpaQemuError('usage', `the guest has no vDPA device ${printable(wrong)}: ${printable(there)}`);
}

/** By its name on the vdpa bus, or its character device. */
export function findDevice(report: HostReport, name: string): VdpaDevice | undefined {
  return report.devices.find((device) =>
    name.startsWith('/') ? isKnown(device.charDevice) && device.charDevice?.path === name : device.name === name,
  );
}

/** Devices of the host that are of the guest device's class, or whose class is not known; not taken by another. */
export function candidatesFor(device: GuestDevice, report: HostReport, taken: ReadonlySet<VdpaDevice>): VdpaDevice[] {
  const wanted = device.kind === 'net' ? 'net' : device.kind === 'block' ? 'block' : undefined;
  return report.devices.filter((candidate) => {
    const found = classOf(candidate);
    return !taken.has(candidate) && (wanted === undefined || found === wanted || found === 'unknown');
  });
}
