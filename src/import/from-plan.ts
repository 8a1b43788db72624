import { chipsetGlobals } from '../render/chipset-globals.ts';
import { ramBlockOf } from '../render/qemu-argv.ts';
import { VdpaQemuError } from '../model/error.ts';
import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import { behind, pciStep } from './address.ts';
import { assemble, type Bound, type Parts } from './assemble.ts';

/**
 * The guest that a plan makes. All of it is known.
 * @param origin `spec` where the plan was made from a spec just now
 */
export function fromPlan(plan: Omit<VmPlan, 'guestAbiDigest'>, origin: 'spec' | 'plan' = 'plan'): GuestConfiguration {
  const { guestAbi, binding } = plan;
  const portOf = new Map(guestAbi.rootPorts.map((port) => [port.index, pciStep(port.slot, port.function)]));
  const address = ({ rootPort }: { rootPort: number }): string =>
    behind(portOf.get(rootPort) ?? pciStep(0, 0), pciStep(0, 0));
  return assemble({
    name: plan.name,
    origin,
    guest: boardOf(guestAbi),
    interfaces: guestAbi.interfaces.map(({ rootPort, ...net }) => ({
      device: { ...net, address: address({ rootPort }), transitional: false, properties: {} },
      bound: vdpaBound(binding.interfaces, net.id, 'vhost-vdpa'),
    })),
    disks: guestAbi.disks.map(({ rootPort, ...disk }) => ({
      device: { ...disk, address: address({ rootPort }), transitional: false, properties: {} },
      bound: diskBound(binding.disks, disk.id),
    })),
    vdpaDevices: guestAbi.vdpaDevices.map(({ rootPort, ...device }) => ({
      device: { ...device, address: address({ rootPort }), transitional: false, properties: {} },
      bound: vdpaBound(binding.vdpaDevices, device.id, 'vhost-vdpa'),
    })),
    binding: {
      host: binding.host,
      emulator: binding.emulator,
      accelerator: binding.accelerator,
      memoryShared: binding.memoryShared,
      lockedMemoryBytes: binding.lockedMemoryBytes,
    },
  });
}

/**
 * The digest of a plan's guest ABI.
 * @throws VdpaQemuError internal where it has none: of a plan nothing is undetermined
 */
export function planDigest(plan: Omit<VmPlan, 'guestAbiDigest'>): string {
  const { digest } = fromPlan(plan);
  if (digest === null) throw new VdpaQemuError('internal', 'a plan has no digest of its guest ABI');
  return digest;
}

/** What renderQemuArgv() writes for every plan: without it the digests of a plan and of its text would differ. */
function boardOf(abi: VmPlan['guestAbi']): Parts['guest'] {
  const x86 = abi.architecture === 'x86_64';
  const global = chipsetGlobals(abi);
  return {
    machine: abi.machine,
    architecture: abi.architecture,
    machineOptions: x86 ? {} : { acpi: false, 'gic-version': '3' },
    uuid: abi.uuid,
    cpu: { ...abi.cpu, sockets: abi.cpu.count, cores: 1, threads: 1 },
    memoryBytes: abi.memoryBytes,
    ramBlock: ramBlockOf(abi.architecture),
    rootPorts: abi.rootPorts.map((port) => ({
      id: `pci.${port.index}`,
      address: pciStep(port.slot, port.function),
      chassis: port.chassis,
      port: port.port,
      multifunction: port.multifunction,
      properties: {},
    })),
    // the Arm board has its pl011 whatever the command line says
    otherDevices: x86 ? [{ id: 'serial0', driver: 'isa-serial', address: null, properties: { index: 0 } }] : [],
    otherOptions: { boot: ['strict=on'], ...(global.length === 0 ? {} : { global }) },
  };
}

function vdpaBound(bindings: VmPlan['binding']['interfaces'], id: string, backend: string): Bound {
  // verify compares a running VM with a plan that has no binding
  const bound = bindings.find((one) => one.id === id);
  return {
    backend,
    charDevice: bound?.charDevice ?? null,
    descriptor: null,
    vdpa: bound?.vdpa ?? null,
    shadowVirtqueues: false,
  };
}

function diskBound(bindings: VmPlan['binding']['disks'], id: string): Bound {
  const bound = bindings.find((one) => one.id === id);
  if (bound && 'charDevice' in bound) return { ...vdpaBound([bound], id, 'virtio-blk-vhost-vdpa') };
  return { backend: 'file', charDevice: null, descriptor: null, vdpa: null, shadowVirtqueues: false };
}
