/**
 * One live migration inside L1, from one VM on one vDPA device to another, and what really became of the guest.
 *
 * Nothing is believed: QEMU's words are recorded, and the outcome is decided by the guest itself (guest/driver.c), whose
 * counters travel in its memory: does its CPU run, does its device take and give packets, does it still read what it
 * had read before.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabDevice } from './devices.ts';
import { answered, differences, losses } from './guest/losses.ts';
import { guestReport, type GuestReport } from './guest/report.ts';
import { twoLooks } from './guest/watch.ts';
import type { Background, L1 } from './l1.ts';
import { argv, type Side } from './migration-side.ts';
import { hostNotifiers, qmp, qmpReturn, until, type QmpReply } from './witness.ts';

export interface Cell {
  readonly name: string;
  readonly source: Side;
  readonly destination: Side;
  /** Command line of the guest (guest/driver.c). */
  readonly guest?: string;
  /** Migration capabilities switched on at both sides; libvirt uses return-path. */
  readonly capabilities?: readonly string[];
  /** Look at the sizes of its rings, too. */
  readonly rings?: true;
}

/** Descriptors of the first receive ring: what the guest uses, and what QEMU offers it after a reset. */
export interface Ring {
  readonly used: number;
  readonly offered: number;
}

export type Outcome =
  /** QEMU would not begin; the guest runs on. */
  | 'refused'
  /** The migration failed; the guest runs on at the source. */
  | 'failed-source-alive'
  /** The migration failed; the guest runs on at the source, without something that it had. */
  | 'failed-source-broken'
  /** The source has let go of the guest and no destination runs it. */
  | 'guest-lost'
  | 'completed'
  /** It runs at the destination and something of it is not what it was. */
  | 'completed-state-lost'
  | 'destination-did-not-start'
  /** There is no guest to migrate. */
  | 'source-did-not-start';

export interface RealOutcome {
  readonly name: string;
  readonly sourceDevice: string;
  readonly destinationDevice: string;
  readonly source: readonly string[];
  readonly destination: readonly string[];
  readonly outcome: Outcome;
  /** What is lost, when something is. */
  readonly lost: readonly string[];
  /** Seen, and no loss to a guest that runs on: such as other features at the guest's next reset. */
  readonly notes: readonly string[];
  /** QEMU's own words. */
  readonly text: {
    readonly error: string;
    readonly blockedReasons: readonly string[];
    readonly source: string;
    readonly destination: string;
  };
  readonly notifiers: { readonly before: readonly number[]; readonly after: readonly number[] };
  /** Of a cell that asks for them. */
  readonly rings?: { readonly before: Ring; readonly after?: Ring };
  /** Whether QEMU has the device at work (x-query-virtio-status), where the guest ended up; null: not asked. */
  readonly vhostStarted: boolean | null;
  readonly guest: { readonly before?: GuestReport; readonly after?: GuestReport };
  readonly migration: { readonly status: string; readonly totalMs?: number; readonly downtimeMs?: number };
  /** Until the guest was at work, the destination listened, the source said how it ended, and all was seen; in ms. */
  readonly times: {
    readonly guest: number;
    readonly destination: number;
    readonly migrated: number;
    readonly all: number;
  };
}

/** Devices that are as they were made: QEMU and guests write a MAC address into a simulated one, where it stays. */
export async function renew(l1: L1, cell: Cell, devices: readonly LabDevice[]): Promise<void> {
  const names = [cell.source.device, cell.destination.device];
  const used = devices.filter(({ name, kind }) => names.includes(name) && kind === 'sim-net');
  if (!JSON.stringify(cell).includes('mac')) return;
  for (const device of used) {
    const node = l1.devices.get(device.name);
    await l1.ok(['vdpa', 'dev', 'del', device.name]);
    const again = await l1.addDevice(device, devices);
    if (again !== node) throw new Error(`${device.name} was ${node ?? 'nowhere'} and is now ${again}`);
  }
}

interface Vm {
  readonly qemu: Background;
  readonly socket: string;
  readonly argv: readonly string[];
  /** Set when QEMU has ended. */
  ended?: string;
}

let count = 0;

/** Starts both VMs, migrates, classifies, and ends both. */
export async function migrateOnce(l1: L1, cell: Cell): Promise<RealOutcome> {
  const began = Date.now();
  const number = ++count;
  const incoming = `/run/lab/incoming-${number}.sock`;
  const times = { guest: 0, destination: 0, migrated: 0 };
  const holders: Background[] = [];
  const vms: Vm[] = [];
  const start = async (side: Side, name: string, more: readonly string[]): Promise<Vm> => {
    const socket = `/run/lab/${name}-${number}.sock`;
    const words = argv(l1, side, cell.guest);
    const limit = side.memlock === undefined ? 'unlimited' : String(side.memlock);
    const monitor = ['-qmp', `unix:${socket},server=on,wait=off`];
    const qemu = await l1.spawn(['prlimit', `--memlock=${limit}`, ...words, ...monitor, ...more]);
    const vm: Vm = { qemu, socket, argv: words };
    vms.push(vm);
    void l1.wait(qemu).then(
      ({ code, signal }) => (vm.ended = String(code ?? signal)),
      () => (vm.ended = 'L1 has gone'),
    );
    return vm;
  };
  try {
    for (const side of [cell.source, cell.destination]) if (side.busy) holders.push(await hold(l1, side));
    const source = await start(cell.source, 'source', []);
    const destination = await start(cell.destination, 'destination', ['-incoming', `unix:${incoming}`]);
    const all = await observe(l1, cell, source, destination, incoming, (what) => (times[what] = Date.now() - began));
    const { startedBefore, ...seen } = all;
    const notes = startedBefore === false ? ['vhost was not started before either'] : [];
    return {
      name: cell.name,
      sourceDevice: cell.source.device,
      destinationDevice: cell.destination.device,
      source: source.argv,
      destination: destination.argv,
      ...seen,
      notes: [...notes, ...seen.notes],
      text: { ...seen.text, source: await said(l1, source), destination: await said(l1, destination) },
      times: { ...times, all: Date.now() - began },
    };
  } finally {
    for (const process of [...vms.map(({ qemu }) => qemu), ...holders]) {
      await l1.kill(process, 'SIGKILL').catch(() => undefined);
      await l1.wait(process).catch(() => undefined);
    }
  }
}

async function said(l1: L1, { qemu }: Vm): Promise<string> {
  return (await l1.readFile(qemu.log)).trim();
}

/** Another program that has the device open. */
async function hold(l1: L1, side: Side): Promise<Background> {
  const node = l1.devices.get(side.device) ?? side.device;
  const holder = await l1.spawn(['sh', '-c', `exec 3<>${node}; : >/run/lab/held; exec sleep 600`]);
  await until('holder', async () => ((await l1.run(['test', '-e', '/run/lab/held'])).code === 0 ? true : undefined));
  await l1.ok(['rm', '/run/lab/held']);
  return holder;
}

type Seen = Omit<
  RealOutcome,
  'name' | 'sourceDevice' | 'destinationDevice' | 'source' | 'destination' | 'times' | 'text'
> & {
  readonly text: { readonly error: string; readonly blockedReasons: readonly string[] };
  /** vhostStarted before the migration. */
  readonly startedBefore: boolean | null;
};

async function observe(
  l1: L1,
  cell: Cell,
  source: Vm,
  destination: Vm,
  incoming: string,
  reached: (what: 'guest' | 'destination' | 'migrated') => void,
): Promise<Seen> {
  const nothing: Seen = {
    ...{ outcome: 'source-did-not-start', lost: [], notes: [], notifiers: { before: [], after: [] } },
    ...{ vhostStarted: null, startedBefore: null },
    ...{ guest: {}, migration: { status: 'none' }, text: { error: '', blockedReasons: [] } },
  };
  if (!(await listening(l1, destination, incoming))) return { ...nothing, outcome: 'destination-did-not-start' };
  reached('destination');
  const before = await settled(l1, cell, source);
  if (before === undefined) return nothing;
  reached('guest');
  const startedBefore = await vhostStarted(l1, source, cell.source);
  const known = { ...nothing, guest: { before }, startedBefore };
  const notifiers = { before: await notifiersOf(l1, source), after: [] };
  const rings = cell.rings === undefined ? {} : { rings: { before: await ringOf(l1, source) } };
  const blockedReasons = await blocked(l1, source);
  const capabilities = (cell.capabilities ?? []).map((capability) => ({ capability, state: true }));
  for (const { socket } of capabilities.length > 0 ? [source, destination] : [])
    await qmpReturn(l1, socket, { execute: 'migrate-set-capabilities', arguments: { capabilities } });

  const [reply] = await qmp(l1, source.socket, { execute: 'migrate', arguments: { uri: `unix:${incoming}` } });
  const at = { ...known, ...rings, notifiers, text: { error: reply?.error?.desc ?? '', blockedReasons } };
  if (reply?.error !== undefined) return await ended(l1, cell, source, { ...at, outcome: 'refused' });

  const info = await until('end of the migration', () => migrationEnd(l1, source));
  reached('migrated');
  const text = { ...at.text, error: info['error-desc'] ?? '' };
  const migration = {
    status: info.status ?? 'none',
    ...(info['total-time'] === undefined ? {} : { totalMs: info['total-time'] }),
    ...(info.downtime === undefined ? {} : { downtimeMs: info.downtime }),
  };
  const then = { ...at, text, migration };
  if (info.status !== 'completed') return await ended(l1, cell, source, { ...then, outcome: 'failed-source-alive' });
  return await arrived(l1, cell, destination, then);
}

interface MigrationInfo {
  readonly status?: string;
  readonly 'error-desc'?: string;
  readonly 'total-time'?: number;
  readonly downtime?: number;
}

async function migrationEnd(l1: L1, { socket, ended: gone }: Vm): Promise<MigrationInfo | undefined> {
  if (gone !== undefined) return { status: `source QEMU ended with ${gone}` };
  const info = (await qmpReturn(l1, socket, { execute: 'query-migrate' })) as MigrationInfo;
  return ['completed', 'failed', 'cancelled'].includes(info.status ?? '') ? info : undefined;
}

async function blocked(l1: L1, { socket }: Vm): Promise<string[]> {
  const info = (await qmpReturn(l1, socket, { execute: 'query-migrate' })) as { 'blocked-reasons'?: string[] };
  return info['blocked-reasons'] ?? [];
}

/**
 * Waits until the guest drives its device and the device has answered, or has had ten seconds of the guest's time to do
 * so; undefined when QEMU ended before.
 */
async function settled(l1: L1, cell: Cell, vm: Vm): Promise<GuestReport | undefined> {
  const found = await until('guest at work', async () => {
    if (vm.ended !== undefined) return 'ended';
    const report = await guestReport(l1, vm.socket);
    if (report !== undefined && report.error !== 0) throw new Error(`driver.c gave up: ${report.error}`);
    const patience = silent(cell) ? 50 : 500;
    const enough = report?.running === true && (answered(report) > 10 || report.heartbeat > patience);
    if (!enough) throw new Error(`the guest says ${JSON.stringify(report)}`);
    return report;
  });
  return found === 'ended' ? undefined : found;
}

/** A guest that has sent nothing before the migration. */
function silent({ guest = '' }: Cell): boolean {
  return guest.includes('silent=1');
}

async function listening(l1: L1, vm: Vm, incoming: string): Promise<boolean> {
  return await until('destination', async () => {
    if (vm.ended !== undefined) return false;
    return (await l1.run(['test', '-S', incoming])).code === 0 ? true : undefined;
  });
}

/** Without a page per virtqueue there can be none: that costs no question. */
async function notifiersOf(l1: L1, { socket, argv: words }: Vm): Promise<number[]> {
  if (!words.some((word) => word.includes('page-per-vq=on'))) return [];
  return (await hostNotifiers(l1, socket, 'net0').catch(() => [])).map(({ vq }) => vq);
}

async function ringOf(l1: L1, { socket }: Vm): Promise<Ring> {
  const path = '/machine/peripheral/net0/virtio-backend';
  const query = { execute: 'x-query-virtio-queue-status', arguments: { path, queue: 0 } };
  const status = (await qmpReturn(l1, socket, query)) as { 'vring-num': number; 'vring-num-default': number };
  return { used: status['vring-num'], offered: status['vring-num-default'] };
}

/** A vhost-vdpa-device-pci must not be asked: QEMU 10.0 dies of it. */
async function vhostStarted(l1: L1, { socket }: Vm, { front: kind = 'net' }: Side): Promise<boolean | null> {
  if (kind !== 'net') return null;
  for (const id of ['net0', 'ua-net0']) {
    const path = `/machine/peripheral/${id}/virtio-backend`;
    const [reply] = await qmp(l1, socket, { execute: 'x-query-virtio-status', arguments: { path } });
    const status = reply?.return as { 'vhost-started'?: boolean } | undefined;
    if (status?.['vhost-started'] !== undefined) return status['vhost-started'];
  }
  return null;
}

/** What was not there before the migration is no loss. */
function withVhost(lost: readonly string[], started: boolean | null, { startedBefore }: Seen): string[] {
  const stopped = started === false && startedBefore !== false;
  return [...lost, ...(stopped ? ['vhost is not started: QEMU drops what the guest sends'] : [])];
}

/** The guest should still be at the source. */
async function ended(l1: L1, cell: Cell, source: Vm, seen: Seen): Promise<Seen> {
  if (source.ended !== undefined) return { ...seen, outcome: 'guest-lost', lost: [`source QEMU: ${source.ended}`] };
  const after = await later(l1, cell, source);
  const started = after === undefined ? null : await vhostStarted(l1, source, cell.source);
  const lost =
    after === undefined
      ? ['the guest does not run at the source']
      : withVhost(losses(seen.guest.before, after.before, after.after), started, seen);
  const broken = after === undefined ? 'guest-lost' : 'failed-source-broken';
  return {
    ...seen,
    outcome: lost.length === 0 ? seen.outcome : broken,
    vhostStarted: started,
    lost,
    guest: { ...seen.guest, ...(after === undefined ? {} : { after: after.after }) },
    notifiers: { ...seen.notifiers, after: await notifiersOf(l1, source).catch(() => []) },
  };
}

/** The guest should be at the destination. */
async function arrived(l1: L1, cell: Cell, destination: Vm, seen: Seen): Promise<Seen> {
  const status = await until('destination to run or end', async () => {
    if (destination.ended !== undefined) return 'ended';
    const [reply] = await qmp(l1, destination.socket, { execute: 'query-status' }).catch((): QmpReply[] => []);
    const { status: word } = (reply?.return ?? {}) as { status?: string };
    return word === undefined || word === 'inmigrate' ? undefined : word;
  });
  if (status !== 'running') return { ...seen, outcome: 'guest-lost', lost: [`destination: ${status}`] };
  const look = await later(l1, cell, destination);
  if (look === undefined)
    return { ...seen, outcome: 'guest-lost', lost: ['the guest does not run at the destination'] };
  const started = await vhostStarted(l1, destination, cell.destination);
  const lost = withVhost(losses(seen.guest.before, look.before, look.after), started, seen);
  return {
    ...seen,
    outcome: lost.length === 0 ? 'completed' : 'completed-state-lost',
    lost,
    vhostStarted: started,
    notes: differences(seen.guest.before, look.after),
    guest: { ...seen.guest, after: look.after },
    notifiers: { ...seen.notifiers, after: await notifiersOf(l1, destination) },
    ...(seen.rings === undefined ? {} : { rings: { ...seen.rings, after: await ringOf(l1, destination) } }),
  };
}

/** What a guest that should be running does, also one that was told to be silent before. */
async function later(l1: L1, cell: Cell, vm: Vm): Promise<{ before: GuestReport; after: GuestReport } | undefined> {
  if (silent(cell)) {
    await qmpReturn(l1, vm.socket, { execute: 'system_powerdown' });
    await sleep(500);
  }
  return await twoLooks(l1, vm.socket);
}
