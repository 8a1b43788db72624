import { BlockList, isIP, isIPv4 } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import { hostRoots, linkTarget, listDirectory, readText, realPath } from './files.ts';
import { openFiles } from './proc-maps.ts';
import type { QmpSocket } from './qmp-connect.ts';
import { isSameFile } from './same-file.ts';

type QmpTcpSocket = Extract<QmpSocket, { readonly host: string }>;
type ProcRoot = { readonly procRoot: string };

/**
 * The QEMU that listens at a QMP address of this host: /proc/net names the inode of a socket, /proc/PID/fd who holds it.
 * Needs root for other users' processes.
 * @returns its number; or unknown: `not-local` an address of another host, `not-found` nobody is seen to hold it,
 *   `not-qemu` some other program does (a relay), `ambiguous` several QEMUs do
 */
export function findQemu(address: QmpSocket, roots: ProcRoot = hostRoots): Fact<number> {
  const found = listenersAt(address, roots);
  if (isUnknown(found)) return found;
  const checked = found.map((pid) => checkQemu(pid, roots));
  const [first, ...others] = checked;
  if (first === undefined) {
    return unknown('not-found', 'no process of this host is seen to listen there (root sees all of them)');
  }
  const qemus = checked.filter(isKnown);
  if (qemus.length > 1) {
    return unknown('ambiguous', `processes ${qemus.join(' and ')} were all told to listen there: give --pid`);
  }
  return qemus[0] ?? (others.length === 0 ? first : unknown('not-qemu', 'several processes, and none is a QEMU'));
}

/**
 * The processes that hold a socket which was bound to the address. More than one where a later one took the name of a
 * unix socket over, which leaves the earlier one listening without a name.
 */
export function listenersAt(address: QmpSocket, roots: ProcRoot = hostRoots): Fact<number[]> {
  if ('host' in address && !isLocal(address.host)) {
    return unknown('not-local', `${address.host} is not an address of this host`);
  }
  const sockets = 'path' in address ? unixSockets(address.path, roots) : tcpSockets(address, roots);
  const processes = listDirectory(roots.procRoot);
  if (isUnknown(processes)) return [];
  return processes
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((name) => {
      const files = openFiles(path.join(roots.procRoot, name, 'fd'));
      if (isUnknown(files)) return [];
      const workingDirectory = path.join(roots.procRoot, name, 'cwd');
      const holds = [...files.values()].some((target) => {
        const bound = sockets.get(target);
        return bound !== undefined && isTheSocket(bound, address, workingDirectory);
      });
      return holds ? [Number(name)] : [];
    });
}

/**
 * The process, where it is a QEMU. Told by its program, whose name has `qemu` or `kvm` in it, as those of QEMU and of
 * all distributions have.
 * @returns its number; or unknown: `not-found` there is none, `not-qemu` what it is instead
 */
export function checkQemu(pid: number, roots: ProcRoot = hostRoots): Fact<number> {
  const directory = path.join(roots.procRoot, String(pid));
  const commandLine = readText(path.join(directory, 'cmdline'));
  if (isUnknown(commandLine)) return unknown('not-found', `process ${pid}: there is none`);
  const [first = ''] = commandLine.split('\0');
  const program = linkTarget(path.join(directory, 'exe'));
  const names = [first, typeof program === 'string' ? program : ''].map((name) => path.basename(name));
  if (names.some((name) => /qemu|kvm/i.test(name))) return pid;
  return unknown('not-qemu', `process ${pid} is no QEMU, it is ${names.find((name) => name !== '') ?? 'nameless'}`);
}

/** The pid in a file such as libvirt's /run/libvirt/qemu/NAME.pid. */
export function readPidFile(file: string): Fact<number> {
  const text = readText(file);
  if (isUnknown(text)) return text;
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : unknown('malformed', `${file}: holds no process number`);
}

/** Sockets as /proc/PID/fd writes them -> the path that a unix socket was bound to, as its process gave it. */
type Sockets = ReadonlyMap<string, string | null>;

/** `Num RefCount Protocol Flags Type St Inode Path`; a listening socket has __SO_ACCEPTCON, 00010000 (net/unix). */
function unixSockets(socket: string, { procRoot }: ProcRoot): Sockets {
  const found = new Map<string, string>();
  const table = readText(path.join(procRoot, 'net/unix'));
  const place = realPath(socket);
  // whatever links lead to it, the name that it was bound to is the last part of its place
  const name = path.basename(isUnknown(place) ? socket : place);
  for (const line of isUnknown(table) ? [] : table.split('\n')) {
    const [, inode = '', bound] = /^\S+ \S+ \S+ 00010000 \S+ \S+ +(\d+) (.+)$/.exec(line) ?? [];
    if (bound !== undefined && path.basename(bound) === name) found.set(`socket:[${inode}]`, bound);
  }
  return found;
}

/**
 * `sl local_address rem_address st .. uid timeout inode`; state 0A is TCP_LISTEN, address and port are in hex (proc(5)).
 */
function tcpSockets({ host, port }: QmpTcpSocket, { procRoot }: ProcRoot): Sockets {
  const found = new Map<string, null>();
  const wanted = addressesOf(host);
  for (const name of ['net/tcp', 'net/tcp6']) {
    const table = readText(path.join(procRoot, name));
    for (const line of isUnknown(table) ? [] : table.split('\n')) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const [address = '', number = ''] = local.split(':');
      if (state !== '0A' || parseInt(number, 16) !== port) continue;
      if (/^0+$/.test(address) || isAmong(textOf(address), wanted)) found.set(`socket:[${inode}]`, null);
    }
  }
  return found;
}

/** An address as the kernel writes it: words of 32 bits, each in the byte order of this machine. */
function textOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => {
    const inOrder = word.match(/../g) ?? [];
    return os.endianness() === 'LE' ? inOrder.reverse() : inOrder;
  });
  if (bytes.length === 4) return bytes.map((byte) => parseInt(byte, 16)).join('.');
  return (bytes.join('').match(/.{4}/g) ?? []).join(':');
}

function addressesOf(host: string): BlockList {
  const list = new BlockList();
  for (const name of host === 'localhost' ? ['127.0.0.1', '::1'] : [host]) {
    if (isIP(name) !== 0) list.addAddress(name, isIPv4(name) ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** An IPv4 address may be written as one of IPv6, which the list takes for the same. */
function isAmong(address: string, list: BlockList): boolean {
  return isIP(address) !== 0 && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** QEMU may have been given a relative path: it is relative to its own working directory. */
function isTheSocket(bound: string | null, address: QmpSocket, workingDirectory: string): boolean {
  if (bound === null || 'host' in address) return true;
  if (path.isAbsolute(bound)) return isSameFile(bound, address.path);
  const directory = linkTarget(workingDirectory);
  return typeof directory === 'string' && isSameFile(path.join(directory, bound), address.path);
}

function isLocal(host: string): boolean {
  if (host === 'localhost' || (isIPv4(host) && host.startsWith('127.'))) return true;
  const own = Object.values(os.networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.some(({ address }) => address === host);
}
