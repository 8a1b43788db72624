import type { QmpExecutor } from '../host/qmp-client.ts';
import { asFlag, asList, asObject, asText, member, optional } from '../host/qmp-value.ts';
import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import { checked, Questions } from '../verify/answers.ts';
import { propertiesOf, type DeviceKind } from './device-defaults.ts';
import type { Scalar } from './option-values.ts';

/** A device that was added to the machine, as QOM shows it. */
export interface AskedDevice {
  readonly path: string;
  /** null: it was given none */
  readonly id: string | null;
  readonly driver: string;
  /** undefined: none of the kinds whose properties are asked for */
  readonly kind: DeviceKind | undefined;
  /** property -> value, without those that this QEMU does not have */
  readonly properties: ReadonlyMap<string, Scalar>;
  /** feature bits that QEMU has no name for, of the guest's word and of the device's; hex */
  readonly unnamed: Fact<{ readonly guest: bigint; readonly device: bigint }>;
}

/** What an Observation does not hold of the guest ABI. */
export interface GuestAnswers {
  readonly name: Fact<string | null>;
  readonly kvm: Fact<boolean>;
  readonly devices: Fact<readonly AskedDevice[]>;
  /** properties of /machine */
  readonly machine: ReadonlyMap<string, Scalar>;
  /** keys of -smp and -boot, where /machine shows them (since 7.1) */
  readonly smp: Fact<ReadonlyMap<string, Scalar>>;
  readonly memoryShared: Fact<boolean>;
  /** of block devices, by the path of the front end */
  readonly readOnly: Fact<ReadonlyMap<string, boolean>>;
}

const machineProperties =
  'acpi fd-bootchk gic-version highmem hmat hpet i8042 iommu its memory-backend mte nvdimm pic pit ras sata secure smbus smm suppress-vmdesc usb virtualization vmport'.split(
    ' ',
  );

/** Asked of every device of a known kind, beside its own list. */
const always = [
  'addr',
  'bootindex',
  'disable-legacy',
  'host_mtu',
  'iommu_platform',
  'mac',
  'mq',
  'multifunction',
  'netdev',
  'num-queues',
  'packed',
  'page-per-vq',
  'parent_bus',
  'port',
  'chassis',
  'queue-size',
  'rombar',
  'romfile',
  'rx_queue_size',
  'tx_queue_size',
  'vectors',
] as const;

/** Kinds of devices by their QOM type. */
const kinds: readonly (readonly [RegExp, DeviceKind])[] = [
  [/^virtio-net-pci/, 'net'],
  [/^virtio-blk-pci/, 'block'],
  [/^vhost-vdpa-device-pci/, 'generic'],
  [/^pcie-root-port$/, 'root-port'],
];

/**
 * Asks a running QEMU for what an Observation lacks: two round trips, only reading. x-query-virtio-status goes to
 * virtio-* devices alone: it ends QEMU 10.0.13 on a vhost-vdpa-device.
 * @throws QmpError where the monitor is lost, or answers what QEMU's schema does not say
 */
export async function askGuest(executor: QmpExecutor, signal?: AbortSignal): Promise<GuestAnswers> {
  const ask = new Questions();
  const roots = ['/machine/peripheral', '/machine/peripheral-anon'];
  const lists = roots.map((path) => [path, ask.add('qom-list', { path })] as const);
  const machine = machineProperties.map((name) => [name, ask.property('/machine', name)] as const);
  const smp = ask.property('/machine', 'smp');
  const [name, kvm, block] = [ask.add('query-name'), ask.add('query-kvm'), ask.add('query-block')];
  await ask.ask(executor, signal);

  const known = scalarsOf(machine);
  const children = lists.map(([path, list]) => childrenOf(path, list()));
  const why = children.find(isUnknown);
  const backend = String(known.get('memory-backend') ?? '');
  const second = await askDevices(executor, children.filter(isKnown).flat(), backend, signal);
  return {
    name: checked(
      name(),
      (value, what) => optional(member(asObject(value, what), 'name'), asText, what) ?? null,
      'query-name',
    ),
    kvm: checked(kvm(), (value, what) => asFlag(member(asObject(value, what), 'enabled'), what), 'query-kvm'),
    devices: why ?? second.devices,
    machine: known,
    smp: checked(smp(), (value, what) => scalarMembers(asObject(value, what)), 'smp of /machine'),
    memoryShared: second.shared,
    readOnly: checked(block(), readOnlyOf, 'query-block'),
  };
}

type Child = readonly [path: string, id: string | null, driver: string];

function childrenOf(root: string, answer: Fact<unknown>): Fact<Child[]> {
  const list = checked(answer, asList, `qom-list ${root}`);
  if (isUnknown(list)) return list;
  return list.flatMap((entry): Child[] => {
    const property = asObject(entry, `qom-list ${root}`);
    const name = asText(member(property, 'name'), `qom-list ${root}: name`);
    const driver = /^child<(.+)>$/.exec(asText(member(property, 'type'), `qom-list ${root}: type`))?.[1];
    return driver === undefined ? [] : [[`${root}/${name}`, root.endsWith('-anon') ? null : name, driver]];
  });
}

async function askDevices(
  executor: QmpExecutor,
  children: readonly Child[],
  backend: string,
  signal: AbortSignal | undefined,
): Promise<{ devices: AskedDevice[]; shared: Fact<boolean> }> {
  const ask = new Questions();
  const asked = children.map(([path, id, driver]) => {
    const kind = kinds.find(([pattern]) => pattern.test(driver))?.[1];
    const names = kind ? [...new Set([...always, ...propertiesOf(kind)])] : ['addr', 'parent_bus'];
    const answers = names.map((name) => [name, ask.property(path, name)] as const);
    const status = driver.startsWith('virtio-net')
      ? ask.add('x-query-virtio-status', { path: `${path}/virtio-backend` })
      : undefined;
    return { path, id, driver, kind, answers, status };
  });
  const share = backend === '' ? undefined : ask.property(backend, 'share');
  await ask.ask(executor, signal);
  return {
    devices: asked.map(({ answers, status, ...device }) => ({
      ...device,
      properties: scalarsOf(answers),
      unnamed: status
        ? checked(status(), unnamedOf, 'x-query-virtio-status')
        : unknown('not-asked', 'not of this device'),
    })),
    shared: share ? checked(share(), asFlag, `share of ${backend}`) : false,
  };
}

/** What QEMU answered; a property that it refused is one that it does not have. */
function scalarsOf(answers: readonly (readonly [string, () => Fact<unknown>])[]): Map<string, Scalar> {
  return new Map(answers.flatMap(([name, answer]) => scalarEntry(name, answer())));
}

function scalarMembers(object: Readonly<Record<string, unknown>>): Map<string, Scalar> {
  return new Map(Object.entries(object).flatMap(([name, value]) => scalarEntry(name, value)));
}

/** Above 2^63 is a negative number that QOM shows without its sign: -1, not set. */
function scalarEntry(name: string, value: unknown): [string, Scalar][] {
  if (typeof value === 'number' && value >= 2 ** 63) return [[name, -1]];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[name, value]] : [];
}

/** VirtioStatus: unknown-dev-features and the like are numbers; above 2^53 JSON.parse has rounded them. */
function unnamedOf(value: unknown, what: string): Fact<{ guest: bigint; device: bigint }> {
  const status = asObject(value, what);
  const word = (name: string): bigint | undefined => {
    const features = asObject(member(status, name), `${what}: ${name}`);
    const bits = member(features, 'unknown-dev-features') ?? 0;
    return typeof bits === 'number' && Number.isSafeInteger(bits) && bits >= 0 ? BigInt(bits) : undefined;
  };
  const [guest, device] = [word('guest-features'), word('host-features')];
  if (guest === undefined || device === undefined) {
    return unknown('malformed', 'there are feature bits above 2^53 that QEMU has no name for: JSON has rounded them');
  }
  return { guest, device };
}

function readOnlyOf(value: unknown, what: string): Map<string, boolean> {
  return new Map(
    asList(value, what).flatMap((entry) => {
      const device = asObject(entry, what);
      const inserted = optional(member(device, 'inserted'), asObject, `${what}: inserted`);
      const path = optional(member(device, 'qdev'), asText, `${what}: qdev`);
      const ro = inserted && optional(member(inserted, 'ro'), asFlag, `${what}: ro`);
      return path === undefined || ro === undefined ? [] : [[path.replace(/\/virtio-backend$/, ''), ro] as const];
    }),
  );
}
