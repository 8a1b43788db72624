/** Two hosts in one L1: libvirtds that take each other for another machine (l1/libvirt-host.sh), to migrate between. */
import type { L1, RunResult } from './l1.ts';

export interface LibvirtHost {
  readonly name: string;
  /** Of libvirt, as anybody in L1 may use it. */
  readonly uri: string;
  /** Where its own directories are. */
  readonly directory: string;
}

export interface HostOptions {
  /** A file of L1 that becomes its hook `qemu`. */
  readonly hook?: string;
}

let count = 0;

export async function startHost(l1: L1, name: string, { hook }: HostOptions = {}): Promise<LibvirtHost> {
  const uuid = `5d7f0000-0000-4000-8000-${String(++count).padStart(12, '0')}`;
  const script = '/project/test/lab/l1/libvirt-host.sh';
  await l1.ok(['sh', script, name, uuid, ...(hook === undefined ? [] : [hook])], { timeoutMs: 300_000 });
  const directory = `/run/lab/hosts/${name}`;
  return { name, directory, uri: `qemu+unix:///system?socket=${directory}/run/libvirt-sock` };
}

/** What `vdpa-qemu probe` says of these devices where the host has that name. */
export async function reportOf(l1: L1, name: string, devices: readonly string[]): Promise<string> {
  const named = 'echo "$0" >/proc/sys/kernel/hostname; exec vdpa-qemu probe --quiet "$@"';
  return await l1.ok(['unshare', '--uts', 'sh', '-c', named, name, ...devices], { timeoutMs: 300_000 });
}

export async function virsh(l1: L1, { uri }: LibvirtHost, ...args: readonly string[]): Promise<RunResult> {
  return await l1.run(['virsh', '-q', '-c', uri, ...args], { timeoutMs: 180_000 });
}

/** A command of virsh that must succeed: its standard output. */
export async function virshOk(l1: L1, { uri }: LibvirtHost, ...args: readonly string[]): Promise<string> {
  return await l1.ok(['virsh', '-q', '-c', uri, ...args], { timeoutMs: 180_000 });
}

/** `virsh migrate --live`, over a unix socket. */
export async function migrateLive(
  l1: L1,
  domain: string,
  [from, to]: readonly [LibvirtHost, LibvirtHost],
  ...more: readonly string[]
): Promise<RunResult> {
  const channel = `unix:///run/lab/libvirt-migration-${++count}.sock`;
  return await virsh(l1, from, 'migrate', '--live', domain, to.uri, '--migrateuri', channel, ...more);
}
