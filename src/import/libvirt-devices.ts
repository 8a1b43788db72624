import { unknown } from '../model/fact.ts';
import { markOfElements } from './content-mark.ts';
import {
  aliasOf,
  commonProperties,
  optionOf,
  placeOf,
  virtioDriver,
  virtioOptions,
  type Properties,
} from './libvirt-node.ts';
import { notRead } from './libvirt-not-read.ts';
import type { Complaint, Option } from './option.ts';
import { childOf, type XmlNode } from './xml-document.ts';
import { diskOptions } from './libvirt-disk.ts';
import { interfaceOptions } from './libvirt-interface.ts';

/** What one element below <devices> puts on the command line. */
export type ReadDevice = (node: XmlNode, complain: (complaint: Complaint) => void) => readonly Option[];

/** Elements that make nothing that the guest sees, or only what the board has anyway. */
const nothing: ReadDevice = () => [];

/** libvirt's elements of <devices> (domaincommon.rng); one that is not here is a device that is not read. */
export const deviceElements: Readonly<Record<string, ReadDevice>> = {
  emulator: nothing,
  graphics: nothing,
  audio: nothing,
  controller,
  interface: interfaceOptions,
  disk: diskOptions,
  memballoon: (node) => modelled(node, node.attributes.get('model'), 'virtio-balloon', balloon(node)),
  rng: (node) => modelled(node, node.attributes.get('model'), 'virtio-rng', rate(node)),
  watchdog,
  serial,
  console: (node) => {
    const type = childOf(node, 'target')?.attributes.get('type');
    // the first console of type serial is the first serial port over again
    return type === 'virtio' ? [notRead(node)] : [];
  },
  hostdev: (node) => [outside(node, node.attributes.get('type') === 'usb' ? 'usb-host' : 'vfio-pci')],
  redirdev: (node) => [outside(node, 'usb-redir')],
  shmem: (node) => [
    outside(
      node,
      childOf(node, 'model')?.attributes.get('type') === 'ivshmem-doorbell' ? 'ivshmem-doorbell' : 'ivshmem-plain',
    ),
  ],
  filesystem: (node) => [
    outside(
      node,
      childOf(node, 'driver')?.attributes.get('type') === 'virtiofs' ? 'vhost-user-fs-pci' : 'virtio-9p-pci',
    ),
  ],
  input: (node) => (node.attributes.get('bus') === 'ps2' ? [] : [notRead(node)]),
  video: (node) => (childOf(node, 'model')?.attributes.get('type') === 'none' ? [] : [notRead(node)]),
};

/** A device of which the driver is known, and what it shows to the guest is not: it is outside of the guest. */
function outside(node: XmlNode, driver: string): Option {
  const why = unknown('not-supported', `what it shows to the guest is not known (${markOfElements([node])})`);
  return optionOf('device', { ...commonProperties(node), driver, settings: why }, node);
}

function controller(node: XmlNode): Option[] {
  const [type, model] = [node.attributes.get('type'), node.attributes.get('model')];
  const index = Number(node.attributes.get('index') ?? NaN);
  if (type === 'pci') return model === 'pcie-root' || model === 'pci-root' ? [] : [bridge(node, index, model)];
  if (type === 'usb' && model === 'none') return [];
  // the board's own controllers: that of i440fx, and SATA of q35
  if (type === 'ide' && index === 0) return [];
  if (type === 'sata' && index === 0 && placeOf(node).addr === '0x1f.0x2') return [];
  if (type === 'usb' && (model === 'qemu-xhci' || model === 'nec-xhci')) {
    const ports = node.attributes.get('ports');
    const driver = model === 'qemu-xhci' ? model : 'nec-usb-xhci';
    return [optionOf('device', { driver, ...commonProperties(node), p2: ports, p3: ports }, node)];
  }
  if (type === 'virtio-serial')
    return modelled(node, model ?? 'virtio', 'virtio-serial', { max_ports: node.attributes.get('ports') });
  return [notRead(node)];
}

/** id, chassis and port as qemu_command.c: qemuBuildControllerPCIDevProps() has them. */
function bridge(node: XmlNode, index: number, model: string | undefined): Option {
  const target = childOf(node, 'target')?.attributes;
  const unset = unknown('not-present', 'no <target> is given: libvirt chooses it when the domain is defined');
  const properties = { ...commonProperties(node), id: `pci.${index}` };
  if (model !== 'pcie-root-port') {
    const driver =
      childOf(node, 'model')?.attributes.get('name') ??
      unknown('not-present', `libvirt chooses the ${model ?? 'bridge'}`);
    return optionOf(
      'device',
      { ...properties, driver, chassis: target?.get('chassis'), port: target?.get('port') },
      node,
    );
  }
  return optionOf(
    'device',
    {
      ...properties,
      // libvirt's own choice with every QEMU that has it, which is from 2.9 on (qemu_domain_address.c:
      // qemuDomainPCIControllerSetDefaultModelName())
      driver: childOf(node, 'model')?.attributes.get('name') ?? 'pcie-root-port',
      chassis: target?.get('chassis') ?? unset,
      port: target?.get('port') ?? unset,
      hotplug: target?.get('hotplug'),
    },
    node,
  );
}

function modelled(node: XmlNode, model: string | undefined, name: string, more: Properties): Option[] {
  if (model === 'none') return [];
  const driver = virtioDriver(name, model);
  if (driver === undefined) return [notRead(node)];
  return [
    optionOf('device', { driver, ...commonProperties(node), ...virtioOptions(childOf(node, 'driver')), ...more }, node),
  ];
}

function balloon(node: XmlNode): Properties {
  return {
    'deflate-on-oom': node.attributes.get('autodeflate'),
    'free-page-reporting': node.attributes.get('freePageReporting'),
  };
}

function rate(node: XmlNode): Properties {
  const limits = childOf(node, 'rate')?.attributes;
  return { 'max-bytes': limits?.get('bytes'), period: limits?.get('period') };
}

/** The watchdog of the q35 chipset is always there; libvirt adds it itself (libvirt-implicit.ts). */
function watchdog(node: XmlNode): Option[] {
  const model = node.attributes.get('model');
  if (model === 'itco') return [];
  return model === 'i6300esb'
    ? [optionOf('device', { driver: model, ...commonProperties(node) }, node)]
    : [notRead(node)];
}

function serial(node: XmlNode): Option[] {
  const target = childOf(node, 'target');
  const model = childOf(target, 'model')?.attributes.get('name');
  const [type, port] = [target?.attributes.get('type'), target?.attributes.get('port')];
  if (type === 'system-serial' && model === 'pl011') return [];
  if (type === 'isa-serial' || (type === undefined && model === undefined)) {
    return [optionOf('device', { driver: 'isa-serial', id: aliasOf(node), index: port ?? 0 }, node)];
  }
  return [notRead(node)];
}
