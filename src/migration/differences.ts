import { isKnown, unknown, type Fact } from '../model/fact.ts';
import type { Guest, Properties, Unknown } from '../model/generated/guest-configuration.ts';
import { counterpartOf } from './match-devices.ts';

/** One property that two configurations do not have alike, or of which that is not known. */
export interface Difference {
  /** JSON pointer into guest of the source; for what only the destination has: of its list */
  readonly path: string;
  /** path with `*` for places in lists and names of free properties: /interfaces/&#42;/vectors */
  readonly field: string;
  /** for people: net0 vectors */
  readonly label: string;
  readonly before: Fact<Leaf>;
  readonly after: Fact<Leaf>;
  /** the device that has it, or has gone, or is new */
  readonly device?: Item | undefined;
  /** what stands for it at the destination */
  readonly counterpart?: Item | undefined;
}

type Leaf = string | number | boolean | null;
type Lists = Pick<Guest, 'rootPorts' | 'interfaces' | 'disks' | 'vdpaDevices' | 'otherDevices'>;
export type Item = Lists[keyof Lists][number];

const listNames = ['rootPorts', 'interfaces', 'disks', 'vdpaDevices', 'otherDevices'] as const;

/** What is only a label, or is compared on its own. */
const apart = new Set(['id', 'properties']);

/**
 * What differs between two guests, leaf by leaf, and what cannot be compared. A leaf that neither of them tells is no
 * difference only where both have the same text, or leave the same thing to QEMU in the same order.
 */
export function differencesOf(source: Guest, target: Guest): Difference[] {
  return [
    ...scalars(source, target),
    ...named('/machineOptions', 'machine option', source.machineOptions, target.machineOptions),
    ...otherOptions(source, target),
    ...listNames.flatMap((name) => list(name, source[name], target[name])),
  ];
}

function scalars(source: Guest, target: Guest): Difference[] {
  const rows: readonly [string, string, Fact<Leaf>, Fact<Leaf>][] = [
    ['/machine', 'machine type', source.machine, target.machine],
    ['/architecture', 'architecture', source.architecture, target.architecture],
    ['/uuid', 'UUID', source.uuid, target.uuid],
    ['/memoryBytes', 'memory', source.memoryBytes, target.memoryBytes],
    ['/ramBlock', 'RAM block', source.ramBlock, target.ramBlock],
    ...(['model', 'count', 'sockets', 'cores', 'threads'] as const).map(
      (key): [string, string, Fact<Leaf>, Fact<Leaf>] => [
        `/cpu/${key}`,
        `CPU ${key}`,
        source.cpu[key],
        target.cpu[key],
      ],
    ),
  ];
  return rows.flatMap(([path, label, before, after]) => compare(path, path, label, before, after));
}

function compare(path: string, field: string, label: string, before: Fact<Leaf>, after: Fact<Leaf>): Difference[] {
  const same = !isKnown(before) && !isKnown(after) ? sameUnknown(field, before, after) : before === after;
  return same ? [] : [{ path, field, label, before, after }];
}

/** What QEMU decides by the order of the command line, which the reason tells. */
const byOrder = /\/(address|mac)$/;

/**
 * What is not understood, but has the same mark of its text; or what the same command line leaves to the same QEMU. The
 * reason of a CPU model has no mark. Whether what is not understood can migrate, another rule asks.
 */
function sameUnknown(field: string, before: Unknown, after: Unknown): boolean {
  if (before.unknown !== after.unknown || before.detail !== after.detail) return false;
  if (before.unknown === 'not-supported') return field !== '/cpu/model';
  return before.unknown === 'not-present' && byOrder.test(field);
}

function named(path: string, label: string, before: Properties, after: Properties, field = path): Difference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => {
    const own = (properties: Properties): Fact<Leaf> =>
      Object.hasOwn(properties, name) ? (properties[name] ?? null) : notGiven(properties);
    const pointer = `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return compare(pointer, `${field}/${name}`, `${label} ${name}`, own(before), own(after));
  });
}

/** What a property is that is not given: the default, unless the settings of the device were not read as a whole. */
function notGiven({ settings }: Properties): Fact<Leaf> {
  return settings === undefined || isKnown(settings) ? null : settings;
}

function otherOptions(source: Guest, target: Guest): Difference[] {
  const [before, after] = [source.otherOptions, target.otherOptions];
  if (!isKnown(before) || !isKnown(after)) {
    const leaf = (options: typeof before): Fact<Leaf> => (isKnown(options) ? null : options);
    return compare('/otherOptions', '/otherOptions', 'other options', leaf(before), leaf(after));
  }
  const words = (options: typeof before): Properties =>
    Object.fromEntries(
      Object.entries(options).map(([name, values]) => [name, isKnown(values) ? values.join(' ') : values]),
    );
  return named('/otherOptions', 'option', words(before), words(after));
}

function list(name: keyof Lists, own: readonly Item[], others: readonly Item[]): Difference[] {
  const met = new Set<Item>();
  const found = own.flatMap((device, index): Difference[] => {
    const path = `/${name}/${index}`;
    const at = name === 'otherDevices' ? sameDriver(device, others, met) : counterpartOf(device, index, others);
    const other = others[at];
    if (!other || met.has(other)) return [gone(path, name, device)];
    met.add(other);
    return fields(path, name, device, other);
  });
  const added = others.flatMap((device): Difference[] =>
    met.has(device)
      ? []
      : [
          {
            path: `/${name}`,
            field: `/${name}/+`,
            label: labelOf(name, device),
            before: null,
            after: whereOf(device),
            device,
          },
        ],
  );
  return [...found, ...added];
}

function gone(path: string, name: keyof Lists, device: Item): Difference {
  return { path, field: `/${name}/-`, label: labelOf(name, device), before: whereOf(device), after: null, device };
}

/** A device of which it is not known what it is may be one that leaves nothing in the stream. */
function whereOf(device: Item): Fact<string> {
  return 'driver' in device && !isKnown(device.driver) ? device.driver : placeOf(device);
}

/**
 * Devices without an address have nothing but their driver, and their place on their bus, to be told apart by. One whose
 * driver is not known is that of the same text, or else any other of which it is not known at the same address. One
 * whose address is not known may be another of its driver.
 */
function sameDriver(device: Item, others: readonly Item[], met: ReadonlySet<Item>): number {
  const keys: readonly ((item: Item) => string)[] = [
    (item) => JSON.stringify([item.address, driverOf(item), placesOn(item)]),
    (item) => JSON.stringify([item.address, driverOf(item)]),
    (item) => JSON.stringify([item.address, isKnown(driverOf(item))]),
  ];
  for (const key of isKnown(driverOf(device)) ? keys.slice(0, 2) : keys) {
    const wanted = key(device);
    const at = others.findIndex((other) => !met.has(other) && key(other) === wanted);
    if (at >= 0) return at;
  }
  return others.findIndex(
    (other) =>
      !met.has(other) &&
      isKnown(driverOf(other)) &&
      driverOf(other) === driverOf(device) &&
      mayBeOnePlace(device.address, other.address),
  );
}

/** Not two places in the order of creation on a bus where nothing else differs. */
function mayBeOnePlace(one: Item['address'], other: Item['address']): boolean {
  if (one === null || other === null) return false;
  if (isKnown(one) || isKnown(other)) return !(isKnown(one) && isKnown(other));
  const bus = ({ detail }: { readonly detail: string }): string => detail.replace(/\([0-9]+ on /, '');
  return bus(one) !== bus(other);
}

function driverOf(item: Item): Fact<string | null> {
  return 'driver' in item ? item.driver : null;
}

/** What names the place of a device on a bus that is not PCI. */
function placesOn({ properties }: Item): unknown {
  const names = ['bus', 'port', 'unit', 'nr', 'scsi-id', 'lun', 'slot', 'index', 'order', 'memdev'];
  return isUnknownSet(properties) ? null : names.map((name) => (properties as Properties)[name]);
}

function placeOf({ address }: Item): string {
  return address !== null && isKnown(address) ? address : 'no known address';
}

function labelOf(name: keyof Lists, device: Item): string {
  const kind = 'driver' in device && isKnown(device.driver) ? device.driver : name.replace(/s$/, '');
  return device.id ?? `${kind} at ${placeOf(device)}`;
}

function fields(path: string, name: keyof Lists, device: Item, other: Item): Difference[] {
  return leavesOf(path, name, device, other).map((found) => ({ ...found, device, counterpart: other }));
}

function leavesOf(path: string, name: keyof Lists, device: Item, other: Item): Difference[] {
  const label = labelOf(name, device);
  const leaves = Object.entries(device).flatMap(([key, before]: [string, Fact<Leaf>]) =>
    apart.has(key)
      ? []
      : compare(
          `${path}/${key}`,
          `/${name}/*/${key}`,
          `${label} ${key}`,
          before,
          (other as unknown as Record<string, Fact<Leaf>>)[key] ?? null,
        ),
  );
  const [own, theirs] = [device.properties, other.properties];
  if (isUnknownSet(own) || isUnknownSet(theirs)) {
    const leaf = (properties: unknown): Fact<Leaf> =>
      isUnknownSet(properties) ? unknown('not-present', 'its properties are not known') : null;
    return [
      ...leaves,
      ...compare(`${path}/properties`, `/${name}/*/properties`, `${label} properties`, leaf(own), leaf(theirs)),
    ];
  }
  return [
    ...leaves,
    ...named(`${path}/properties`, label, own as Properties, theirs as Properties, `/${name}/*/properties`),
  ];
}

/** A set of properties that is itself not known; one may have properties of these names. */
function isUnknownSet(properties: unknown): boolean {
  const { unknown: reason, detail } = properties as { unknown?: unknown; detail?: unknown };
  return typeof reason === 'string' && typeof detail === 'string' && Object.keys(properties as object).length === 2;
}
