import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import { defaultsOf, hostOnly, type DeviceKind } from './device-defaults.ts';
import { defaultUnknown, type MachineVersion } from './machine-version.ts';
import { knownText, OptionReader, type Complaint, type Option } from './option.ts';
import { canonical, type Scalar } from './option-values.ts';
import type { CreationOrder } from './creation-order.ts';
import type { PciTree } from './pci-tree.ts';

/** What reading a device needs to know of the rest of the configuration. */
export interface Setting {
  /** undefined: not a machine type whose defaults are known */
  readonly machine: MachineVersion | undefined;
  readonly cpuCount: Fact<number>;
  readonly tree: PciTree;
  readonly netdevs: ReadonlyMap<string, Option>;
  /** -blockdev by node-name, -drive by id */
  readonly blocks: ReadonlyMap<string, Option>;
  /** -object by id */
  readonly objects: ReadonlyMap<string, Option>;
  /** number of a device among those that QEMU puts in their place by the order of creation */
  readonly order: CreationOrder;
  /** of -add-fd, by set */
  readonly fdSets: ReadonlyMap<string, string>;
  readonly complain: (complaint: Complaint) => void;
}

/** Reader of a device, and what is read the same way for all virtio devices on PCI. */
export class DeviceParts extends OptionReader {
  readonly setting: Setting;
  readonly option: Option;
  readonly #kind: DeviceKind;
  readonly #defaults: Readonly<Record<string, Scalar>> | undefined;

  constructor(option: Option, kind: DeviceKind, setting: Setting) {
    super(option, setting.complain);
    this.option = option;
    this.setting = setting;
    this.#kind = kind;
    this.#defaults = defaultsOf(kind, setting.machine);
    this.skip(['driver', 'id', 'bus', 'addr']);
  }

  get id(): string | null {
    const id = this.raw('id');
    return id === undefined || isUnknown(id) ? null : String(id);
  }

  /** PCI path; a virtio-pci device that is on no PCI bus is not understood. */
  get address(): Fact<string> {
    const address = this.setting.tree.addressOf(this.option);
    return address ?? unknown('malformed', 'it is on a bus that is not PCI');
  }

  /** -1 and absent are the same: no place in the boot order. */
  get bootIndex(): Fact<number | null> {
    const index = this.integer('bootindex', null, -1);
    return index === -1 ? null : index;
  }

  get pagePerVq(): Fact<boolean> {
    const { machine } = this.setting;
    return this.boolean('page-per-vq', machine ? machine.version <= 207 : defaultUnknown('page-per-vq'));
  }

  /**
   * Whether the legacy interface is there: disable-legacy=auto takes it away behind a PCIe port
   * (hw/virtio/virtio-pci.c: virtio_pci_realize()).
   */
  get transitional(): Fact<boolean> {
    const driver = knownText(this.option, 'driver') ?? '';
    const legacy = this.raw('disable-legacy') ?? 'auto';
    if (driver.endsWith('-non-transitional')) return false;
    if (driver.endsWith('-transitional')) return true;
    if (isUnknown(legacy)) return legacy;
    const off = canonical(legacy);
    if (typeof off === 'boolean') return !off;
    const { machine, tree } = this.setting;
    if (machine && machine.version <= 206) return true;
    const behindPort = tree.behindPort(this.option);
    // outside of a port the legacy interface is there under every machine type
    if (behindPort === false) return true;
    if (!machine) return defaultUnknown('disable-legacy');
    return isKnown(behindPort) ? !behindPort : behindPort;
  }

  /**
   * All that nobody has read, without what only the host sees, and without what is the default anyway. Features of the
   * legacy interface count only where there is one: a running QEMU shows them switched off elsewhere (seen with 10.0).
   */
  others(): Record<string, Fact<Scalar>> {
    if (this.transitional === false) this.skip(['any_layout', 'notify_on_empty']);
    const entries = this.rest().flatMap(([name, value]): [string, Fact<Scalar>][] => {
      if (hostOnly.has(name) || name.startsWith('x-disable-legacy')) return [];
      const known = this.#same(name, value);
      return known ? [] : [[name, canonical(value)]];
    });
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #same(name: string, value: Fact<Scalar>): boolean {
    const usual = this.#defaults?.[name];
    if (isUnknown(value) || usual === undefined) return false;
    if (name === 'write-cache' && value === 'auto') return true;
    const given = canonical(value);
    return given === canonical(usual) || (this.#kind === 'block' && name.endsWith('_block_size') && given === 0);
  }
}
