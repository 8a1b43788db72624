/**
 * The command line of L1's QEMU.
 *
 * Software emulation only: a /dev/kvm that exists may still hang. The IOMMU must say that it is cache coherent
 * (snoop-control=on), or vhost_vdpa_alloc_domain() in L1 refuses to open a vp_vdpa device with 524. Split irqchip is
 * what interrupt remapping needs. Addresses are written out so that a function does not move when another is added.
 */
import { pciSlots, type LabDevice, type PciSlot } from './devices.ts';
import type { Arch } from './images.ts';

export interface L1Machine {
  readonly arch: Arch;
  readonly kernel: string;
  readonly initrd: string;
  /** A directory of L0 that becomes the root tree of L1, read-only. */
  readonly root: string;
  /** The checkout, seen as /project, read-only. */
  readonly project: string;
  /** Seen as /share, written by both sides. */
  readonly share: string;
  /** A unix socket of ours that the agent's port is connected to. */
  readonly agentSocket: string;
  readonly devices: readonly LabDevice[];
  readonly memoryMiB: number;
  readonly cpus: number;
}

interface Board {
  readonly machine: readonly string[];
  /** Of virtio devices; on a virt machine the kernel wants them all behind the SMMU. */
  readonly virtio: string;
  readonly commandLine: string;
}

const boards: Readonly<Record<Arch, Board>> = {
  x86_64: {
    machine: [
      ...['-M', 'q35,kernel-irqchip=split', '-cpu', 'max'],
      ...['-device', 'intel-iommu,intremap=on,snoop-control=on,aw-bits=48'],
    ],
    virtio: '',
    commandLine: 'console=ttyS0 quiet panic=-1 no_timer_check intel_iommu=on iommu.passthrough=0',
  },
  'arm64-64k': {
    // pauth-impdef: the architected algorithm of pointer authentication takes most of the time under emulation
    machine: ['-M', 'virt,iommu=smmuv3,gic-version=3', '-cpu', 'max,pauth-impdef=on'],
    virtio: ',disable-legacy=on,iommu_platform=on',
    commandLine: 'console=ttyAMA0 quiet panic=-1 iommu.passthrough=0',
  },
};

export function l1Program(arch: Arch): string {
  return arch === 'x86_64' ? 'qemu-system-x86_64' : 'qemu-system-aarch64';
}

export function l1Args(l1: L1Machine): string[] {
  const board = boards[l1.arch];
  return [
    board.machine,
    ['-accel', 'tcg,thread=multi'],
    ['-smp', String(l1.cpus)],
    ['-m', String(l1.memoryMiB)],
    ['-nodefaults', '-no-reboot'],
    ['-display', 'none'],
    ['-monitor', 'none'],
    ['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    directory('root', l1.root, `0x1${board.virtio}`, 'readonly=on,multidevs=remap'),
    directory('project', l1.project, `0x2${board.virtio}`, 'readonly=on,multidevs=remap'),
    directory('share', l1.share, `0x3${board.virtio}`, 'multidevs=remap'),
    ['-device', `virtio-serial-pci,addr=0x1e${board.virtio}`],
    ['-chardev', `socket,id=agent,path=${l1.agentSocket}`, '-device', 'virtserialport,chardev=agent,name=lab.agent'],
    ...pciSlots(l1.devices).map(networkCard),
    ['-kernel', l1.kernel],
    ['-initrd', l1.initrd],
    ['-append', board.commandLine],
  ].flat();
}

function directory(tag: string, path: string, address: string, options: string): string[] {
  const escaped = path.replaceAll(',', ',,');
  return [
    ...['-fsdev', `local,id=${tag},path=${escaped},security_model=none,${options}`],
    ...['-device', `virtio-9p-pci,fsdev=${tag},mount_tag=${tag},addr=${address}`],
  ];
}

/**
 * A user-mode network has one queue pair only, and then mq=on still offers VIRTIO_NET_F_MQ with max_virtqueue_pairs 1.
 * Several need a tap: not persistent, without an address, and gone with QEMU.
 */
function networkCard({ device, slot }: PciSlot): string[] {
  const pairs = device.queuePairs ?? 1;
  const backend = pairs === 1 ? 'user,restrict=on' : `tap,queues=${pairs},script=no,downscript=no`;
  const card = [
    `virtio-net-pci,netdev=net${slot},mac=${device.mac},addr=0x${slot.toString(16)}`,
    'disable-legacy=on,iommu_platform=on,romfile=',
    `page-per-vq=${device.pagePerVq ? 'on' : 'off'}`,
    ...(pairs === 1 ? [] : [`mq=on,vectors=${2 * pairs + 2}`]),
    ...(device.card === undefined ? [] : [device.card]),
  ];
  return ['-netdev', `${backend},id=net${slot}`, '-device', card.join(',')];
}
