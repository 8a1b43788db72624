import { boundTo } from '../model/bound-to.ts';
import type { GuestAbi } from '../model/generated/guest-abi.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import { chipsetGlobals } from './chipset-globals.ts';
import { renderOption, type OptionParts } from './qemu-option.ts';

type Interface = GuestAbi['interfaces'][number];
type VdpaDevice = GuestAbi['vdpaDevices'][number];
type Disk = GuestAbi['disks'][number];
type Binding = VmPlan['binding'];

/**
 * The QEMU command line of a plan, program first. Every property that is guest ABI is written out, so that no default
 * of a QEMU version or machine type decides it.
 */
export function renderQemuArgv(plan: VmPlan): string[] {
  const { guestAbi, binding } = plan;
  const argv = [binding.emulator];
  const add = (option: string, first: string, parts: OptionParts = {}): void => {
    argv.push(option, renderOption(first, parts));
  };
  add('-name', '', { guest: plan.name, 'debug-threads': true });
  argv.push('-nodefaults', '-no-user-config');
  add('-uuid', guestAbi.uuid);
  addMachine(plan, add);
  for (const global of chipsetGlobals(guestAbi)) argv.push('-global', global);
  add('-rtc', '', { base: 'utc' });
  add('-boot', '', { strict: true });
  argv.push('-display', 'none');
  addConsole(guestAbi, add);
  for (const port of guestAbi.rootPorts) {
    add('-device', 'pcie-root-port', {
      port: port.port,
      chassis: port.chassis,
      id: `pci.${port.index}`,
      bus: 'pcie.0',
      multifunction: port.multifunction ? true : undefined,
      addr: `0x${port.slot.toString(16)}${port.function === 0 ? '' : `.0x${port.function.toString(16)}`}`,
    });
  }
  for (const net of guestAbi.interfaces) addInterface(net, binding, add);
  for (const disk of guestAbi.disks) addDisk(disk, binding, add);
  for (const device of guestAbi.vdpaDevices) {
    add('-device', 'vhost-vdpa-device-pci', genericDeviceParts(device, charDevice(binding.vdpaDevices, device.id)));
  }
  if (binding.qmpSocket !== null) {
    add('-chardev', 'socket', { id: 'qmp', path: binding.qmpSocket, server: true, wait: false });
    add('-mon', '', { chardev: 'qmp', mode: 'control' });
  }
  return argv;
}

type Add = (option: string, first: string, parts?: OptionParts) => void;

/** RAM block name of the board: it is in the migration stream, so it is the same whatever backs the memory. */
export function ramBlockOf(architecture: GuestAbi['architecture']): string {
  return architecture === 'x86_64' ? 'pc.ram' : 'mach-virt.ram';
}

function addMachine({ guestAbi, binding }: VmPlan, add: Add): void {
  const ram = ramBlockOf(guestAbi.architecture);
  const q35 = guestAbi.architecture === 'x86_64';
  add('-machine', guestAbi.machine, {
    usb: false,
    'gic-version': q35 ? undefined : 3,
    'dump-guest-core': false,
    'memory-backend': ram,
    // as libvirt has it: on Arm its XML can ask for ACPI only together with UEFI firmware
    acpi: q35,
  });
  add('-accel', binding.accelerator);
  add('-cpu', guestAbi.cpu.model);
  add('-smp', String(guestAbi.cpu.count), { sockets: guestAbi.cpu.count, cores: 1, threads: 1 });
  add('-m', '', { size: `${guestAbi.memoryBytes / 1024}k` });
  add('-object', binding.memoryShared ? 'memory-backend-memfd' : 'memory-backend-ram', {
    id: ram,
    share: binding.memoryShared ? true : undefined,
    size: guestAbi.memoryBytes,
  });
}

function addConsole({ architecture }: GuestAbi, add: Add): void {
  add('-chardev', 'pty', { id: 'charserial0' });
  if (architecture === 'x86_64') add('-device', 'isa-serial', { chardev: 'charserial0', id: 'serial0', index: 0 });
  else add('-serial', 'chardev:charserial0');
}

function addInterface(net: Interface, binding: Binding, add: Add): void {
  const netdev = `host${net.id}`;
  add('-netdev', 'vhost-vdpa', { id: netdev, vhostdev: charDevice(binding.interfaces, net.id) });
  add('-device', 'virtio-net-pci', {
    netdev,
    id: net.id,
    mac: net.mac,
    'page-per-vq': net.pagePerVq,
    mq: net.mq,
    vectors: net.vectors,
    iommu_platform: net.iommuPlatform,
    packed: net.packed,
    rx_queue_size: net.rxQueueSize,
    tx_queue_size: net.txQueueSize,
    host_mtu: net.mtu ?? undefined,
    bootindex: net.bootIndex ?? undefined,
    romfile: net.optionRom ? undefined : null,
    bus: `pci.${net.rootPort}`,
    addr: '0x0',
  });
}

function addDisk(disk: Disk, binding: Binding, add: Add): void {
  const bound = boundTo(binding.disks, disk.id);
  const node = `disk-${disk.rootPort}`;
  if ('file' in bound) {
    add('-blockdev', '', {
      driver: bound.format,
      'node-name': node,
      'read-only': disk.readOnly,
      'file.driver': 'file',
      'file.filename': bound.file,
    });
  } else {
    add('-blockdev', '', {
      driver: 'virtio-blk-vhost-vdpa',
      'node-name': node,
      'read-only': disk.readOnly,
      path: bound.charDevice,
      'cache.direct': true,
    });
  }
  add('-device', 'virtio-blk-pci', {
    drive: node,
    id: disk.id,
    'num-queues': disk.queues,
    bootindex: disk.bootIndex ?? undefined,
    bus: `pci.${disk.rootPort}`,
    addr: '0x0',
  });
}

/** The properties of a vhost-vdpa-device-pci; libvirt has no element for it, so its XML carries the same text. */
export function genericDeviceParts(device: VdpaDevice, vhostdev: string): OptionParts {
  return {
    id: device.id,
    vhostdev,
    'page-per-vq': device.pagePerVq,
    iommu_platform: device.iommuPlatform,
    'queue-size': device.queueSize ?? undefined,
    bootindex: device.bootIndex ?? undefined,
    bus: `pci.${device.rootPort}`,
    addr: '0x0',
  };
}

/** The character device that is bound to a guest device. */
export function charDevice(bindings: Binding['interfaces'], id: string): string {
  return boundTo(bindings, id).charDevice;
}
