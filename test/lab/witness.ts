/**
 * What the lab itself sees of an L2, without the product: through l1/qmp.c, l1/doorbells.c and /proc of L1.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Background, Ended, L1 } from './l1.ts';

export interface QmpReply {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
}

export interface QmpCommand {
  readonly execute: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

export interface Doorbells {
  readonly device: string;
  readonly pageSize: number;
  readonly deviceId: number;
  readonly features: string;
  readonly backendFeatures: string;
  readonly configSize: number | null;
  readonly groups: number | null;
  readonly addressSpaces: number | null;
  readonly vqCount: number;
  readonly vqSizeMax: number;
  /** errno of mmap: 0 mapped, 22 EINVAL, 524 ENOTSUPP. */
  readonly vqs: readonly { readonly index: number; readonly errno: number }[];
}

export interface HostNotifier {
  readonly vq: number;
  readonly size: number;
  readonly addr: number;
  readonly container: string;
}

/** Replies of the QEMU behind a QMP socket of L1, in the order of the commands. */
export async function qmp(l1: L1, socket: string, ...commands: QmpCommand[]): Promise<QmpReply[]> {
  const words = commands.map((command) => JSON.stringify(command));
  return JSON.parse(await l1.ok(['qmp', socket, ...words])) as QmpReply[];
}

/** One command that must succeed. */
export async function qmpReturn(l1: L1, socket: string, command: QmpCommand): Promise<unknown> {
  const [reply] = await qmp(l1, socket, command);
  if (reply?.error !== undefined) throw new Error(`${command.execute}: ${reply.error.desc}`);
  return reply?.return;
}

/** Asks the kernel of L1 for every doorbell of an idle device. */
export async function doorbells(l1: L1, device: string): Promise<Doorbells> {
  return JSON.parse(await l1.ok(['doorbells', device])) as Doorbells;
}

/** Waits until a condition gives something; what it threw the last time is part of the message when time is up. */
export async function until<T>(what: string, condition: () => Promise<T | undefined>, timeoutMs = 120_000): Promise<T> {
  const end = Date.now() + timeoutMs;
  let last = 'not yet';
  while (Date.now() < end) {
    try {
      const value = await condition();
      if (value !== undefined) return value;
      last = 'not yet';
    } catch (error) {
      last = String(error);
    }
    await sleep(200);
  }
  throw new Error(`no ${what} after ${timeoutMs / 1000} s: ${last}`);
}

/**
 * Waits for the guest's driver: DRIVER_OK in the virtio status of a device given by id.
 * Fails at once when QEMU has ended, with what it printed.
 */
export async function untilDriverOk(
  l1: L1,
  qemu: Background,
  socket: string,
  id: string,
  timeoutMs?: number,
): Promise<void> {
  const path = `/machine/peripheral/${id}/virtio-backend`;
  const query = { execute: 'x-query-virtio-status', arguments: { path } };
  let ended: Ended | undefined;
  void l1.wait(qemu).then(
    (end) => (ended = end),
    () => undefined,
  );
  const look = async () => {
    if (ended !== undefined) return ended;
    const status = await qmpReturn(l1, socket, query);
    return JSON.stringify(status).includes('VIRTIO_CONFIG_S_DRIVER_OK') ? 'driver ok' : undefined;
  };
  const end = await until<Ended | 'driver ok'>(`DRIVER_OK of ${id}`, look, timeoutMs);
  if (end === 'driver ok') return;
  throw new Error(`QEMU ended with ${end.code ?? end.signal ?? 'nothing'}\n${await l1.readFile(qemu.log)}`);
}

/** The host notifiers QEMU has installed for a device, by virtqueue: children of its backend in the object tree. */
export async function hostNotifiers(l1: L1, socket: string, id: string): Promise<HostNotifier[]> {
  const path = `/machine/peripheral/${id}/virtio-backend`;
  const list = await qmpReturn(l1, socket, { execute: 'qom-list', arguments: { path } });
  const found = (list as { name: string }[]).flatMap(({ name }) => {
    const vq = /^vhost-(?:vdpa|user)\\x2fhost-notifier@0x[0-9a-f]+ mmaps\\x5b(\d+)\\x5d\[\d+\]$/.exec(name)?.[1];
    return vq === undefined ? [] : [{ vq: Number(vq), path: `${path}/${name}` }];
  });
  const notifiers = found.map(async (child) => {
    const get = (property: string) =>
      qmpReturn(l1, socket, { execute: 'qom-get', arguments: { path: child.path, property } });
    const [size, addr, container] = [await get('size'), await get('addr'), await get('container')];
    return { vq: child.vq, size: Number(size), addr: Number(addr), container: String(container) };
  });
  return (await Promise.all(notifiers)).sort((one, other) => one.vq - other.vq);
}

/** Virtqueues whose doorbell page a process of L1 has mapped, from /proc: the kernel's side of the same fact. */
export async function mappedDoorbells(l1: L1, pid: number, device: string, pageSize = 4096): Promise<number[]> {
  const maps = await l1.readFile(`/proc/${pid}/maps`);
  const lines = maps.split('\n').filter((line) => line.endsWith(` ${device}`));
  return lines.map((line) => parseInt(line.split(' ')[2] ?? '', 16) / pageSize).sort((one, other) => one - other);
}

/** How many buffers of a virtqueue of pair 0 the device has given back: `used->idx` as it is in guest memory. */
export async function usedBuffers(l1: L1, socket: string, id: string, queue: number): Promise<number> {
  const path = `/machine/peripheral/${id}/virtio-backend`;
  const query = { execute: 'x-query-virtio-vhost-queue-status', arguments: { path, queue } };
  const { 'used-phys': used } = (await qmpReturn(l1, socket, query)) as { 'used-phys': number };
  const read = { execute: 'human-monitor-command', arguments: { 'command-line': `xp /1hx ${used + 2}` } };
  return parseInt(String(await qmpReturn(l1, socket, read)).split(':')[1] ?? '', 16);
}
