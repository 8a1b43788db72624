/**
 * L2, the VM, started by hand-written arguments: what the lab knows works, independent of what the product generates.
 *
 * The guest is our own (guest/driver.c): up in a few seconds, and idle then, with the features that iPXE takes, too. Or
 * iPXE from QEMU's option ROM (bootindex=1), a driver that others wrote, which reaches DRIVER_OK and then asks for an
 * address by DHCP, gives its device back, and keeps its virtual CPU busy. 32 MiB would do for both.
 *
 * Guest memory is a shared memfd by default because vdpa_sim, which copies through the process's mappings, silently
 * skips memory that is not shared (vhost_vdpa_va_map): the driver still reaches DRIVER_OK, but not one packet moves.
 * vp_vdpa pins pages and does not care. The MAC is always given: QEMU writes its own default into a simulated device
 * otherwise, where it stays.
 *
 * On arm64 there is neither: the guest is L1's own kernel without a root file system, which asks for an address by DHCP,
 * gets none from a simulated device, and asks again for minutes.
 */
import type { Background, L1 } from './l1.ts';
import { untilDriverOk } from './witness.ts';

export interface L2Options {
  /** A /dev/vhost-vdpa-N of L1. */
  readonly device: string;
  readonly mac: string;
  readonly pagePerVq?: boolean;
  /** Further properties of virtio-net-pci, such as `iommu_platform=on`. */
  readonly nic?: string;
  /** The guest's; default L1's own. Host notifiers depend on the host alone, and an x86 guest is up far sooner. */
  readonly guest?: keyof typeof boards;
  /** Of an x86 guest: arguments of our own driver; or `ipxe`, or nothing that could drive a device. */
  readonly program?: { readonly driver: string } | 'ipxe' | 'none';
  readonly sharedMemory?: boolean;
  /** RLIMIT_MEMLOCK; default unlimited. L1's own default is 8 MiB, too little to pin the guest. */
  readonly memlock?: string;
  /** Further arguments of QEMU. */
  readonly extra?: readonly string[];
}

export interface L2 {
  readonly qemu: Background;
  /** QMP socket in L1. The network card has the id net0. */
  readonly socket: string;
}

const boards = {
  x86_64: ['qemu-system-x86_64', '-M', 'q35,memory-backend=ram'],
  'arm64-64k': [
    ...['qemu-system-aarch64', '-M', 'virt,gic-version=3,memory-backend=ram', '-cpu', 'cortex-a72'],
    ...['-kernel', '/share/kernel', '-append', 'console=ttyAMA0 ip=dhcp panic=0'],
    ...['-serial', 'file:/run/lab/l2-console.log'],
  ],
} as const;

/** MTU, MAC, ANY_LAYOUT, VERSION_1 and ACCESS_PLATFORM, as iPXE; and nothing is sent. */
const idle = { driver: 'want=308000028 silent=1' } as const;

let count = 0;

/** Starts an L2 and returns at once. */
export async function startL2(l1: L1, options: L2Options): Promise<L2> {
  const socket = `/run/lab/l2-${++count}.sock`;
  const memory = 'memory-backend-memfd,id=ram,size=256M';
  const { guest = l1.arch, program = idle } = options;
  const ours = guest === 'x86_64' && typeof program === 'object';
  const nic = [
    `virtio-net-pci,id=net0,bus=port0,netdev=vdpa0,${program === 'ipxe' ? 'bootindex=1' : 'romfile='}`,
    `mac=${options.mac}`,
    `page-per-vq=${(options.pagePerVq ?? true) ? 'on' : 'off'}`,
    ...(options.nic === undefined ? [] : [options.nic]),
  ].join(',');
  const qemu = await l1.spawn([
    ...['prlimit', `--memlock=${options.memlock ?? 'unlimited'}`, ...boards[guest]],
    ...['-accel', 'tcg', '-m', '256', '-nodefaults', '-display', 'none'],
    ...['-object', `${memory},share=${(options.sharedMemory ?? true) ? 'on' : 'off'}`],
    ...['-qmp', `unix:${socket},server=on,wait=off`],
    ...['-device', 'pcie-root-port,id=port0,chassis=1,addr=0x2'],
    ...['-netdev', `vhost-vdpa,id=vdpa0,vhostdev=${options.device}`],
    ...['-device', nic],
    ...(ours ? ['-kernel', '/share/guest', '-append', program.driver] : []),
    ...(options.extra ?? []),
  ]);
  return { qemu, socket };
}

/** Starts an L2 and waits for its driver. */
export async function bootL2(l1: L1, options: L2Options): Promise<L2> {
  const l2 = await startL2(l1, options);
  await untilDriverOk(l1, l2.qemu, l2.socket, 'net0', l1.arch === 'x86_64' ? 120_000 : 600_000);
  return l2;
}

/** Ends an L2; returns what its QEMU has printed. */
export async function endL2(l1: L1, { qemu }: L2): Promise<string> {
  await l1.kill(qemu).catch(() => undefined);
  await l1.wait(qemu);
  return await l1.readFile(qemu.log);
}
