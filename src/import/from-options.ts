import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { Finding } from '../model/finding.ts';
import type { Guest, GuestConfiguration } from '../model/generated/guest-configuration.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import { assemble, type Collected, type Seen } from './assemble.ts';
import { blocksOf } from './back-end.ts';
import { cpuModel, topologyOf } from './cpu.ts';
import type { Setting } from './device-parts.ts';
import { diskOf, interfaceOf, otherDeviceOf, rootPortOf, vdpaDeviceOf } from './devices.ts';
import { inOrderOfCreation, orderOf } from './creation-order.ts';
import { imagesOf } from './images.ts';
import { machineOf } from './machine.ts';
import { machineVersionOf } from './machine-version.ts';
import { memoryOf } from './memory.ts';
import { knownText, optionsBy, type Complaint, type Option } from './option.ts';
import { otherBackEndsOf } from './other-back-ends.ts';
import { otherOptionsOf } from './other-options.ts';
import { pciTreeOf } from './pci-tree.ts';
import { refuseTaken } from './taken.ts';
import { withGlobals } from './settings.ts';
import type { TextPlace } from './text-place.ts';

/** A configuration as QEMU's options, wherever they came from. */
export interface OptionsInput {
  readonly origin: 'libvirt' | 'qemu-argv' | 'qmp';
  readonly options: readonly Option[];
  readonly emulator: Fact<string | null>;
  readonly architecture: Fact<string>;
  readonly name?: string | null | undefined;
  readonly lockedMemoryBytes?: Fact<number | null> | undefined;
  /** why the options that the guest sees are not all here */
  readonly incomplete?: string | undefined;
  /** tell what aliases of machine types mean */
  readonly reports?: readonly HostReport[] | undefined;
  /** of the running VM */
  readonly running?: Omit<NonNullable<GuestConfiguration['running']>, 'devices'> | undefined;
  readonly seen?: ReadonlyMap<Option, Seen> | undefined;
}

export interface Imported {
  readonly configuration: GuestConfiguration;
  readonly complaints: readonly Complaint[];
  /** JSON pointer into guest -> where the device or setting stands in the text */
  readonly places: ReadonlyMap<string, TextPlace>;
}

/** The names by which a device is a virtio device on PCI (system/qdev-monitor.c: qdev_alias_table). */
const virtio = (name: string): RegExp => new RegExp(`^${name}(?:-pci(?:-non-transitional|-transitional)?)?$`);
const kinds = {
  interfaces: virtio('virtio-net'),
  disks: virtio('virtio-blk'),
  vdpaDevices: /^vhost-vdpa-device-pci(?:-non-transitional|-transitional)?$/,
  rootPorts: /^pcie-root-port$/,
} as const;

/** What a list of QEMU options shows to the guest. */
export function fromOptions(input: OptionsInput): Imported {
  const { reports = [], running } = input;
  // a running VM shows what its devices have
  const options = input.origin === 'qmp' ? input.options : withGlobals(input.options);
  const complaints: Complaint[] = [];
  const complain = (complaint: Complaint): void => void complaints.push(complaint);
  const machine = machineOf(options, reports, input.emulator, complain);
  const version = isUnknown(machine.name) ? undefined : machineVersionOf(machine.name);
  const { cpu, more } = topologyOf(options, version, complain);
  const memory = memoryOf(options, machine.memoryBackend, version, complain);
  const given = options.filter(({ name }) => name === 'device');
  const devices = input.origin === 'qmp' ? given : inOrderOfCreation(given);
  const images = imagesOf(options);
  const userNetworks = options.filter((one) => one.name === 'netdev' && knownText(one, 'type') === 'user').length;
  const setting: Setting = {
    machine: version,
    cpuCount: cpu.count,
    tree: pciTreeOf(devices),
    netdevs: optionsBy(options, 'netdev', 'id'),
    blocks: blocksOf(options),
    objects: optionsBy(options, 'object', 'id'),
    order: orderOf(devices),
    fdSets: fdSetsOf(options),
    complain,
  };
  if (input.origin !== 'qmp') refuseTaken(devices, setting.tree, complain);
  const of = (kind: RegExp): Option[] => devices.filter((device) => kind.test(knownText(device, 'driver') ?? ''));
  const collect = <T>(
    kind: RegExp,
    read: (option: Option, setting: Setting) => Collected<T>,
  ): (Collected<T> & Source)[] =>
    of(kind).map((option) => ({ ...read(option, setting), seen: input.seen?.get(option), option }));
  const lists = {
    interfaces: collect(kinds.interfaces, interfaceOf),
    disks: collect(kinds.disks, diskOf),
    vdpaDevices: collect(kinds.vdpaDevices, vdpaDeviceOf),
  };
  const claimed = new Set(Object.values(kinds).flatMap((kind) => of(kind)));
  const serial = serialPorts(options, isKnown(input.architecture) ? input.architecture : undefined);
  const others = [...devices.filter((device) => !claimed.has(device)), ...serial];
  const otherBackEnds = otherBackEndsOf([...claimed], others, options, setting, input.origin !== 'qmp');
  const configuration = assemble({
    name: input.name ?? nameOf(options),
    origin: input.origin,
    guest: {
      machine: machine.name,
      architecture: architectureFact(input.architecture, machine.name),
      machineOptions: { ...machine.options, ...memory.more, ...more },
      uuid: uuidOf(options),
      cpu: { model: cpuModel(options, version), ...cpu },
      memoryBytes: memory.bytes,
      ramBlock: memory.ramBlock,
      rootPorts: of(kinds.rootPorts).map((option) => rootPortOf(option, setting)),
      otherDevices: others.map((option) => otherDeviceOf(option, setting)),
      otherOptions:
        input.incomplete === undefined
          ? otherOptionsOf(options, version?.version, complain)
          : unknown(input.origin === 'qmp' ? 'not-asked' : 'not-supported', input.incomplete),
    },
    ...lists,
    binding: {
      host: null,
      emulator: input.emulator,
      ...acceleratorOf(machine.accelerators),
      ...(otherBackEnds.length === 0 ? {} : { otherBackEnds }),
      memoryShared: memory.shared,
      lockedMemoryBytes: input.lockedMemoryBytes ?? null,
      ...(images.length === 0 ? {} : { images }),
      ...(userNetworks === 0 ? {} : { userNetworks }),
    },
    running,
  });
  return { configuration, complaints, places: placesOf(configuration.guest, lists) };
}

/** One that is not known, among others, leaves open which it is. */
function acceleratorOf(
  tried: readonly Fact<string>[],
): Pick<GuestConfiguration['binding'], 'accelerator' | 'accelerators'> {
  const [first = 'tcg'] = tried;
  const known = tried.filter(isKnown);
  if (known.length < tried.length) return { accelerator: tried.find(isUnknown) ?? first };
  return known.length < 2 ? { accelerator: first } : { accelerator: first, accelerators: known };
}

interface Source {
  readonly option: Option;
}

function placesOf(
  guest: Guest,
  lists: Readonly<Record<string, readonly (Source & { device: unknown })[]>>,
): Map<string, TextPlace> {
  const places = new Map<string, TextPlace>();
  for (const [list, items] of Object.entries(lists)) {
    const sorted = guest[list as 'interfaces'] as readonly unknown[];
    for (const { device, option } of items) places.set(`/${list}/${sorted.indexOf(device)}`, option.place);
  }
  return places;
}

/** `-add-fd set=0,fd=8,opaque=/dev/vhost-vdpa-0`: opaque is free text, and some write the path into it; libvirt does not. */
function fdSetsOf(options: readonly Option[]): Map<string, string> {
  return new Map(
    options.flatMap((option) => {
      if (option.name !== 'add-fd') return [];
      const [set, opaque] = [knownText(option, 'set'), knownText(option, 'opaque')];
      return set !== undefined && opaque?.startsWith('/dev/vhost-vdpa-') === true ? [[set, opaque] as const] : [];
    }),
  );
}

/** -serial on a PC is an ISA port; an Arm board has its ports whatever is behind them. */
function serialPorts(options: readonly Option[], architecture: string | undefined): Option[] {
  if (architecture === 'aarch64') return [];
  const given = options.filter(({ name, text }) => name === 'serial' && text !== 'none');
  return given.map(({ place, text }, index) => ({
    name: 'device',
    values: new Map<string, string | number>([
      ['driver', 'isa-serial'],
      ['index', index],
    ]),
    text,
    place,
  }));
}

function nameOf(options: readonly Option[]): string | null {
  return (
    options
      .map((option) => (option.name === 'name' ? knownText(option, 'guest') : undefined))
      .find((name) => name !== undefined) ?? null
  );
}

function architectureFact(architecture: Fact<string>, machine: Fact<string>): Guest['architecture'] {
  if (architecture === 'x86_64' || architecture === 'aarch64') return architecture;
  if (isUnknown(architecture)) return isKnown(machine) && machine.startsWith('pc-') ? 'x86_64' : architecture;
  return unknown('not-supported', `architecture ${architecture} is not covered`);
}

function uuidOf(options: readonly Option[]): Fact<string> {
  const option = options.findLast(({ name }) => name === 'uuid');
  if (!option) return '00000000-0000-0000-0000-000000000000';
  const given = option.values.get('uuid');
  if (given !== undefined && isUnknown(given)) return given;
  const text = option.text.toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return text;
  return unknown('malformed', `${option.text.slice(0, 60)} is no UUID`);
}

/** Complaints as findings about a file. */
export function findingsOf(complaints: readonly Complaint[], file: string): Finding[] {
  return complaints.map(({ code, severity, message, place: { word, line, column } }) => ({
    code,
    severity,
    path: word === undefined ? '' : `/${word - 1}`,
    message,
    ...(line === undefined ? {} : { place: { file, line, column: column ?? 1 } }),
  }));
}
