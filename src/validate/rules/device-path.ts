import { posix } from 'node:path';
import { knownText, type Option } from '../../import/option.ts';
import { isKnown } from '../../model/fact.ts';
import { guestKinds, type Hit, type ValidationRule } from '../rule.ts';
import type { Subject, SubjectDevice } from '../subject.ts';
import { atDevice, atOption, quoted } from './hits.ts';

function onDevices(check: (device: SubjectDevice) => readonly Hit[]): ValidationRule['check'] {
  return (subject) => subject.devices.flatMap((device) => check(device));
}

/** `/dev/vhost-vdpa-3`, and no placeholder. */
export const isNumbered = (path: string): boolean => /^\/dev\/vhost-vdpa-(?:0|[1-9]\d*)$/.test(path);

/** How a guest device or a back end names the vDPA device that it opens. */
export const devicePathRules: readonly ValidationRule[] = [
  {
    code: 'validate.device-path',
    severity: 'error',
    appliesTo: guestKinds,
    asks: 'is the path of the device a real one?',
    source: 'Linux drivers/vhost/vdpa.c: vhost_vdpa_probe(): vhost-vdpa-%u; libvirt and QEMU open what is written',
    check: onDevices((device) => {
      const { charDevice } = device.binding;
      if (!isKnown(charDevice) || charDevice === null || isNumbered(charDevice)) return [];
      const what = `${device.label}: device path ${quoted(charDevice)}`;
      if (!charDevice.startsWith('/')) {
        const message =
          charDevice === ''
            ? `${what} is empty`
            : /^[@$%{<[]/.test(charDevice)
              ? `${what} is a placeholder: QEMU gets it as it is written`
              : `${what} is relative: it depends on the directory that QEMU is started in`;
        return [atDevice(device, message, { fix: 'write /dev/vhost-vdpa-N with its number' })];
      }
      if (charDevice.startsWith('/dev/vhost-vdpa-')) {
        const message = `${what} has a placeholder where the number of the device belongs`;
        return [
          atDevice(device, message, {
            fix: "write the number: vdpa-qemu probe, or ls /sys/bus/vdpa/devices/NAME/ | grep '^vhost-vdpa'",
          }),
        ];
      }
      if (/\.sock(?:et)?$/.test(charDevice)) {
        const message = `${what} looks like a socket, as vhost-user has it: vhost-vdpa is a character device`;
        return [atDevice(device, message, { fix: '/dev/vhost-vdpa-N' })];
      }
      const message = `${what} is not /dev/vhost-vdpa-N: if it is a link to one, no host report can be matched to it`;
      return [atDevice(device, message, { severity: 'warning' })];
    }),
  },
  {
    code: 'validate.device-shared',
    severity: 'error',
    appliesTo: guestKinds,
    asks: 'has each guest device a vDPA device of its own?',
    source: 'Linux drivers/vhost/vdpa.c: vhost_vdpa_open(): the second open fails with EBUSY',
    check: sharedDevices,
  },
];

/** Back ends count by themselves, too: QEMU opens what no device uses. */
function sharedDevices({ devices, options }: Subject): Hit[] {
  const first = new Map<string, string>();
  const taken = (name: string | null | undefined, label: string): string | undefined => {
    if (name === null || name === undefined) return undefined;
    const key = posix.normalize(name);
    const other = first.get(key);
    if (other === undefined) first.set(key, label);
    return other === undefined
      ? undefined
      : `${label}: ${name.slice(0, 100)} is taken by ${other} already: it can be opened once`;
  };
  return [
    ...devices.flatMap((device) => {
      const { charDevice, descriptor, vdpa } = device.binding;
      const message = taken(isKnown(charDevice) ? (charDevice ?? vdpa) : (descriptor ?? vdpa), device.label);
      return message === undefined ? [] : [atDevice(device, message)];
    }),
    ...idleBackEnds(options).flatMap((option) => {
      const path = knownText(option, option.name === 'blockdev' ? 'path' : 'vhostdev');
      const id = knownText(option, option.name === 'blockdev' ? 'node-name' : 'id') ?? '';
      const message = taken(path, `-${option.name} ${id.slice(0, 60)}`);
      return message === undefined ? [] : [atOption(option, message)];
    }),
  ];
}

/** Those that no device and no other block node names. */
function idleBackEnds(options: readonly Option[]): Option[] {
  const used = new Set(options.flatMap((option) => ['netdev', 'drive', 'file'].map((name) => knownText(option, name))));
  return options.filter((option) =>
    option.name === 'netdev'
      ? knownText(option, 'type') === 'vhost-vdpa' && !used.has(knownText(option, 'id'))
      : option.name === 'blockdev' &&
        knownText(option, 'driver') === 'virtio-blk-vhost-vdpa' &&
        !used.has(knownText(option, 'node-name')),
  );
}
