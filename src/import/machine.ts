import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import { isVersioned, machineVersionOf } from './machine-version.ts';
import { acceleratorsOf } from './accelerators.ts';
import { blocksOf, fileOf } from './back-end.ts';
import { knownText, type Complaint, type Option } from './option.ts';
import { booleanOf, canonical, type Scalar } from './option-values.ts';

/** -machine and what else sets the same things, in the order given: the last one counts. */
export interface MachineSettings {
  readonly name: Fact<string>;
  /** what the guest sees, without defaults */
  readonly options: Record<string, Fact<Scalar>>;
  /** those that QEMU tries in this order; at least one */
  readonly accelerators: readonly Fact<string>[];
  /** id of the object that backs its RAM */
  readonly memoryBackend: Fact<string> | undefined;
}

/** Properties of a machine that only the host sees, or that are read on their own. */
const apart: ReadonlySet<string> = new Set([
  'type',
  'accel',
  'memory-backend',
  'dump-guest-core',
  'mem-merge',
  'kvm-shadow-mem',
  'graphics',
]);

/** Other names of properties: what is set to the one is set to the other (hw/core/machine.c: machine_set_memory_encryption()). */
const otherNames: ReadonlyMap<string, string> = new Map([['memory-encryption', 'confidential-guest-support']]);

/** `_` is `-` (system/vl.c: keyval_dashify()). */
function nameOfProperty(given: string): string {
  const name = given.replaceAll('_', '-');
  return otherNames.get(name) ?? name;
}

/**
 * What says nothing on q35 and virt, for it is the default, or what the default becomes (hw/i386/pc.c, hw/arm/virt.c).
 * With -nodefaults there is no USB controller.
 */
const usual: Readonly<Record<string, Scalar | readonly Scalar[]>> = {
  acpi: [true, 'auto'],
  'fd-bootchk': true,
  highmem: true,
  hmat: false,
  hpet: true,
  i8042: true,
  iommu: 'none',
  its: true,
  mte: false,
  nvdimm: false,
  pic: 'auto',
  pit: 'auto',
  ras: false,
  sata: true,
  secure: false,
  smbus: true,
  smm: 'auto',
  'suppress-vmdesc': false,
  usb: false,
  virtualization: false,
  vmport: [true, 'auto'],
};

/** Reads the machine type and its options. */
export function machineOf(
  options: readonly Option[],
  reports: readonly HostReport[],
  emulator: Fact<string | null>,
  complain: (complaint: Complaint) => void,
): MachineSettings {
  const values = new Map<string, Fact<Scalar>>();
  for (const { name, values: given } of options) {
    if (name === 'machine') for (const [key, value] of given) values.set(nameOfProperty(key), value);
    if (name === 'no-acpi') values.set('acpi', false);
    if (name === 'no-hpet') values.set('hpet', false);
    if (name === 'usb') values.set('usb', true);
    if (name === 'enable-kvm') values.set('accel', 'kvm');
  }
  const accelerators = acceleratorsOf(options, values.get('accel'), emulator);
  const backend = values.get('memory-backend');
  const name = nameOf(options, values.get('type'), reports, complain);
  for (const [flash, file] of flashesOf(options, values)) values.set(flash, file);
  return {
    name,
    options: guestOptions(values, accelerators.properties, name),
    accelerators: accelerators.tried,
    memoryBackend: backend === undefined || isUnknown(backend) ? backend : String(backend),
  };
}

/**
 * Flash of the board by the file that it is read from: its size and content are in the stream. Machine properties name a
 * block node; `-drive if=pflash` takes the next unit (hw/block/pflash_cfi01.c: pflash_cfi01_legacy_drive()).
 */
function flashesOf(options: readonly Option[], values: ReadonlyMap<string, Fact<Scalar>>): [string, Fact<string>][] {
  const blocks = blocksOf(options);
  const ofMachine = ['pflash0', 'pflash1'].flatMap((flash): [string, Fact<string>][] => {
    const node = values.get(flash);
    if (node === undefined || node === '') return [];
    const block = isUnknown(node) ? undefined : blocks.get(String(node));
    return [[flash, fileOf(block, blocks) ?? unknown('not-asked', 'the file of its block node is not known')]];
  });
  const drives = options.filter((option) => option.name === 'drive' && knownText(option, 'if') === 'pflash');
  const ofDrives = drives.map((drive, index): [string, Fact<string>] => [
    `pflash${knownText(drive, 'unit') ?? index}`,
    fileOf(drive, blocks) ?? unknown('not-asked', 'the file of a flash drive is not known'),
  ]);
  return [...ofMachine, ...ofDrives];
}

function guestOptions(
  values: ReadonlyMap<string, Fact<Scalar>>,
  ofAccelerators: ReadonlyMap<string, Fact<Scalar>>,
  name: Fact<string>,
): Record<string, Fact<Scalar>> {
  const found = new Map<string, Fact<Scalar>>();
  for (const [key, value] of values) {
    if (apart.has(key)) continue;
    if (isUnknown(value) || !isUsual(key, canonical(value))) found.set(key, wordOf(value));
  }
  for (const [key, value] of ofAccelerators) found.set(key, value);
  // it depends on the accelerator and on the host where it is not given (hw/arm/virt.c: finalize_gic_version())
  const virt = typeof name === 'string' && machineVersionOf(name)?.family === 'virt';
  if (virt && !found.has('gic-version')) {
    found.set('gic-version', unknown('not-present', 'gic-version is not given, and its default depends on the host'));
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isUsual(key: string, value: Fact<Scalar>): boolean {
  const expected = Object.hasOwn(usual, key) ? usual[key] : undefined;
  return Array.isArray(expected) ? expected.includes(value) : value === expected;
}

/** Machine options are words: `gic-version=3` is not the number 3, for there is `host`, too. */
function wordOf(value: Fact<Scalar>): Fact<Scalar> {
  return isUnknown(value) ? value : (booleanOf(value) ?? String(value));
}

function nameOf(
  options: readonly Option[],
  type: Fact<Scalar> | undefined,
  reports: readonly HostReport[],
  complain: (complaint: Complaint) => void,
): Fact<string> {
  if (type !== undefined && isUnknown(type)) return type;
  if (type === undefined) {
    return unknown('not-present', 'no machine type is given: QEMU takes its default, which differs by version');
  }
  const name = String(type);
  if (isVersioned(name)) return name;
  const meanings = [...new Set(reports.flatMap((report) => meaningsOf(name, report)))];
  const [meaning] = meanings;
  const place = options.find((option) => option.name === 'machine' && option.values.has('type'))?.place ?? {};
  complain({
    code: 'import.machine-alias',
    severity: 'warning',
    message: `machine type ${name} has no version: it is another machine in another QEMU`,
    place,
  });
  if (meanings.length === 1 && meaning !== undefined) return meaning;
  const why = meanings.length === 0 ? 'no host report tells what it means' : `it means ${meanings.join(' and ')}`;
  return unknown('not-present', `machine type ${name} is an alias, and ${why}`);
}

function meaningsOf(alias: string, { qemu }: HostReport): string[] {
  return qemu.flatMap((one) => {
    if (isUnknown(one.capabilities)) return [];
    return one.capabilities.machines.filter((machine) => machine.alias === alias).map((machine) => machine.name);
  });
}
