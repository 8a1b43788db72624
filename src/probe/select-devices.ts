import { VdpaQemuError } from '../model/error.ts';
import { isUnknown, printable } from '../model/fact.ts';
import type { DeviceFiles } from '../host/device-node.ts';
import type { SysfsDevice } from '../host/sysfs.ts';

/**
 * The devices that were asked for: each word is a name on the vdpa bus, or a path of a character device (compared by
 * device number, so that links work). All of them where nothing was asked for.
 * @throws VdpaQemuError `not-found` that names the first word which is no device, and those there are
 */
export function selectDevices(
  all: readonly SysfsDevice[],
  wanted: readonly string[] | undefined,
  files: DeviceFiles,
): SysfsDevice[] {
  if (wanted === undefined || wanted.length === 0) return [...all];
  const chosen = new Set(wanted.map((word) => find(all, word, files)));
  return all.filter((device) => chosen.has(device));
}

function find(all: readonly SysfsDevice[], word: string, files: DeviceFiles): SysfsDevice {
  const found = word.includes('/') ? byPath(all, word, files) : all.find(({ name }) => name === word);
  if (found !== undefined) return found;
  const there = all.length === 0 ? 'there is none' : `there are ${all.map(({ name }) => name).join(', ')}`;
  throw new VdpaQemuError('not-found', `no vDPA device "${printable(word)}" on this host; ${there}`);
}

function byPath(all: readonly SysfsDevice[], path: string, files: DeviceFiles): SysfsDevice | undefined {
  const number = numberOf(path, files);
  return all.find(({ charDevice }) => {
    if (charDevice === null || isUnknown(charDevice)) return false;
    if (number === undefined) return charDevice.path === path;
    return charDevice.major === number.major && charDevice.minor === number.minor;
  });
}

function numberOf(path: string, files: DeviceFiles): { major: number; minor: number } | undefined {
  try {
    const kind = files.stat(path);
    return kind.isCharacterDevice ? kind : { major: -1, minor: -1 };
  } catch {
    return undefined; // not in /dev (a container): the name must do
  }
}
