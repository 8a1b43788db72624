/** One side of a migration, and the command line of its VM. */
import { shellQuote } from '../../src/model/shell-quote.ts';
import type { L1 } from './l1.ts';

/** What is left out is the same on both sides. */
export interface Side {
  /** Name of a vDPA device of L1; of none: a path that does not exist. */
  readonly device: string;
  /** Default net: virtio-net-pci; generic: vhost-vdpa-device-pci; block: virtio-blk-pci over virtio-blk-vhost-vdpa. */
  readonly front?: 'net' | 'generic' | 'block';
  readonly machine?: string;
  readonly cpu?: string;
  readonly memoryMiB?: number;
  readonly sharedMemory?: boolean;
  /** Properties of the front device, over the usual ones; null takes one away. */
  readonly nic?: Readonly<Record<string, string | null>>;
  readonly netdev?: Readonly<Record<string, string>>;
  /** PCI slot of the root port; default 0x2. */
  readonly rootPort?: string;
  /** RLIMIT_MEMLOCK in bytes; default unlimited. */
  readonly memlock?: number;
  /** Program in L1; default qemu-system-x86_64. */
  readonly emulator?: string;
  readonly extra?: readonly string[];
  /** Something else has the device open. */
  readonly busy?: true;
}

/** A VM's command line without the socket it listens on. */
export function argv(l1: L1, side: Side, guest = ''): string[] {
  const size = side.memoryMiB ?? 64;
  const shared = (side.sharedMemory ?? true) ? 'on' : 'off';
  return [
    side.emulator ?? 'qemu-system-x86_64',
    ...['-machine', `${side.machine ?? 'pc-q35-10.0'},memory-backend=ram`, '-accel', 'tcg'],
    ...['-cpu', side.cpu ?? 'qemu64', '-smp', '1', '-m', String(size), '-nodefaults', '-display', 'none'],
    ...['-object', `memory-backend-memfd,id=ram,size=${size}M,share=${shared}`],
    ...['-device', `pcie-root-port,id=port0,chassis=1,addr=${side.rootPort ?? '0x2'}`],
    ...front(side, l1.devices.get(side.device) ?? side.device),
    ...['-kernel', '/share/guest', '-append', guest],
    ...(side.extra ?? []),
  ];
}

function front(side: Side, node: string): string[] {
  const usual = { id: 'net0', bus: 'port0', addr: '0x0' };
  const nic = { mac: '52:54:00:0d:0a:02', 'page-per-vq': 'off', vectors: '4', romfile: '' };
  switch (side.front ?? 'net') {
    case 'net':
      return [
        ...['-netdev', properties('vhost-vdpa', { id: 'vdpa0', vhostdev: node, ...side.netdev })],
        ...['-device', properties('virtio-net-pci', { ...usual, netdev: 'vdpa0', ...nic, ...side.nic })],
      ];
    case 'generic':
      return ['-device', properties('vhost-vdpa-device-pci', { ...usual, vhostdev: node, ...side.nic })];
    case 'block':
      return [
        ...['-blockdev', `driver=virtio-blk-vhost-vdpa,node-name=disk0,path=${node},cache.direct=on`],
        ...['-device', properties('virtio-blk-pci', { ...usual, drive: 'disk0', ...side.nic })],
      ];
  }
}

function properties(driver: string, values: Readonly<Record<string, string | null>>): string {
  const set = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null);
  return [driver, ...set.map(([name, value]) => `${name}=${value}`)].join(',');
}

export function commandLine(words: readonly string[]): string {
  return words.map((word) => shellQuote(word)).join(' ');
}
