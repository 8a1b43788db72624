import { unknown, type Fact } from '../model/fact.ts';
import type { Option } from './option.ts';
import type { Scalar } from './option-values.ts';
import { childOf, type XmlNode } from './xml-document.ts';

/** What libvirt would put on QEMU's command line: property -> value, without what is undefined. */
export type Properties = Readonly<Record<string, Fact<Scalar> | undefined>>;

/** An option made of an element. */
export function optionOf(name: string, properties: Properties, { place }: XmlNode, text = ''): Option {
  const values = new Map<string, Fact<Scalar>>();
  for (const [key, value] of Object.entries(properties)) if (value !== undefined) values.set(key, value);
  return { name, values, text, place };
}

/** The alias, which is the id in QEMU; libvirt leaves its own aliases out of inactive XML. */
export function aliasOf(node: XmlNode): string | undefined {
  return childOf(node, 'alias')?.attributes.get('name');
}

/** Bus and address of a device: libvirt fills in what is not written, by rules that are not repeated here. */
export function placeOf(node: XmlNode): { bus?: Fact<Scalar>; addr?: Fact<Scalar> } {
  const address = childOf(node, 'address')?.attributes;
  if (address?.get('type') !== undefined && address.get('type') !== 'pci') return {};
  const [bus, slot, fn] = ['bus', 'slot', 'function'].map((part) => address?.get(part));
  if (bus === undefined || slot === undefined || Number(address?.get('domain') ?? 0) !== 0) {
    const none = unknown('not-present', 'no PCI address is given: libvirt assigns one when the domain is defined');
    return { bus: none, addr: none };
  }
  const number = Number(bus);
  return { bus: number === 0 ? 'pcie.0' : `pci.${number}`, addr: `${hex(slot)}.${hex(fn ?? '0')}` };
}

function hex(text: string): string {
  const number = Number(text);
  return Number.isInteger(number) && number >= 0 ? `0x${number.toString(16)}` : text;
}

/** Properties that all virtio devices have on their <driver> (qemu_command.c: qemuBuildVirtioDevProps()). */
export function virtioOptions(driver: XmlNode | undefined): Properties {
  const get = (name: string): string | undefined => driver?.attributes.get(name);
  return {
    iommu_platform: get('iommu'),
    ats: get('ats'),
    packed: get('packed'),
    'page-per-vq': get('page_per_vq'),
  };
}

/** What stands on every device: boot order, ROM, multifunction, ACPI index. */
export function commonProperties(node: XmlNode): Properties {
  const rom = childOf(node, 'rom')?.attributes;
  const bar = rom?.get('bar');
  return {
    ...placeOf(node),
    id: aliasOf(node),
    bootindex: childOf(node, 'boot')?.attributes.get('order'),
    multifunction: childOf(node, 'address')?.attributes.get('multifunction'),
    'acpi-index': childOf(node, 'acpi')?.attributes.get('index'),
    romfile: rom?.get('enabled') === 'no' ? '' : rom?.get('file'),
    rombar: bar === undefined ? undefined : bar === 'on' ? 1 : 0,
  };
}

/** `virtio-net-pci` for the model virtio, with its ending for the others; undefined where it is no virtio model. */
export function virtioDriver(name: string, model: string | undefined): string | undefined {
  switch (model) {
    case 'virtio':
      return `${name}-pci`;
    case 'virtio-transitional':
      return `${name}-pci-transitional`;
    case 'virtio-non-transitional':
      return `${name}-pci-non-transitional`;
    default:
      return undefined;
  }
}
