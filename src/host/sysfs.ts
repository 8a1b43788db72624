import path from 'node:path';
import { isUnknown, printable, unknown, type Fact } from '../model/fact.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';
import { linkName, linkTarget, listDirectory, readText, realPath, type Roots } from './files.ts';

/**
 * The vdpa bus in sysfs (drivers/vdpa/vdpa.c, drivers/vhost/vdpa.c: vhost_vdpa_probe()):
 *
 *   /sys/bus/vdpa/devices/vp0 -> ../../../devices/pci0000:00/0000:00:04.0/vp0
 *   /sys/devices/pci0000:00/0000:00:04.0/      the parent; `subsystem`, `driver` and `iommu_group` are links
 *   /sys/devices/pci0000:00/0000:00:04.0/vp0/
 *     driver -> ../../../../bus/vdpa/drivers/vhost_vdpa      absent: no bus driver is bound
 *     vhost-vdpa-0/dev                                       251:0, only with vhost_vdpa
 *   /sys/devices/sim0/                         a simulator has no parent
 *   /sys/devices/virtual/vduse/d0/d0/          VDUSE: the directory above belongs to a class, not to a bus
 */
export type SysfsDevice = Pick<VdpaDevice, 'name' | 'driver' | 'charDevice' | 'parent'> & {
  /** directory of the nearest PCI function at or above the parent; null: there is none */
  readonly pciDirectory: Fact<string | null>;
};

export interface VdpaBus {
  /** true: /sys/bus/vdpa is there */
  readonly bus: Fact<boolean>;
  /** names of its devices, in no particular order */
  readonly names: readonly string[];
}

export function readVdpaBus({ sysfsRoot }: Pick<Roots, 'sysfsRoot'>): VdpaBus {
  const names = listDirectory(path.join(sysfsRoot, 'bus/vdpa/devices'));
  if (!isUnknown(names)) return { bus: true, names };
  return { bus: names.unknown === 'ENOENT' ? false : names, names: [] };
}

/** What sysfs tells of one device of the vdpa bus. Needs no privilege and disturbs nothing. */
export function readVdpaDevice(name: string, roots: Roots): SysfsDevice {
  const link = path.join(roots.sysfsRoot, 'bus/vdpa/devices', name);
  const directory = realPath(link);
  const driver = named(linkName(path.join(link, 'driver')));
  if (isUnknown(directory)) return { name, driver, charDevice: directory, parent: directory, pciDirectory: directory };
  const above = ancestorsOf(directory);
  return {
    name,
    driver,
    charDevice: charDeviceOf(directory, roots.devRoot),
    parent: parentOf(above),
    pciDirectory: above.find((ancestor) => busOf(ancestor) === 'pci') ?? null,
  };
}

/** True for what a report takes as a name: no slash, no control or invisible characters, 1 to 128 characters. */
export function isPlainName(name: string): boolean {
  return /^[^/]{1,128}$/.test(name) && printable(name) === name;
}

function charDeviceOf(directory: string, devRoot: string): VdpaDevice['charDevice'] {
  const entries = listDirectory(directory);
  if (isUnknown(entries)) return entries;
  const node = entries.find((entry) => /^vhost-vdpa-\d{1,10}$/.test(entry));
  if (node === undefined) return null;
  const number = readText(path.join(directory, node, 'dev'));
  if (isUnknown(number)) return number;
  const [, major, minor] = /^(\d{1,10}):(\d{1,10})$/.exec(number) ?? [];
  if (major === undefined || minor === undefined) {
    return unknown('malformed', `${node}/dev is no device number: ${number}`);
  }
  return { path: path.join(devRoot, node), major: Number(major), minor: Number(minor) };
}

/** The nearest directory above is the parent, if it is a device of a bus. */
function parentOf(above: readonly string[]): VdpaDevice['parent'] {
  const directory = above[0];
  const bus = directory === undefined ? null : busOf(directory);
  if (directory === undefined || bus === null) return null;
  const name = path.basename(directory);
  const driver = linkName(path.join(directory, 'driver'));
  if (isUnknown(driver)) return driver;
  if (![bus, name, driver ?? 'none'].every(isPlainName))
    return unknown('malformed', 'the parent has an unprintable name');
  return { bus, name, driver, ...iommuGroupOf(above) };
}

/** An auxiliary device has no group; its DMA goes through that of the PCI function above it. */
function iommuGroupOf(above: readonly string[]): { iommuGroup?: string } {
  for (const directory of above) {
    const group = linkName(path.join(directory, 'iommu_group'));
    if (typeof group === 'string') return { iommuGroup: group };
  }
  return {};
}

/** `pci` where the directory's `subsystem` link goes to .../bus/pci; null for classes and plain directories. */
function busOf(directory: string): string | null {
  const target = linkTarget(path.join(directory, 'subsystem'));
  if (typeof target !== 'string' || path.basename(path.dirname(target)) !== 'bus') return null;
  return path.basename(target);
}

/** The directories above, nearest first. */
function ancestorsOf(directory: string): string[] {
  const above: string[] = [];
  for (let next = path.dirname(directory); next !== path.dirname(next); next = path.dirname(next)) above.push(next);
  return above;
}

function named(driver: Fact<string | null>): Fact<string | null> {
  if (typeof driver !== 'string' || isPlainName(driver)) return driver;
  return unknown('malformed', 'the driver has an unprintable name');
}
