import { boundTo } from '../model/bound-to.ts';
import type { GuestAbi } from '../model/generated/guest-abi.ts';
import { ourNamespace } from '../model/own-namespace.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import { chipsetGlobals } from './chipset-globals.ts';
import { charDevice, genericDeviceParts } from './qemu-argv.ts';
import { element, renderXml, type XmlElement } from './xml.ts';

type Interface = GuestAbi['interfaces'][number];
type Disk = GuestAbi['disks'][number];
type Binding = VmPlan['binding'];

const qemuNamespace = 'http://libvirt.org/schemas/domain/qemu/1.0';

/** The libvirt domain XML of a plan: the same guest as the QEMU command line describes. */
export function renderLibvirtXml(plan: VmPlan): string {
  const { guestAbi, binding } = plan;
  const kib = guestAbi.memoryBytes / 1024;
  const domain = element(
    'domain',
    { type: binding.accelerator === 'kvm' ? 'kvm' : 'qemu', 'xmlns:qemu': qemuNamespace },
    [
      element('name', {}, plan.name),
      element('uuid', {}, guestAbi.uuid),
      digestElement(plan),
      element('memory', { unit: 'KiB' }, String(kib)),
      element('currentMemory', { unit: 'KiB' }, String(kib)),
      lockedMemory(binding),
      memoryBacking(binding),
      element('vcpu', { placement: 'static' }, String(guestAbi.cpu.count)),
      os(guestAbi),
      features(guestAbi),
      cpu(guestAbi),
      element('clock', { offset: 'utc' }),
      element('devices', {}, devices(plan)),
      commandLine(plan),
      overrides(guestAbi),
    ],
  );
  return renderXml(domain);
}

/** libvirt keeps <metadata> as it is: two hosts can be compared by one line of their XML. */
function digestElement({ guestAbiDigest }: VmPlan): XmlElement {
  return element('metadata', {}, [
    element('vdpa-qemu:guest-abi', { 'xmlns:vdpa-qemu': ourNamespace, digest: guestAbiDigest }),
  ]);
}

/**
 * Without any boot element libvirt gives the first disk boot index 1, whatever it is made of and whatever stands on
 * <qemu:commandline>, where the same index may be taken. An order that names no device of ours keeps it from that.
 */
function os({ architecture, machine, interfaces, disks }: GuestAbi): XmlElement {
  const ordered = [...interfaces, ...disks].some(({ bootIndex }) => bootIndex !== null);
  return element('os', {}, [
    element('type', { arch: architecture, machine }, 'hvm'),
    ordered || disks.length === 0 ? undefined : element('boot', { dev: 'cdrom' }),
  ]);
}

/** libvirt computes the same limit by itself since 8.7, but does not count devices that it does not know. */
function lockedMemory({ lockedMemoryBytes }: Binding): XmlElement | undefined {
  if (lockedMemoryBytes === 0) return undefined;
  return element('memtune', {}, [element('hard_limit', { unit: 'KiB' }, String(lockedMemoryBytes / 1024))]);
}

function memoryBacking({ memoryShared }: Binding): XmlElement | undefined {
  if (!memoryShared) return undefined;
  return element('memoryBacking', {}, [element('source', { type: 'memfd' }), element('access', { mode: 'shared' })]);
}

/** Without <acpi/> libvirt turns ACPI off; on Arm it needs UEFI firmware, and the GIC has to be pinned instead. */
function features({ architecture }: GuestAbi): XmlElement {
  const x86 = architecture === 'x86_64';
  return element('features', {}, x86 ? [element('acpi'), element('apic')] : [element('gic', { version: 3 })]);
}

function cpu({ cpu: { model } }: GuestAbi): XmlElement {
  if (model === 'host') return element('cpu', { mode: 'host-passthrough', check: 'none' });
  if (model === 'max') return element('cpu', { mode: 'maximum', check: 'none' });
  return element('cpu', { mode: 'custom', match: 'exact', check: 'none' }, [
    element('model', { fallback: 'forbid' }, model),
  ]);
}

function devices({ guestAbi, binding }: VmPlan): XmlElement[] {
  const x86 = guestAbi.architecture === 'x86_64';
  return [
    element('emulator', {}, binding.emulator),
    ...guestAbi.disks.map((disk, index) => diskElement(disk, index, binding)),
    element('controller', { type: 'usb', index: 0, model: 'none' }),
    element('controller', { type: 'pci', index: 0, model: 'pcie-root' }),
    ...guestAbi.rootPorts.map(rootPort),
    ...guestAbi.interfaces.map((net) => interfaceElement(net, binding)),
    element('serial', { type: 'pty' }, [
      x86
        ? element('target', { type: 'isa-serial', port: 0 }, [element('model', { name: 'isa-serial' })])
        : element('target', { type: 'system-serial', port: 0 }, [element('model', { name: 'pl011' })]),
    ]),
    element('memballoon', { model: 'none' }),
  ];
}

function rootPort(port: GuestAbi['rootPorts'][number]): XmlElement {
  return element('controller', { type: 'pci', index: port.index, model: 'pcie-root-port' }, [
    element('model', { name: 'pcie-root-port' }),
    element('target', { chassis: port.chassis, port: hex(port.port, 1) }),
    element('address', {
      type: 'pci',
      domain: '0x0000',
      bus: '0x00',
      slot: hex(port.slot, 2),
      function: hex(port.function, 1),
      multifunction: port.multifunction ? 'on' : undefined,
    }),
  ]);
}

function behindPort(port: number): XmlElement {
  return element('address', { type: 'pci', domain: '0x0000', bus: hex(port, 2), slot: '0x00', function: '0x0' });
}

/** <model type='virtio'/> is always written: without it libvirt's parser silently drops queues, ring sizes and offloads. */
function interfaceElement(net: Interface, binding: Binding): XmlElement {
  return element('interface', { type: 'vdpa' }, [
    element('mac', { address: net.mac }),
    element('source', { dev: charDevice(binding.interfaces, net.id) }),
    element('model', { type: 'virtio' }),
    element('driver', {
      queues: net.queuePairs > 1 ? net.queuePairs : undefined,
      rx_queue_size: net.rxQueueSize,
      tx_queue_size: net.txQueueSize,
      iommu: onOff(net.iommuPlatform),
      packed: onOff(net.packed),
      page_per_vq: onOff(net.pagePerVq),
    }),
    bootOrder(net.bootIndex),
    net.optionRom ? undefined : element('rom', { enabled: 'no' }),
    element('alias', { name: aliasOf(net.id) }),
    behindPort(net.rootPort),
  ]);
}

function diskElement(disk: Disk, index: number, binding: Binding): XmlElement {
  const bound = boundTo(binding.disks, disk.id);
  const vdpa = 'charDevice' in bound ? bound.charDevice : undefined;
  const file = 'file' in bound ? bound : undefined;
  return element('disk', { type: vdpa === undefined ? 'file' : 'vhostvdpa', device: 'disk' }, [
    element('driver', { name: 'qemu', type: file?.format ?? 'raw', cache: vdpa && 'none', queues: disk.queues }),
    element('source', vdpa === undefined ? { file: file?.file } : { dev: vdpa }),
    element('target', { dev: targetName(index), bus: 'virtio' }),
    disk.readOnly ? element('readonly') : undefined,
    bootOrder(disk.bootIndex),
    element('alias', { name: aliasOf(disk.id) }),
    behindPort(disk.rootPort),
  ]);
}

/**
 * libvirt has no element for vhost-vdpa-device-pci; its arguments go to QEMU as they are. They are JSON, as libvirt's
 * own are: QEMU creates all key=value devices first (system/vl.c: qemu_create_cli_devices()), and the root port that
 * this one sits on would not be there yet.
 */
function commandLine({ guestAbi, binding }: VmPlan): XmlElement | undefined {
  const devices = guestAbi.vdpaDevices.flatMap((device) => [
    '-device',
    JSON.stringify({
      driver: 'vhost-vdpa-device-pci',
      ...genericDeviceParts(device, charDevice(binding.vdpaDevices, device.id)),
    }),
  ]);
  // libvirt before 9.1 does not write it, and later ones write the same
  const args = [...chipsetGlobals(guestAbi).flatMap((global) => ['-global', global]), ...devices];
  if (args.length === 0) return undefined;
  return element(
    'qemu:commandline',
    {},
    args.map((value) => element('qemu:arg', { value })),
  );
}

/**
 * What libvirt has no attribute for: the vectors of a NIC with one queue pair, which QEMU would otherwise count by the
 * device's virtqueues, and the MTU, which libvirt refuses on vDPA.
 */
function overrides({ interfaces }: GuestAbi): XmlElement | undefined {
  const changed = interfaces.flatMap((net) => {
    const properties = [
      ...(net.mq ? [] : [unsignedProperty('vectors', net.vectors)]),
      ...(net.mtu === null ? [] : [unsignedProperty('host_mtu', net.mtu)]),
    ];
    if (properties.length === 0) return [];
    return [element('qemu:device', { alias: aliasOf(net.id) }, [element('qemu:frontend', {}, properties)])];
  });
  return changed.length === 0 ? undefined : element('qemu:override', {}, changed);
}

function unsignedProperty(name: string, value: number): XmlElement {
  return element('qemu:property', { name, type: 'unsigned', value });
}

function bootOrder(bootIndex: number | null): XmlElement | undefined {
  return bootIndex === null ? undefined : element('boot', { order: bootIndex });
}

/** libvirt takes only aliases of users that begin with ua-. */
export function aliasOf(id: string): string {
  return `ua-${id}`;
}

/** vda, vdb .. vdz, vdaa .. */
function targetName(index: number): string {
  const letter = String.fromCharCode(97 + (index % 26));
  return index < 26 ? `vd${letter}` : `${targetName(Math.floor(index / 26) - 1)}${letter}`;
}

function onOff(value: boolean): 'on' | 'off' {
  return value ? 'on' : 'off';
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
