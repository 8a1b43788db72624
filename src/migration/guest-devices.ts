import { isKnown } from '../model/fact.ts';
import type { DeviceBinding, GuestConfiguration, RunningDevice } from '../model/generated/guest-configuration.ts';
import { bindingAt, counterpartOf } from './match-devices.ts';
import type { GuestVdpa } from './migration.ts';

/** A guest device over vhost-vdpa, before it is known which vDPA device it would get. */
export type GuestDevice = GuestVdpa & {
  readonly path: string;
  readonly label: string;
  readonly binding: DeviceBinding;
  readonly bindingThen: DeviceBinding;
  readonly running: RunningDevice | undefined;
};

/**
 * The guest devices over vhost-vdpa, in the order interfaces, disks, vdpaDevices.
 * @param target the destination's configuration; a device that it lacks is left out here, another rule tells it
 */
export function guestDevices(source: GuestConfiguration, target: GuestConfiguration | undefined): GuestDevice[] {
  return [
    ...list(source, target, 'interfaces').map(({ guest, then, ...rest }) => ({
      kind: 'net' as const,
      guest,
      then,
      ...rest,
    })),
    ...list(source, target, 'disks').map(({ guest, then, ...rest }) => ({
      kind: 'block' as const,
      guest,
      then,
      ...rest,
    })),
    ...list(source, target, 'vdpaDevices').map(({ guest, then, ...rest }) => ({
      kind: 'generic' as const,
      guest,
      then,
      ...rest,
    })),
  ];
}

type Lists = Pick<GuestConfiguration['guest'], 'interfaces' | 'disks' | 'vdpaDevices'>;

interface Found<T> extends Omit<GuestDevice, 'kind' | 'guest' | 'then'> {
  readonly guest: T;
  readonly then: T;
}

function list<K extends keyof Lists>(
  source: GuestConfiguration,
  target: GuestConfiguration | undefined,
  name: K,
): Found<Lists[K][number]>[] {
  const own: readonly Lists[K][number][] = source.guest[name];
  const others: readonly Lists[K][number][] | undefined = target?.guest[name];
  return own.flatMap((guest, index) => {
    const path = `/${name}/${index}`;
    const binding = bindingAt(source, path);
    if (!isOverVdpa(binding)) return [];
    const at = others ? counterpartOf(guest, index, others) : index;
    const then = others ? others[at] : guest;
    if (then === undefined) return [];
    return [
      {
        path,
        label: guest.id ?? path.slice(1),
        guest,
        then,
        binding,
        bindingThen: target ? bindingAt(target, `/${name}/${at}`) : binding,
        running: source.running?.devices.find(({ device }) => device === path),
      },
    ];
  });
}

const backends = new Set(['vhost-vdpa', 'virtio-blk-vhost-vdpa', 'vhost-vdpa-device-pci']);

/** Of a back end that is not known its character device tells it; without one the rule migration.backend-unknown does. */
export function isOverVdpa({ backend, charDevice }: DeviceBinding): boolean {
  return isKnown(backend) ? backends.has(backend) : charDevice !== null;
}

/** Back ends that are over vDPA, or may be, without a device that could be checked: where they are, and why. */
export function uncheckedBackEnds({ binding }: GuestConfiguration): { readonly path: string; readonly why: string }[] {
  const ofDevices = binding.devices.flatMap(({ device, id, backend, charDevice }) =>
    isKnown(backend) || charDevice !== null
      ? []
      : [{ path: device, why: `whether ${id ?? device.slice(1)} is over vDPA is not known: ${backend.detail}` }],
  );
  const others = (binding.otherBackEnds ?? []).map(({ id, device, backend }) => {
    const name = [device, id].filter((one) => one !== null).join(' ') || 'a back end';
    const what = isKnown(backend) ? `is over ${backend}` : `may be over vDPA (${backend.detail})`;
    return { path: '', why: `${name} ${what}, and is no virtio device on PCI that could be checked here` };
  });
  return [...ofDevices, ...others];
}
