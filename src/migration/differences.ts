import { isKnown, unknown, type Fact } from '../model/fact.ts';
import type { Guest, Properties } from '../model/generated/guest-configuration.ts';
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
}

type Leaf = string | number | boolean | null;
type Lists = Pick<Guest, 'rootPorts' | 'interfaces' | 'disks' | 'vdpaDevices' | 'otherDevices'>;
type Item = Lists[keyof Lists][number];

const listNames = ['rootPorts', 'interfaces', 'disks', 'vdpaDevices', 'otherDevices'] as const;

/** What a device is told apart by, or what is only a label. */
const identifying = new Set(['id', 'address', 'properties']);

/**
 * What differs between two guests, leaf by leaf, and what cannot be compared. A leaf that neither of them tells is not
 * a difference: both have what their origin leaves to QEMU.
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
  if (!isKnown(before) && !isKnown(after)) return [];
  return before === after ? [] : [{ path, field, label, before, after }];
}

function named(path: string, label: string, before: Properties, after: Properties, field = path): Difference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => {
    const own = (properties: Properties): Fact<Leaf> =>
      Object.hasOwn(properties, name) ? (properties[name] ?? null) : null;
    const pointer = `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return compare(pointer, `${field}/${name}`, `${label} ${name}`, own(before), own(after));
  });
}

function otherOptions(source: Guest, target: Guest): Difference[] {
  const [before, after] = [source.otherOptions, target.otherOptions];
  if (!isKnown(before) || !isKnown(after)) {
    const leaf = (options: typeof before): Fact<Leaf> => (isKnown(options) ? null : options);
    return compare('/otherOptions', '/otherOptions', 'other options', leaf(before), leaf(after));
  }
  const words = (options: typeof before): Properties =>
    Object.fromEntries(Object.entries(options).map(([name, values]) => [name, values.join(' ')]));
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
      : [{ path: `/${name}`, field: `/${name}/+`, label: labelOf(name, device), before: null, after: placeOf(device) }],
  );
  return [...found, ...added];
}

function gone(path: string, name: keyof Lists, device: Item): Difference {
  return { path, field: `/${name}/-`, label: labelOf(name, device), before: placeOf(device), after: null };
}

/** Devices without an address have nothing but their driver to be told apart by. */
function sameDriver(device: Item, others: readonly Item[], met: ReadonlySet<Item>): number {
  const key = ({ address }: Item, driver: unknown): string => JSON.stringify([address, driver]);
  const driverOf = (item: Item): unknown => ('driver' in item ? item.driver : null);
  const wanted = key(device, driverOf(device));
  return others.findIndex((other) => !met.has(other) && key(other, driverOf(other)) === wanted);
}

function placeOf({ address }: Item): string {
  return address !== null && isKnown(address) ? address : 'no known address';
}

function labelOf(name: keyof Lists, device: Item): string {
  const kind = 'driver' in device && isKnown(device.driver) ? device.driver : name.replace(/s$/, '');
  return device.id ?? `${kind} at ${placeOf(device)}`;
}

function fields(path: string, name: keyof Lists, device: Item, other: Item): Difference[] {
  const label = labelOf(name, device);
  const leaves = Object.entries(device).flatMap(([key, before]: [string, Fact<Leaf>]) =>
    identifying.has(key)
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
